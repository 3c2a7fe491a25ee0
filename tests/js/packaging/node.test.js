// The packed package in Node.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { createProject, run } from "../support/project.js";
import { EXPECTED } from "./fixtures/work.js";

const { directory, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);

/** Returns the result that a fixture prints; the fixture prints no warning. */
async function resultOf(file) {
    const { stdout, stderr } = await run(directory, process.execPath, file);
    assert.equal(stderr, "");
    return JSON.parse(stdout);
}

test("import", async () => assert.deepEqual(await resultOf("node/esm.js"), EXPECTED));

test("require", async () => {
    const manifest = new URL("../../../Cargo.toml", import.meta.url);
    const [, version] = /^version = "(.*)"$/m.exec(await readFile(manifest, "utf8")) ?? [];
    assert.deepEqual(await resultOf("node/require.cjs"), { ...EXPECTED, version });
});

test("worker thread", async () => assert.deepEqual(await resultOf("node/worker.js"), EXPECTED));
