// The error that the package throws.

/** An error of the library or of its host. Its `code` is a stable name for programs. */
export class NovaError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{ arguments?: object, callback?: string, cause?: unknown }} [options] the keyword arguments of Nova's
     *     exception, the callback of the host that failed, and the value that it threw
     */
    constructor(code, message, options = {}) {
        super(message, "cause" in options ? { cause: options.cause } : undefined);
        this.code = code;
        this.arguments = options.arguments ?? {};
        this.callback = options.callback;
    }
}

Object.defineProperty(NovaError.prototype, "name", { value: "NovaError", configurable: true, writable: true });

/** Makes the error for the library, which passes `undefined` for an absent part and callbacks in `wit/` spelling. */
export function novaError(code, message, args, callback, cause) {
    const name = callback?.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    return new NovaError(code, message, { arguments: args, callback: name, ...(cause !== undefined && { cause }) });
}
