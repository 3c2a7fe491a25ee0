// Documents on their way in: any object becomes JSON text, and nothing is rounded or lost on the way without a word.

import { NovaError } from "./error.js";

/**
 * The JSON text of a document. A text is taken for JSON as it is.
 *
 * @param {unknown} document
 * @param {string} name what it is called in errors
 * @returns {string}
 */
export function toJson(document, name) {
    if (typeof document === "string") {
        return document;
    }
    try {
        const text = isPlain(document) ? JSON.stringify(document) : write(document, name);
        if (text === undefined) {
            throw new NovaError("TypeError", `\`${name}\` is nothing that JSON could show`);
        }
        return text;
    } catch (thrown) {
        if (thrown instanceof NovaError) {
            throw thrown;
        }
        if (thrown instanceof RangeError) {
            throw new NovaError("ValueError", `\`${name}\` holds itself, or is nested too deeply`);
        }
        throw new NovaError("TypeError", `\`${name}\` cannot be read`, { cause: thrown });
    }
}

/**
 * A moment as text; nothing where it is none. An invalid date throws.
 *
 * @param {unknown} moment
 * @returns {string | undefined}
 */
export function momentText(moment) {
    if (typeof moment === "string") {
        return moment;
    }
    return moment instanceof Date ? moment.toISOString() : undefined;
}

/** Would `JSON.stringify` write all of it, to the digit? Most documents are so, and it is the fastest by far. */
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

/** A whole number past 2^53 may have been rounded before it came here. */
function isExact(number) {
    return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

/** Text, value by value; nothing for what JSON leaves out. */
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
        // Unlike `map`, it passes over no hole.
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
        throw new NovaError("TypeError", `\`${name}\` is a promise: wait for it`);
    }
    if (hidesMembers(value)) {
        throw new NovaError("TypeError", `\`${name}\` is no plain object`);
    }
    return Object.entries(value);
}

/** A `Set`, bytes, a promise and their like have no members that JSON could show. */
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
        : `\`${name}\` is ${number}, which JSON cannot hold`;
}
