// Documents on their way in: any object becomes JSON text, and a number that would be rounded or lost is an error.

import { NovaError } from "./error.js";

/**
 * Returns the JSON text of a document. A string is taken as JSON text and passes through unread.
 *
 * @param {unknown} document
 * @param {string} name its name in errors
 * @returns {string}
 */
export function toJson(document, name) {
    if (typeof document === "string") {
        return document;
    }
    try {
        const text = isPlain(document) ? JSON.stringify(document) : write(document, name);
        if (text === undefined) {
            throw new NovaError("TypeError", `\`${name}\` has no JSON form`);
        }
        return text;
    } catch (thrown) {
        if (thrown instanceof NovaError) {
            throw thrown;
        }
        if (thrown instanceof RangeError) {
            throw new NovaError("ValueError", `\`${name}\` contains itself or is nested too deeply`);
        }
        throw new NovaError("TypeError", `\`${name}\` cannot be read`, { cause: thrown });
    }
}

/**
 * Returns a timestamp as a string, and `undefined` for a value that is not a timestamp. An invalid date throws.
 *
 * @param {unknown} timestamp
 * @returns {string | undefined}
 */
export function timestampText(timestamp) {
    if (typeof timestamp === "string") {
        return timestamp;
    }
    return timestamp instanceof Date ? timestamp.toISOString() : undefined;
}

/** Returns whether `JSON.stringify`, by far the fastest way, writes the whole value exactly. Most documents qualify. */
function isPlain(value) {
    switch (typeof value) {
        case "number":
            return isExact(value);
        case "bigint":
            return false;
        case "object":
            if (value === null) {
                return true;
            }
            if (Array.isArray(value)) {
                return value.every(isPlain);
            }
            if (typeof value.toJSON === "function" || hidesMembers(value)) {
                return false;
            }
            for (const name in value) {
                if (!isPlain(value[name])) {
                    return false;
                }
            }
            return true;
        default:
            return true;
    }
}

/** An integer beyond 2^53 may have been rounded before the library got it. */
function isExact(number) {
    return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

/** Returns the JSON text, and `undefined` for a value that JSON leaves out. */
function write(value, name) {
    switch (typeof value) {
        case "bigint":
            return value.toString();
        case "number":
            if (!isExact(value)) {
                throw new NovaError("ValueError", notExact(value, name));
            }
            return JSON.stringify(value);
        case "object":
            return value === null ? "null" : writeObject(value, name);
        default:
            return JSON.stringify(value);
    }
}

function writeObject(value, name) {
    if (Array.isArray(value)) {
        // Unlike `map`, `Array.from` visits the holes.
        return `[${Array.from(value, (member, index) => write(member, `${name}[${index}]`) ?? "null").join()}]`;
    }
    if (value instanceof Date && Number.isNaN(value.getTime())) {
        throw new NovaError("ValueError", `\`${name}\` is an invalid date`);
    }
    if (typeof value.toJSON === "function") {
        return write(value.toJSON(), name);
    }
    return `{${[...members(value, name)].join()}}`;
}

function* members(value, name) {
    for (const [key, member] of value instanceof Map ? value : ownMembers(value, name)) {
        const text = write(member, `${name}.${String(key)}`);
        if (text !== undefined) {
            yield `${JSON.stringify(String(key))}:${text}`;
        }
    }
}

function ownMembers(value, name) {
    if (typeof value.then === "function") {
        throw new NovaError("TypeError", `\`${name}\` is a promise: await it first`);
    }
    if (hidesMembers(value)) {
        throw new NovaError("TypeError", `\`${name}\` is not a plain object`);
    }
    return Object.entries(value);
}

/** Returns whether a value is a `Set`, bytes, a promise or the like, which JSON would show without its contents. */
function hidesMembers(value) {
    return (
        value[Symbol.iterator] !== undefined ||
        typeof value.then === "function" ||
        ArrayBuffer.isView(value) ||
        value instanceof ArrayBuffer
    );
}

function notExact(number, name) {
    return Number.isInteger(number)
        ? `\`${name}\` is ${number}, which a number cannot hold exactly: give it as a bigint`
        : `\`${name}\` is ${number}, which JSON cannot represent`;
}
