// The packed package in Node.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { run, scratch } from "../support/scratch.js";
import { EXPECTED } from "./fixtures/work.js";

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
});

after(() => project?.remove());

/**
 * A fixture run to its end, in silence but for its result.
 *
 * @param {string} file
 */
async function result(file) {
    const { stdout, stderr } = await run(project.directory, process.execPath, file);
    assert.equal(stderr, "");
    return JSON.parse(stdout);
}

test("import", async () => assert.deepEqual(await result("node/esm.js"), EXPECTED));

test("require", async () => {
    const manifest = new URL("../../../Cargo.toml", import.meta.url);
    const [, version] = /^version = "(.*)"$/m.exec(await readFile(manifest, "utf8")) ?? [];
    assert.deepEqual(await result("node/require.cjs"), { ...EXPECTED, version });
});

test("worker thread", async () => assert.deepEqual(await result("node/worker.js"), EXPECTED));
