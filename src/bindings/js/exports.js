// The exports of both loaders except `init`: the generated ones, and those that are written in JavaScript.

export { NovaError } from "./error.js";
export * from "./nova_compute_utils.js";
export { existsNdjsonStream, hoursNdjsonStream, reconcileNdjsonStream, verifyNdjsonStream } from "./stream.js";
