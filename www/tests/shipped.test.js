// What is shipped: its sizes, and its sources under the policy.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { POLICY } from "../policy.js";
import { DIST } from "./support/console.js";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));

/** The budgets of the console in bytes by gzip. */
const BUDGET = { beforeFirstPaint: 110 * 1000, firstLoad: 360 * 1000, sqlite: 480 * 1000, sample: 200 * 1000 };

/** The files that are loaded when a database is dropped; the library's own workers are never loaded. */
const READER = /^sqlite-[^/]+\.js$|^sqlite3-[^/]+\.wasm$/;

const names = (directory) => readdir(directory, { recursive: true });
const size = async (file) => gzipSync(await readFile(join(DIST, file)), { level: 9 }).length;

/** The files that a file imports, and those import, without those that are loaded later. */
async function withImports(file, found = new Set()) {
    if (found.has(file)) {
        return found;
    }
    found.add(file);
    if (file.endsWith(".js")) {
        const text = await readFile(join(DIST, file), "utf8");
        // `import("…")` loads later.
        for (const [, name] of text.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([^"']+)["']/g)) {
            await withImports(`assets/${name}`, found);
        }
    }
    return found;
}

async function firstFiles() {
    const page = await readFile(join(DIST, "index.html"), "utf8");
    const found = new Set(["index.html"]);
    for (const [, name] of page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)) {
        await withImports(name, found);
    }
    return found;
}

const sum = async (files) => (await Promise.all([...files].map(size))).reduce((total, one) => total + one, 0);

test("the files before the first paint are within their budget", async (test) => {
    const bytes = await sum(await firstFiles());
    test.diagnostic(`${bytes} bytes by gzip`);
    assert.ok(bytes > 10_000 && bytes <= BUDGET.beforeFirstPaint, `${bytes} bytes`);
});

test("the first load is within its budget, the module included", async (test) => {
    const files = await firstFiles();
    const assets = (await names(join(DIST, "assets"))).map((name) => `assets/${name}`);
    const text = await readFile(join(DIST, [...files].find((name) => name.endsWith(".js"))), "utf8");
    // The worker and the module, and the view of the first screen.
    const isFirst = (name) => /\/(?:nova_compute_utils_bg|Windows)-/.test(name) || (/\/index-[^/]+\.js$/.test(name) && !text.includes(`"./${name}"`));
    for (const name of assets.filter(isFirst)) {
        await withImports(name, files);
    }
    assert.ok([...files].some((name) => name.endsWith(".wasm")), "the module is not among the files");
    const bytes = await sum(files);
    test.diagnostic(`${bytes} bytes by gzip: ${[...files].join(", ")}`);
    assert.ok(bytes <= BUDGET.firstLoad, `${bytes} bytes`);
});

test("the reader of SQLite and the sample are within their budgets", async () => {
    const reader = (await names(join(DIST, "assets"))).filter((name) => READER.test(name)).map((name) => `assets/${name}`);
    assert.ok(reader.length > 0, "no reader of SQLite");
    const bytes = await sum(reader);
    assert.ok(bytes <= BUDGET.sqlite, `${bytes} bytes`);
    const files = await firstFiles();
    assert.deepEqual(reader.filter((name) => files.has(name)), [], "the reader is loaded with the page");
    const sample = (await readFile(join(DIST, "sample/sample.ndjson.gz"))).length;
    assert.ok(sample <= BUDGET.sample, `${sample} bytes`);
});

test("the built page has the policy, and nothing inline", async () => {
    const page = (await readFile(join(DIST, "index.html"), "utf8")).replaceAll("&#39;", "'");
    assert.ok(page.includes(`http-equiv="Content-Security-Policy" content="${POLICY}"`), page);
    assert.ok(page.indexOf("Content-Security-Policy") < page.indexOf("<script"), "the policy comes after a script");
    assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)/);
    for (const name of (await names(DIST)).filter((name) => /\.(?:css|html|js)$/.test(name))) {
        const text = await readFile(join(DIST, name), "utf8");
        assert.doesNotMatch(text, /url\(\s*["']?data:/, name);
        assert.doesNotMatch(text, /\beval\(|new Function\(/, name);
    }
});

test("the sources have no `{@html}`, no inline style, and nothing of another origin", async () => {
    const files = (await names(SOURCES)).filter((name) => /\.(?:css|svelte|ts)$/.test(name));
    assert.ok(files.length > 20);
    for (const name of files) {
        const text = await readFile(join(SOURCES, name), "utf8");
        assert.doesNotMatch(text, /\{@html/, name);
        assert.doesNotMatch(text, /\bstyle=["{]/, name);
        assert.doesNotMatch(text, /\.(?:innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write/, name);
        assert.doesNotMatch(text, /https?:\/\//, name);
    }
});
