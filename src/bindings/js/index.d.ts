/// <reference lib="esnext.disposable" />

export * from "./nova_compute_utils.js";

/**
 * A compiled `WebAssembly.Module`; `never` where the program has no types for WebAssembly, as in Node without those of
 * the DOM. The type includes `object`, because TypeScript's own type is empty and accepts every value.
 */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
    ? Module & object
    : never;

/** The source of the WebAssembly module: its URL, a `Response` of `fetch`, its bytes, or the compiled module. */
export type WasmSource = URL | string | Response | ArrayBuffer | ArrayBufferView | WasmModule;

/**
 * Loads the WebAssembly module. Browsers and workers call it once before any other function, which otherwise throws a
 * `NovaError` with the code `NotInitialized`. Node loads the module with the import, and `init` does nothing.
 *
 * Concurrent calls share one load, and later calls do nothing. A failed load throws a `NovaError` with the code
 * `InitFailed` and the reason as its `cause`; the next call tries again.
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
