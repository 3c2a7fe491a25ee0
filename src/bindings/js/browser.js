// The entry for browsers and their workers, and for whatever else is not Node: `await init()` loads the module.

import { NovaError } from "./error.js";
import { imports } from "./imports.js";
import { use } from "./instance.js";

export * from "./exports.js";

/** @typedef {import("./index.js").WasmSource} WasmSource */

/**
 * The one load, under way or done.
 * @type {Promise<void> | undefined}
 */
let loading;

/**
 * @param {WasmSource | PromiseLike<WasmSource>} [source]
 * @returns {Promise<void>}
 */
export function init(source) {
    loading ??= load(source).catch((cause) => {
        // The next call may have a better source, or a better network.
        loading = undefined;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new NovaError("InitFailed", `cannot load nova-compute-utils: ${reason}`, { cause });
    });
    return loading;
}

/**
 * @param {WasmSource | PromiseLike<WasmSource>} [source]
 * @returns {Promise<void>}
 */
async function load(source) {
    // Written out like this it is what Vite and webpack look for when they collect the files of a program.
    const given = await (source ?? new URL("./nova_compute_utils_bg.wasm", import.meta.url));
    use(await WebAssembly.instantiate(await compile(given), imports));
}

/**
 * @param {WasmSource} source
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(source) {
    if (source instanceof WebAssembly.Module) {
        return source;
    }
    if (typeof source === "string" || source instanceof URL) {
        return compileResponse(await fetch(source));
    }
    return source instanceof Response ? compileResponse(source) : WebAssembly.compile(source);
}

/**
 * @param {Response} response
 * @returns {Promise<WebAssembly.Module>}
 */
async function compileResponse(response) {
    if (!response.ok) {
        throw new Error(`${response.url || "the server"} answered ${response.status} ${response.statusText}`.trim());
    }
    const type = response.headers.get("content-type")?.trim().toLowerCase() ?? "";
    if (type.startsWith("text/html")) {
        throw new Error(`${response.url || "the server"} is a page: the module was not copied to where it is looked for`);
    }
    // Browsers compile what still arrives only if it is called by its name; servers that don't know it are many.
    if (type === "application/wasm" && typeof WebAssembly.compileStreaming === "function") {
        return WebAssembly.compileStreaming(response);
    }
    return WebAssembly.compile(await response.arrayBuffer());
}
