/// <reference lib="esnext.disposable" />

export * from "./nova_compute_utils.js";

/**
 * A compiled `WebAssembly.Module`; nothing where the program has no types for WebAssembly, as in Node without those of
 * the DOM. `object`, because TypeScript's own type is empty and lets everything pass.
 */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
    ? Module & object
    : never;

/** Where `init` gets the WebAssembly module from: its URL, an answer of `fetch`, its bytes, or the compiled module. */
export type WasmSource = URL | string | Response | ArrayBuffer | ArrayBufferView | WasmModule;

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
