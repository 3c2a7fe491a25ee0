// The types of the packed package, as strict as TypeScript can be, in each way in which it finds them.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { run, scratch } from "../support/scratch.js";

const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const TYPES = fileURLToPath(new URL("../node_modules/@types", import.meta.url));

/** A program for browsers has no types of Node's, and one for Node none of the DOM. */
const PROGRAMS = [
    ["--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", "--types", ""],
    ["--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom", "--types", ""],
    ["--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022", "--types", "node", "--typeRoots", TYPES],
];

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
});

after(() => project?.remove());

/**
 * Type-check a file of the project; the declarations of the package are checked, too.
 *
 * @param {string} file
 * @param {string[]} options
 */
function check(file, options) {
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"];
    const all = ["--ignoreConfig", "--noEmit", "--skipLibCheck", "false", ...strict, ...options, file];
    return run(project.directory, process.execPath, TSC, ...all);
}

for (const options of PROGRAMS) {
    test(options.slice(1, 6).join(" "), () => check("types/use.ts", options));
}

test("what is declared is what is exported, by both loaders", async () => {
    const names = async (file) => {
        const path = join(project.directory, "node_modules/nova-compute-utils", file);
        return Object.keys(await import(pathToFileURL(path).href)).sort();
    };
    const exported = await names("node.js");
    assert.deepEqual(await names("browser.js"), exported);
    // A name too many is an error, and so is one too few.
    const program = `import * as library from "nova-compute-utils";
        export const names: Record<keyof typeof library, true> = { ${exported.map((name) => `${name}: true`)} };`;
    await writeFile(join(project.directory, "types/exports.ts"), program);
    await check("types/exports.ts", PROGRAMS[0]);
});
