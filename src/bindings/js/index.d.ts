/// <reference lib="esnext.disposable" />

export { NovaError } from "./error.js";
export * from "./nova_compute_utils.js";

/** Where `init` gets the WebAssembly module from: its URL, an answer of `fetch`, its bytes, or the compiled module. */
export type WasmSource = URL | string | Response | BufferSource | WebAssembly.Module;

/**
 * Load the WebAssembly module: in browsers and workers once, before anything else is called; whatever is called earlier
 * throws a `NovaError` with the code `NotInitialized`. In Node it is loaded with the import, and this does nothing.
 *
 * Calls at the same time share one load, and after it there is nothing left to do. A failed load throws a `NovaError`
 * with the code `InitFailed`, its reason as `cause`, and may be tried again.
 *
 * ```js
 * import { init, lastCompletedAuditPeriod } from "nova-compute-utils";
 *
 * await init();
 * lastCompletedAuditPeriod({ release: "hibiscus", unit: "month" });
 * ```
 *
 * @param source where the module is [default: `nova_compute_utils_bg.wasm` beside the JavaScript]
 */
export function init(source?: WasmSource | PromiseLike<WasmSource>): Promise<void>;
