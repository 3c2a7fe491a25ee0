// The entry for Node: importing it loads the WebAssembly module, so that no call has to wait.

import { readFileSync } from "node:fs";

import { imports } from "./imports.js";
import { use } from "./instance.js";

export * from "./exports.js";

const bytes = readFileSync(new URL("./nova_compute_utils_bg.wasm", import.meta.url));
// Loading is synchronous: `require` rejects a module with a top-level await.
use(new WebAssembly.Instance(new WebAssembly.Module(bytes), imports));

/**
 * Does nothing. It exists for programs that also run in browsers.
 * @returns {Promise<void>}
 */
export async function init() {}
