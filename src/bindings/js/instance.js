// What both loaders need: the one instance of the WebAssembly module, and what stands in for it until it is there.

import { NovaError } from "./error.js";
import { __wbg_set_wasm } from "./nova_compute_utils_bg.js";

/** Whatever is called too early asks this for one of its functions. */
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
 * Every call goes to this instance from now on.
 * @param {WebAssembly.Instance} instance made with what `imports.js` has for it
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
