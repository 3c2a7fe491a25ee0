// 200,000 bad inputs in a row: the module goes on working, and its memory stays flat.

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { run, scratch } from "../support/scratch.js";
import { FUNCTIONS, METHODS } from "../support/samples.js";

const COUNT = 200_000;
const MEGABYTE = 1 << 20;

const { directory, remove } = await scratch(new URL("fixtures/", import.meta.url));
after(remove);
await cp(fileURLToPath(new URL("../support/", import.meta.url)), join(directory, "support"), { recursive: true });

test(`${COUNT} bad inputs`, async (context) => {
    const seed = Date.now() % 2 ** 31;
    // First, for it is what a failure is repeated with.
    context.diagnostic(`seed ${seed}`);
    const { stdout } = await run(directory, process.execPath, "--expose-gc", "hostile.js", String(seed), String(COUNT));
    const seen = JSON.parse(stdout);
    context.diagnostic(JSON.stringify({ refused: seen.refused, warm: seen.warm, end: seen.end, codes: seen.codes }));
    assert.equal(seen.refused + seen.answered, COUNT);
    assert.ok(seen.refused > COUNT / 2, `only ${seen.refused} were refused: the inputs are too good`);
    assert.equal(Object.keys(seen.asked).length, Object.keys(FUNCTIONS).length + Object.keys(METHODS).length);
    for (const code of ["TypeError", "ValueError"]) {
        assert.ok(seen.codes[code] > 1000, `${code}: ${seen.codes[code]}`);
    }
    // A leak of a hundred bytes each would be 15 MB.
    const grown = (kind) =>
        `${kind} grew: seed ${seed}, from ${JSON.stringify(seen.warm)} to ${JSON.stringify(seen.end)}`;
    assert.ok(seen.end.wasm <= seen.warm.wasm + 2 * 65_536, grown("the module's memory"));
    assert.ok(seen.end.heap <= seen.warm.heap + 8 * MEGABYTE, grown("the heap"));
    assert.ok(seen.end.rss <= seen.warm.rss + 48 * MEGABYTE, grown("the memory"));
});
