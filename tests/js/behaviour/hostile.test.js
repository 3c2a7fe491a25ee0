// 200,000 bad inputs in a row: the module keeps working, and its memory does not grow.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { copySupport, createProject, run } from "../support/project.js";
import { FUNCTIONS, METHODS } from "../support/samples.js";

const COUNT = 200_000;
const MEGABYTE = 1 << 20;
const WASM_PAGE = 65_536;

const { directory, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);
await copySupport(directory);

test(`${COUNT} bad inputs`, async (test) => {
    const seed = Date.now() % 2 ** 31;
    // Printed first, because it repeats a failure.
    test.diagnostic(`seed ${seed}`);
    const { stdout } = await run(directory, process.execPath, "--expose-gc", "hostile.js", String(seed), String(COUNT));
    const { errors, results, calls, codes, warm, end } = JSON.parse(stdout);
    test.diagnostic(JSON.stringify({ errors, warm, end, codes }));
    assert.equal(errors + results, COUNT);
    assert.ok(errors > COUNT / 2, `only ${errors} inputs are errors`);
    assert.equal(Object.keys(calls).length, Object.keys(FUNCTIONS).length + Object.keys(METHODS).length);
    for (const code of ["TypeError", "ValueError"]) {
        assert.ok(codes[code] > 1000, `${code}: ${codes[code]}`);
    }
    // A leak of a hundred bytes per call would be 15 MB.
    for (const [kind, allowance] of [
        ["wasm", 2 * WASM_PAGE],
        ["heap", 8 * MEGABYTE],
        ["rss", 48 * MEGABYTE],
    ]) {
        assert.ok(end[kind] <= warm[kind] + allowance, `${kind} grew with seed ${seed}: ${stdout}`);
    }
});
