// Describes any value that was thrown, and never throws itself.

import { toJson } from "./document.js";

/**
 * Returns the code, the message and the arguments, a JSON object, of a thrown value.
 *
 * @param {unknown} thrown
 * @returns {[code: string, message: string, args: string]}
 */
export function describe(thrown) {
    try {
        if (typeof thrown !== "object" || thrown === null) {
            return ["Error", String(thrown), "{}"];
        }
        const code = [thrown.code, thrown.name].find((name) => typeof name === "string" && name !== "");
        const message = typeof thrown.message === "string" ? thrown.message : String(thrown);
        return [code ?? "Error", message, describeArguments(thrown.arguments)];
    } catch {
        return ["Error", "the host threw a value that cannot be described", "{}"];
    }
}

/** Only an object is kept: other libraries may use the name for something else. */
function describeArguments(args) {
    if (typeof args !== "object" || args === null || Array.isArray(args)) {
        return "{}";
    }
    try {
        const text = toJson(args, "arguments");
        return text.startsWith("{") ? text : "{}";
    } catch {
        return "{}";
    }
}
