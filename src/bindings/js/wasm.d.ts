import type { WasmModule } from "./index.js";

/**
 * The WebAssembly module itself, as a bundler's loader for such files hands it over: its URL, its bytes or the compiled
 * module. It is what `init()` takes.
 */
declare const wasm: string | Uint8Array | WasmModule;
export default wasm;
