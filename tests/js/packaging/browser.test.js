// The packed package in Chromium, under a strict Content Security Policy: with each bundler, and without one.

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";

import { launch, visit } from "../support/chromium.js";
import { scratch } from "../support/scratch.js";
import { POLICY, serve } from "../support/serve.js";
import { EXPECTED } from "./fixtures/work.js";

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
    server = await serve(project.directory);
    browser = await launch();
});

after(async () => {
    await browser?.close();
    await server?.close();
    await project?.remove();
});

/**
 * The page does the work, and nothing else happens.
 *
 * @param {string} path
 * @param {string} [root] another server's
 */
async function works(path, root = server.url) {
    const { result, complaints } = await visit(browser, new URL(path, root).href);
    assert.deepEqual(complaints, []);
    assert.equal(result, JSON.stringify(EXPECTED));
}

test("what goes wrong in a page is noticed", async () => {
    const { result, complaints } = await visit(browser, new URL("plain/forbidden.html", server.url).href);
    assert.equal(result, "\"EvalError\"");
    const noticed = [/missing\.wasm/, /nobody catches this/, /Content Security Policy/];
    for (const [index, what] of noticed.entries()) {
        assert.ok(complaints.some((complaint) => what.test(complaint)), `${index}: ${complaints.join("\n")}`);
    }
});

test("no bundler", () => works("plain/index.html"));

const SOURCES = ["url", "text", "response", "response of another type", "promise of a response"];
for (const source of [...SOURCES, "buffer", "typed array", "module"]) {
    test(`init, given: ${source}`, () => works(`plain/index.html?source=${encodeURIComponent(source)}`));
}

test("init: too early, failed, tried again, and once only", async () => {
    const { result, complaints } = await visit(browser, new URL("plain/init.html", server.url).href);
    assert.deepEqual(complaints, []);
    const seen = JSON.parse(result);
    const early = {
        name: "NovaError",
        code: "NotInitialized",
        message: "nova-compute-utils is not loaded yet: call `await init()` first",
        right: true,
    };
    assert.deepEqual(seen.early, [early, early]);
    assert.deepEqual(seen.stillEarly, early);
    for (const failure of seen.failed) {
        assert.deepEqual([failure.name, failure.code, failure.right], ["NovaError", "InitFailed", true]);
        assert.match(failure.message, /^cannot load nova-compute-utils: ./);
    }
    assert.deepEqual(
        seen.failed.map(({ cause }) => cause),
        ["CompileError", "Error", "Error", "Error", "TypeError"],
    );
    assert.match(seen.failed[1].message, /answered 404 Not Found$/);
    assert.match(seen.failed[2].message, /init\.html is a page/);
    assert.match(seen.failed[3].message, /no network$/);
    assert.equal(seen.loads, 1);
    assert.deepEqual(seen.work, EXPECTED);
});

test("Web Worker", () => works("worker/index.html"));

test("Service Worker", () => works("service-worker/index.html"));

test("Vite: build and preview, in the page, in a worker and with a database", async () => {
    const root = join(project.directory, "vite");
    const pages = ["index.html", "worker.html", "database.html"];
    const input = pages.map((page) => join(root, page));
    await vite.build({ root, configFile: false, logLevel: "error", build: { rollupOptions: { input } } });
    const built = await serve(join(root, "dist"));
    try {
        for (const page of pages) {
            await works(page, built.url);
        }
    } finally {
        await built.close();
    }
});

test("Vite: development", async () => {
    const root = join(project.directory, "vite");
    const development = await vite.createServer({
        root,
        configFile: false,
        logLevel: "error",
        server: { host: "127.0.0.1", port: 0, headers: { "Content-Security-Policy": POLICY } },
    });
    try {
        await development.listen();
        await works("index.html", development.resolvedUrls.local[0]);
    } finally {
        await development.close();
    }
});

test("webpack", async () => {
    const context = join(project.directory, "webpack");
    const path = join(context, "dist");
    const compiler = webpack({ context, entry: "./main.js", mode: "production", output: { path }, performance: false });
    const stats = await new Promise((resolve, reject) => {
        compiler.run((error, done) => (error ? reject(error) : resolve(done)));
    });
    await new Promise((resolve) => compiler.close(resolve));
    const { errors, warnings } = stats.toJson({ errors: true, warnings: true });
    assert.deepEqual([...errors, ...warnings], []);
    await cp(join(context, "index.html"), join(path, "index.html"));
    await works("webpack/dist/index.html");
});

for (const loader of ["file", "binary"]) {
    test(`esbuild, loader ${loader}`, async () => {
        const directory = join(project.directory, "esbuild");
        const outdir = join(directory, loader);
        const { errors, warnings } = await esbuild.build({
            entryPoints: [join(directory, "main.js")],
            bundle: true,
            format: "esm",
            loader: { ".wasm": loader },
            logLevel: "silent",
            minify: true,
            outdir,
        });
        assert.deepEqual([...errors, ...warnings], []);
        await cp(join(directory, "index.html"), join(outdir, "index.html"));
        await works(`esbuild/${loader}/index.html`);
    });
}
