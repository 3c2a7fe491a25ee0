import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { POLICY } from "./policy.js";

/** Writes the policy into the built page. Vite's development server needs inline styles, so it serves without. */
const policy = {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
        {
            tag: "meta",
            attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
            injectTo: "head-prepend",
        },
    ],
};

export default defineConfig({
    // Relative addresses: the built files run under every path of every web server.
    base: "./",
    plugins: [svelte(), policy],
    worker: { format: "es" },
    build: {
        // The browsers that know `light-dark()`, `oklch()` and module workers.
        target: ["chrome125", "firefox128", "safari18"],
        // The policy forbids `data:` addresses.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        rolldownOptions: { checks: { pluginTimings: false } },
    },
    optimizeDeps: { exclude: ["nova-compute-utils", "@sqlite.org/sqlite-wasm"] },
    preview: { host: "127.0.0.1", headers: { "Content-Security-Policy": POLICY } },
    server: { host: "127.0.0.1" },
});
