// The types of the packed package, as strict as TypeScript can be, in each way in which it finds them.

import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

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

for (const options of PROGRAMS) {
    test(options.slice(2, 6).join(" "), async () => {
        const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"];
        const files = ["types/use.ts"];
        // The declarations of the package are checked, too.
        const all = ["--ignoreConfig", "--noEmit", "--skipLibCheck", "false", ...strict, ...options, ...files];
        await run(project.directory, process.execPath, TSC, ...all);
    });
}
