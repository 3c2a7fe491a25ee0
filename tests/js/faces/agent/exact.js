// JSON that keeps every digit of an integer: `JSON` rounds an integer that a `number` cannot hold.

/** A string, or an integer of at least sixteen digits. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
const MARK = "$integer";

/** @param {string} text */
export function parse(text) {
    const marked = text.replace(TOKEN, (token) => (token.startsWith('"') ? token : `{"${MARK}":"${token}"}`));
    return JSON.parse(marked, (_, value) => {
        const digits = value?.[MARK];
        if (digits === undefined) {
            return value;
        }
        const integer = BigInt(digits);
        return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
    });
}

/** @param {unknown} value */
export function print(value) {
    const text = JSON.stringify(value, (_, member) => {
        if (member instanceof Error) {
            return { code: member.code, message: member.message, arguments: member.arguments ?? {} };
        }
        if (ArrayBuffer.isView(member)) {
            return [...member];
        }
        return typeof member === "bigint" ? { [MARK]: `${member}` } : member;
    });
    return text.replaceAll(/\{"\$integer":"(-?\d+)"\}/g, "$1");
}
