// The entry for Node: the WebAssembly module is loaded as this is imported, so that there is nothing to wait for.

import { readFileSync } from "node:fs";

import { imports } from "./imports.js";
import { use } from "./instance.js";

export * from "./exports.js";

const bytes = readFileSync(new URL("./nova_compute_utils_bg.wasm", import.meta.url));
// Not asynchronously: that would take a top-level await, with which this could not be `require`d.
use(new WebAssembly.Instance(new WebAssembly.Module(bytes), imports));

/**
 * For programs that run in browsers, too. There is nothing left to do.
 * @returns {Promise<void>}
 */
export async function init() {}
