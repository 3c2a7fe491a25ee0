// The examples of the package's README are programs with assertions, and each of them runs.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { sizes } from "../sizes.js";
import { createProject, run } from "../support/project.js";

const EXAMPLES = 6;

const { directory, packageDirectory, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);

const readme = await readFile(new URL("../../../src/bindings/js/README.md", import.meta.url), "utf8");

/** The first program below each heading of the third level. */
const examples = readme
    .split(/^### /m)
    .slice(1)
    .map((section) => ({ title: section.split("\n")[0], code: /^```js\n(.*?)^```$/ms.exec(section)?.[1] ?? "" }));

test(`the README has ${EXAMPLES} examples`, () => assert.equal(examples.length, EXAMPLES));

for (const [index, { title, code }] of examples.entries()) {
    test(`example: ${title}`, async () => {
        assert.match(code, /\bassert\b/, "it has no assertion");
        const file = join(directory, `example-${index}.js`);
        await writeFile(file, code);
        await run(directory, process.execPath, file);
    });
}

test("the sizes in the README are right within a twentieth", () => {
    const stated = /(\d+) KB, (\d+) KB by gzip and (\d+) KB by brotli/.exec(readme)?.slice(1).map(Number);
    const { raw, gzip, brotli } = sizes(join(packageDirectory, "nova_compute_utils_bg.wasm"));
    for (const [index, size] of [raw, gzip, brotli].entries()) {
        const kilobytes = size / 1000;
        const difference = Math.abs(stated?.[index] - kilobytes);
        assert.ok(difference <= kilobytes / 20, `the README states ${stated?.[index]} KB for ${size} bytes`);
    }
});
