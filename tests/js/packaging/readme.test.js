// The examples of the package's README are programs: each runs by itself, and asserts what it says.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { sizes } from "../sizes.js";
import { run, scratch } from "../support/scratch.js";

const EXAMPLES = 4;

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
});

after(() => project?.remove());

const readme = await readFile(new URL("../../../src/bindings/js/README.md", import.meta.url), "utf8");

/** The first program under each heading of the third level. */
const examples = readme
    .split(/^### /m)
    .slice(1)
    .map((section) => ({ title: section.split("\n")[0], code: /^```js\n(.*?)^```$/ms.exec(section)?.[1] ?? "" }));

test("there are as many as there should be", () => assert.equal(examples.length, EXAMPLES));

for (const [index, { title, code }] of examples.entries()) {
    test(title, async () => {
        assert.match(code, /\bassert\b/, "it asserts nothing");
        const file = join(project.directory, `example-${index}.js`);
        await writeFile(file, code);
        await run(project.directory, process.execPath, file);
    });
}

test("the sizes are what it says, give or take a twentieth", () => {
    const said = /weighs (\d+) KB, (\d+) KB by gzip and (\d+) KB by brotli/.exec(readme)?.slice(1).map(Number);
    const { raw, gzip, brotli } = sizes(join(project.directory, "node_modules/nova-compute-utils/nova_compute_utils_bg.wasm"));
    for (const [index, size] of [raw, gzip, brotli].entries()) {
        const kilobytes = size / 1000;
        assert.ok(Math.abs(said?.[index] - kilobytes) <= kilobytes / 20, `${said?.[index]} KB, but it has ${size} bytes`);
    }
});
