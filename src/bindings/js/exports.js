// All that the package offers but `init`, for both loaders: what is generated, and what JavaScript says best itself.

export { NovaError } from "./error.js";
export * from "./nova_compute_utils.js";
export { existsNdjsonStream } from "./stream.js";
