// The built console, served under a sub-path with its policy, and pages of it in Chromium.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";

import { launch, launchWithProfile, recordProblems } from "../../../tests/js/support/chromium.js";
import { POLICY } from "../../policy.js";
import { server as serverDocument } from "./servers.js";

/** The built files. `cargo xtask test` builds them. */
export const DIST = env.CONSOLE_DIST ?? fileURLToPath(new URL("../../dist/", import.meta.url));

/** The console must run under every path. */
const SUB_PATH = "/ops/nova console/";

const TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
};

/** Serves the built files. @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends with a slash */
export async function serveConsole() {
    const server = createServer(async (request, response) => {
        const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname);
        const name = join(DIST, path.slice(SUB_PATH.length) || "index.html");
        const isInside = path.startsWith(SUB_PATH) && name.startsWith(DIST);
        const body = isInside ? await readFile(name).catch(() => null) : null;
        if (body === null) {
            response.writeHead(404, { "Content-Security-Policy": POLICY }).end();
            return;
        }
        const type = TYPES[extname(name)] ?? "application/octet-stream";
        response.writeHead(200, { "Content-Security-Policy": POLICY, "Content-Type": type }).end(body);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    const close = () =>
        new Promise((resolve) => {
            server.close(() => resolve(undefined));
            server.closeAllConnections();
        });
    return { url: `http://127.0.0.1:${port}${encodeURI(SUB_PATH)}`, close };
}

/**
 * Starts a server and a browser for the tests of one file.
 *
 * @param {{ profile?: boolean }} options whether the browser's profile is on the disk, as users have it
 */
export async function openConsole({ profile = false } = {}) {
    const server = await serveConsole();
    const own = profile ? await launchWithProfile() : null;
    const browser = own === null ? await launch() : null;

    return {
        url: server.url,
        async close() {
            await own?.close();
            await browser?.close();
            await server.close();
        },
        /**
         * Runs a test on a page of a new browser context, and fails when the page logs a problem or asks another origin.
         *
         * @param {string} hash the address after `#`
         * @param {(page: import("playwright-core").Page, context: import("playwright-core").BrowserContext) => Promise<void>} work
         * @param {import("playwright-core").BrowserContextOptions & { expected?: RegExp }} options the context's, and
         *     which problems the test is about
         */
        async page(hash, work, { expected, ...options } = {}) {
            const settings = { viewport: { width: 1440, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], ...options };
            const context = own?.context ?? (await /** @type {any} */ (browser).newContext(settings));
            const problems = await recordProblems(context);
            context.on("request", (request) => {
                if (!request.url().startsWith(server.url) && !request.url().startsWith("blob:")) {
                    problems.push(`another origin or path: ${request.url()}`);
                }
            });
            const page = await context.newPage();
            page.setDefaultTimeout(15_000);
            try {
                await page.goto(`${server.url}#${hash}`);
                await page.locator("main h1").first().waitFor();
                await work(page, context);
                // A reload may come before the icon.
                const isKnown = (problem) => /icon\.svg: net::ERR_ABORTED/.test(problem) || expected?.test(problem) === true;
                const left = problems.filter((problem) => !isKnown(problem));
                if (left.length > 0) {
                    throw new Error(`the page has problems:\n${left.join("\n")}`);
                }
            } finally {
                await page.close();
                if (own === null) {
                    await context.close();
                }
            }
        },
    };
}

/**
 * Drops files on the page.
 *
 * @param {import("playwright-core").Page} page
 * @param {...{ name: string, data: string | Uint8Array }} files
 */
export async function drop(page, ...files) {
    const list = files.map(({ name, data }) => ({ name, base64: Buffer.from(data).toString("base64") }));
    await page.evaluate(async (list) => {
        const transfer = new DataTransfer();
        for (const { name, base64 } of list) {
            const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
        }
        const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new DragEvent("dragover", options));
        document.body.dispatchEvent(new DragEvent("drop", options));
    }, list);
}

/** Chooses a file of the disk in the browser's dialog: the page reads it where it lies. */
export async function chooseFile(page, path) {
    const button = page.getByRole("button", { name: "Choose files" }).first();
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button.click()]);
    await chooser.setFiles(path);
}

/**
 * Drops a file of many servers, which the page itself makes: copies of one with other uuids and names.
 *
 * @param {import("playwright-core").Page} page
 */
export async function dropMany(page, name, count) {
    await page.evaluate(
        ({ name, count, template }) => {
            const text = JSON.stringify(template);
            const lines = Array.from({ length: count }, (_, number) => {
                const last = number.toString(16).padStart(12, "0");
                return text.replace("000000000000", last).replace('"web-0"', `"web-${number}"`).replace('"cmp-01"', `"cmp-${number % 200}"`);
            });
            const transfer = new DataTransfer();
            transfer.items.add(new File([lines.join("\n")], name));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        },
        { name, count, template: serverDocument(0) },
    );
}

/** Waits until a cell is listed under Data with this number of servers. */
export async function imported(page, cell, servers) {
    const row = page.locator(".cells tbody tr").filter({ has: page.getByRole("link", { name: cell, exact: true }) });
    const link = row.locator("td").first().getByRole("link", { name: servers.toLocaleString("en"), exact: true });
    await link.waitFor({ timeout: 60_000 });
    return row;
}

/** The file that a click downloads. @returns {Promise<{ name: string, bytes: Buffer, text: string }>} */
export async function downloaded(page, click) {
    const [download] = await Promise.all([page.waitForEvent("download"), click()]);
    const bytes = await readFile(await download.path());
    return { name: download.suggestedFilename(), bytes, text: bytes.toString("utf8") };
}
