// The entry for browsers, their workers and every other engine but Node: `await init()` loads the module.

import { NovaError } from "./error.js";
import { imports } from "./imports.js";
import { use } from "./instance.js";

export * from "./exports.js";

/** @typedef {import("./index.js").WasmSource} WasmSource */

/**
 * The one load, running or finished.
 * @type {Promise<void> | undefined}
 */
let loading;

/**
 * @param {WasmSource | PromiseLike<WasmSource>} [source]
 * @returns {Promise<void>}
 */
export function init(source) {
    loading ??= load(source).catch((cause) => {
        // The next call may have another source or a working network.
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
    // Vite and webpack find the module by exactly this expression when they collect the files of a program.
    const resolved = await (source ?? new URL("./nova_compute_utils_bg.wasm", import.meta.url));
    use(await WebAssembly.instantiate(await compile(resolved), imports));
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
        throw new Error(`${response.url || "the server"} is a page: copy the module to that URL`);
    }
    // Browsers compile a module while it arrives only with this content type, which many servers do not send.
    if (type === "application/wasm" && typeof WebAssembly.compileStreaming === "function") {
        return WebAssembly.compileStreaming(response);
    }
    return WebAssembly.compile(await response.arrayBuffer());
}
