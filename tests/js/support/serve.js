// A web server with a strict Content Security Policy.

import { preview } from "vite";

/** Nothing from elsewhere, no inline script, no `eval`; WebAssembly may be compiled. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

/**
 * Serve a directory.
 *
 * @param {string} directory
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends with a slash
 */
export async function serve(directory) {
    const server = await preview({
        root: directory,
        configFile: false,
        logLevel: "error",
        // What is not there is an error, and not the first page.
        appType: "mpa",
        build: { outDir: "." },
        preview: { host: "127.0.0.1", port: 0, headers: { "Content-Security-Policy": POLICY } },
    });
    const url = server.resolvedUrls?.local[0];
    if (url === undefined) {
        throw new Error("the server has no address");
    }
    return { url, close: () => server.close() };
}
