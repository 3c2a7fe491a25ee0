// The packed package in Chromium under a strict Content Security Policy, with each bundler and without one.

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { after, test } from "node:test";

import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";

import { launch, visitOnce } from "../support/chromium.js";
import { createProject } from "../support/project.js";
import { POLICY, serve, writePage } from "../support/web-server.js";
import { EXPECTED } from "./fixtures/work.js";

const { directory, remove } = await createProject(new URL("fixtures/", import.meta.url));
const server = await serve(directory);
const browser = await launch();
const bundled = join(directory, "bundled");

for (const script of ["plain/main", "plain/init", "plain/forbidden", "worker/main", "service-worker/main"]) {
    await writePage(join(directory, `${script}.js`));
}
/** The pages that Vite builds. */
const bundledPages = [];
for (const script of ["main.js", "worker-main.js", "database.js"]) {
    bundledPages.push(await writePage(join(bundled, script)));
}

after(async () => {
    await browser.close();
    await server.close();
    await remove();
});

/** Visits a page of a server, by default the one of the project. */
const visitPage = (path, url = server.url) => visitOnce(browser, new URL(path, url).href);

/** Asserts that a page shows the result of `work` without problems. */
async function assertWorks(path, url = server.url) {
    const { result, problems } = await visitPage(path, url);
    assert.deepEqual(problems, []);
    assert.equal(result, JSON.stringify(EXPECTED));
}

test("a page that violates the policy, fails a request and leaves an error uncaught has problems", async () => {
    const { result, problems } = await visitPage("plain/forbidden.html");
    assert.equal(result, '"EvalError"');
    for (const expected of [/missing\.wasm/, /uncaught on purpose/, /Content Security Policy/]) {
        assert.ok(
            problems.some((problem) => expected.test(problem)),
            `${expected}: ${problems.join("\n")}`,
        );
    }
});

test("no bundler", () => assertWorks("plain/main.html"));

for (const source of [
    ...["url", "text", "response", "response of another type", "promise of a response"],
    ...["buffer", "typed array", "module"],
]) {
    test(`init takes a source: ${source}`, () => assertWorks(`plain/main.html?source=${encodeURIComponent(source)}`));
}

test("init fails, is called again, and loads the module once", async () => {
    const { result, problems } = await visitPage("plain/init.html");
    assert.deepEqual(problems, []);
    const { beforeInit, failed, afterFailure, loads, work } = JSON.parse(result);
    const notInitialized = {
        name: "NovaError",
        code: "NotInitialized",
        message: "nova-compute-utils is not loaded yet: call `await init()` first",
        isNovaError: true,
    };
    assert.deepEqual([...beforeInit, afterFailure], [notInitialized, notInitialized, notInitialized]);
    for (const [index, [cause, message]] of [
        ["CompileError", /./],
        ["Error", /answered 404 Not Found$/],
        ["Error", /init\.html is a page/],
        ["Error", /no network$/],
        ["TypeError", /./],
    ].entries()) {
        const error = failed[index];
        assert.deepEqual([error.name, error.code, error.isNovaError], ["NovaError", "InitFailed", true]);
        assert.match(error.message, /^cannot load nova-compute-utils: ./);
        assert.match(error.message, message);
        assert.equal(error.cause, cause);
    }
    assert.equal(loads, 1);
    assert.deepEqual(work, EXPECTED);
});

test("Web Worker", () => assertWorks("worker/main.html"));

test("Service Worker", () => assertWorks("service-worker/main.html"));

test("Vite: build and preview, in the page, in a worker and with a database", async () => {
    const build = { rollupOptions: { input: bundledPages } };
    await vite.build({ root: bundled, configFile: false, logLevel: "error", build });
    const built = await serve(join(bundled, "dist"));
    try {
        for (const page of bundledPages) {
            await assertWorks(basename(page), built.url);
        }
    } finally {
        await built.close();
    }
});

test("Vite: development", async () => {
    const development = await vite.createServer({
        root: bundled,
        configFile: false,
        logLevel: "error",
        server: { host: "127.0.0.1", port: 0, headers: { "Content-Security-Policy": POLICY } },
    });
    try {
        await development.listen();
        await assertWorks("main.html", development.resolvedUrls.local[0]);
    } finally {
        await development.close();
    }
});

test("webpack", async () => {
    const path = join(directory, "webpack");
    const options = { context: bundled, entry: "./main.js", mode: "production", output: { path }, performance: false };
    const compiler = webpack(options);
    const stats = await new Promise((resolve, reject) => {
        compiler.run((error, done) => (error ? reject(error) : resolve(done)));
    });
    await new Promise((resolve) => compiler.close(resolve));
    const { errors, warnings } = stats.toJson({ errors: true, warnings: true });
    assert.deepEqual([...errors, ...warnings], []);
    await writePage(join(path, "main.js"), "defer");
    await assertWorks("webpack/main.html");
});

for (const loader of ["file", "binary"]) {
    test(`esbuild, loader ${loader}`, async () => {
        const outdir = join(directory, "esbuild", loader);
        const { errors, warnings } = await esbuild.build({
            entryPoints: [join(bundled, "imported-wasm.js")],
            bundle: true,
            format: "esm",
            loader: { ".wasm": loader },
            logLevel: "silent",
            minify: true,
            outdir,
        });
        assert.deepEqual([...errors, ...warnings], []);
        await writePage(join(outdir, "imported-wasm.js"));
        await assertWorks(`esbuild/${loader}/imported-wasm.html`);
    });
}
