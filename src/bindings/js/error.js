/**
 * What goes wrong here, as data: a code that stays, and a message on one line.
 */
export class NovaError extends Error {
    static {
        // On the prototype, where JavaScript's own errors have theirs: no field of each error, and safe from minifiers.
        Object.defineProperty(this.prototype, "name", { value: "NovaError", configurable: true, writable: true });
    }

    /**
     * @param {string} code Nova's exception name, where Nova has one
     * @param {string} message
     * @param {string} [callback] the method of the host that failed
     * @param {[] | [unknown]} cause what that method threw; it may have thrown anything, `undefined` included
     */
    constructor(code, message, callback, ...cause) {
        super(message, cause.length > 0 ? { cause: cause[0] } : undefined);
        this.code = code;
        this.callback = callback;
    }
}
