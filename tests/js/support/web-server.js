// A web server with a strict Content Security Policy, and the pages that it serves.

import { writeFile } from "node:fs/promises";
import { basename } from "node:path";

import { preview } from "vite";

/** Allows no foreign origin, no inline script and no `eval`; allows compiling WebAssembly. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

/**
 * Serves a directory.
 *
 * @param {string} directory
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends with a slash
 */
export async function serve(directory) {
    const server = await preview({
        root: directory,
        configFile: false,
        logLevel: "error",
        // Answers 404 for a missing file instead of sending the first page.
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

/**
 * Writes a page with an `output` element beside the script that fills it: `main.html` beside `main.js`.
 *
 * @param {string} script the path of the script
 * @param {string} attributes how the page loads it
 * @returns {Promise<string>} the path of the page
 */
export async function writePage(script, attributes = 'type="module"') {
    const page = script.replace(/\.js$/, ".html");
    await writeFile(
        page,
        `<!doctype html>
<html lang="en">
    <head>
        <meta charset="utf-8" />
        <title>nova-compute-utils</title>
        <script ${attributes} src="./${basename(script)}"></script>
    </head>
    <body>
        <output></output>
    </body>
</html>
`,
    );
    return page;
}
