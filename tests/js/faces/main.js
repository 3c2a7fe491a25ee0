// The JS side of the faces `node` and `browser`: reads requests of `tests/conformance` on stdin and writes answers to
// stdout, one JSON text per line. During a request it can write `{"callback": …, "args": […]}`; the next line on stdin
// is then the answer of the runner's host.

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { createProject } from "../support/project.js";
import * as browser from "./browser.js";
import * as node from "./node.js";

const FACES = { browser, node };
const face = FACES[argv[2]];
if (face === undefined) {
    throw new Error(`unknown face \`${argv[2]}\`: give ${Object.keys(FACES).join(" or ")}`);
}

const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

function writeLine(line) {
    stdout.write(`${line}\n`);
}

async function askRunner(name, args) {
    writeLine(`{"callback":${JSON.stringify(name)},"args":${args}}`);
    const { value, done } = await lines.next();
    if (done) {
        throw new Error("the runner closed its end of the pipe");
    }
    return value;
}

const project = await createProject(new URL("agent/", import.meta.url));
try {
    await cp(fileURLToPath(new URL("../tables.js", import.meta.url)), join(project.directory, "tables.js"));
    const agent = await face.start(project, askRunner);
    try {
        writeLine('{"ready":true}');
        for (let line = await lines.next(); !line.done; line = await lines.next()) {
            writeLine(await agent.answer(line.value));
        }
    } finally {
        await agent.stop();
    }
} finally {
    await project.remove();
}
