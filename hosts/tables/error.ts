/** What a host says no with. */
export interface HostError extends Error {
    /** The name of Nova's exception, such as `TaskAlreadyRunning`. */
    readonly code: string;
}

/** An error of a host, and what it came of. */
export function hostError(code: string, message: string, cause?: unknown): HostError {
    const error = cause === undefined ? new Error(message) : new Error(message, { cause });
    return Object.assign(error, { code });
}

/** Is it one already? */
export function isHostError(error: unknown): error is HostError {
    return error instanceof Error && "code" in error && typeof error.code === "string";
}
