import type { Document } from "nova-compute-utils";

/** An error that a host throws. */
export interface HostError extends Error {
    /** The name of Nova's exception, such as `TaskAlreadyRunning`. */
    readonly code: string;
    /** Nova's keyword arguments of the exception; empty when it has none. */
    readonly arguments: Document;
}

/** Creates an error of a host. It does not throw it. */
export function hostError(
    code: string,
    message: string,
    { arguments: values = {}, ...cause }: { arguments?: Document; cause?: unknown } = {},
): HostError {
    return Object.assign(new Error(message, cause), { code, arguments: values });
}

/** Creates the error of a host without a network. */
export function noNetworkApi(): HostError {
    return hostError("NoNetworkApi", "this host has no network API, and the instance has no network info in its cache");
}

/** Creates the error of a marker that no page has. */
export function markerNotFound(marker: string): HostError {
    return hostError("MarkerNotFound", `Marker ${marker} could not be found.`, { arguments: { marker } });
}

/** Returns whether the error has a string `code`, as every error of {@link hostError} has. */
export function isHostError(error: unknown): error is HostError {
    return error instanceof Error && "code" in error && typeof error.code === "string";
}
