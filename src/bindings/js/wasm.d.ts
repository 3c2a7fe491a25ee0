import type { WasmModule } from "./index.js";

/**
 * The WebAssembly module as a bundler's loader for such files returns it: its URL, its bytes or the compiled module.
 * `init()` takes each of them.
 */
declare const wasm: string | Uint8Array | WasmModule;
export default wasm;
