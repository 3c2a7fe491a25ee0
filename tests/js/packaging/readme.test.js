// The examples of the package's README are programs: each runs by itself, and asserts what it says.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { run, scratch } from "../support/scratch.js";

const EXAMPLES = 4;

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
});

after(() => project?.remove());

const readme = await readFile(new URL("../../../src/bindings/js/README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/^### (.+)\n[^#]*?^```js\n(.*?)^```$/gms)];

test("there are as many as there should be", () => assert.equal(examples.length, EXAMPLES));

for (const [index, [, title, code]] of examples.entries()) {
    test(title, async () => {
        assert.match(code, /\bassert\b/, "it asserts nothing");
        const file = join(project.directory, `example-${index}.js`);
        await writeFile(file, code);
        await run(project.directory, process.execPath, file);
    });
}
