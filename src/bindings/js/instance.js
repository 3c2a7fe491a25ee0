// The one instance of the WebAssembly module, for both loaders, and the placeholder for calls before it is loaded.

import { NovaError } from "./error.js";
import { __wbg_set_wasm } from "./nova_compute_utils_bg.js";

/** A call before `init()` looks up a function in this placeholder, which throws. */
const notLoaded = new Proxy(
    {},
    {
        get() {
            throw new NovaError("NotInitialized", "nova-compute-utils is not loaded yet: call `await init()` first");
        },
    },
);

__wbg_set_wasm(notLoaded);

/**
 * Directs every later call to an instance.
 * @param {WebAssembly.Instance} instance created with the imports of `imports.js`
 */
export function use(instance) {
    __wbg_set_wasm(instance.exports);
    try {
        instance.exports.__wbindgen_start();
    } catch (error) {
        __wbg_set_wasm(notLoaded);
        throw error;
    }
}
