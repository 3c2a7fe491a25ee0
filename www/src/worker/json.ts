// JSON without rounding: integers past 2^53 are `bigint`s in documents and rows.

/** Writes a value as JSON; a `bigint` as the digits that it is. */
export function jsonText(value: unknown): string {
    try {
        return JSON.stringify(value);
    } catch {
        // It has a `bigint`. Most values have none, and the other way takes several times as long.
        return jsonTextWithBigInts(value);
    }
}

function jsonTextWithBigInts(value: unknown): string {
    let mark: string | undefined;
    const text = JSON.stringify(value, (_key, member: unknown) => {
        if (typeof member !== "bigint") {
            return member;
        }
        // No text of the value can contain the mark, because nobody knows it before.
        mark ??= randomId();
        return `${mark}${member}`;
    });
    return mark === undefined ? text : text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}

/** Integers of so many digits can be rounded by `JSON.parse`. A string is matched as a whole, so that digits in it stay text. */
const STRINGS_AND_LONG_INTEGERS = /"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g;

/** Parses JSON; an integer past 2^53 becomes a `bigint`. */
export function parseJson(text: string): unknown {
    if (!/\d{16}/.test(text)) {
        return JSON.parse(text);
    }
    // Reports errors of the text as it is.
    JSON.parse(text);
    const mark = randomId();
    let isMarked = false;
    const marked = text.replace(STRINGS_AND_LONG_INTEGERS, (part) => {
        if (part.startsWith('"') || Number.isSafeInteger(Number(part))) {
            return part;
        }
        isMarked = true;
        return `"${mark}${part}"`;
    });
    if (!isMarked) {
        return JSON.parse(text);
    }
    return JSON.parse(marked, (_key, value: unknown) =>
        typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
    );
}

/** Returns a random id. `crypto.randomUUID` is missing where the page comes by plain HTTP. */
export function randomId(): string {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
