/** What goes wrong in this library, and what a host answers when it goes wrong there. */
export class NovaError extends Error {
    /**
     * @param code Nova's exception name
     * @param message what happened, on one line
     * @param options the method of the host that failed, and what it threw
     */
    constructor(code: string, message: string, options?: { callback?: string; cause?: unknown });

    readonly name: "NovaError";

    /**
     * What kind of error it is: Nova's exception name where Nova has one, such as `DevicePathInUse`. It stays the same
     * from release to release of this package, where messages may change.
     */
    readonly code: string;

    /** The method of the conductor or notifier that failed, such as `taskLogGet`; what it threw is the `cause`. */
    readonly callback: string | undefined;
}
