// The error that everything here throws.

/** An error under the name that Nova gives it. */
export class NovaError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{ callback?: string, cause?: unknown }} [options] the callback of the host that failed, and what it threw
     */
    constructor(code, message, options = {}) {
        super(message, "cause" in options ? { cause: options.cause } : undefined);
        this.code = code;
        this.callback = options.callback;
    }
}

Object.defineProperty(NovaError.prototype, "name", { value: "NovaError", configurable: true, writable: true });

/** The same for the library, which says `undefined` where there is nothing to say. */
export function novaError(code, message, callback, cause) {
    return new NovaError(code, message, cause === undefined ? { callback } : { callback, cause });
}

/** What may be said of anything that was thrown: a code and a line of text. */
export function describe(thrown) {
    try {
        if (typeof thrown !== "object" || thrown === null) {
            return ["Error", String(thrown)];
        }
        const code = [thrown.code, thrown.name].find((name) => typeof name === "string" && name !== "");
        const message = typeof thrown.message === "string" ? thrown.message : String(thrown);
        return [code ?? "Error", message];
    } catch {
        return ["Error", "the host threw something that says nothing of itself"];
    }
}
