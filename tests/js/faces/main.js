// The JS faces for the runner of the vectors in `tests/conformance`: requests on stdin, answers on stdout, a line each.
// A line `{"callback": …, "args": […]}` asks the runner back, and its next line is the answer to that.

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { scratch } from "../support/scratch.js";
import * as browser from "./browser.js";
import * as node from "./node.js";

const FACES = { browser, node };
const face = FACES[argv[2]];
if (face === undefined) {
    throw new Error(`there is no face \`${argv[2]}\`: give ${Object.keys(FACES).join(" or ")}`);
}

const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

function say(line) {
    stdout.write(`${line}\n`);
}

async function askRunner(name, args) {
    say(`{"callback":${JSON.stringify(name)},"args":${args}}`);
    const { value, done } = await lines.next();
    if (done) {
        throw new Error("the runner has gone");
    }
    return value;
}

const project = await scratch(new URL("agent/", import.meta.url));
try {
    // The tables are played in the same way by whoever has them.
    await cp(fileURLToPath(new URL("../tables.js", import.meta.url)), join(project.directory, "tables.js"));
    const agent = await face.start(project.directory, askRunner);
    try {
        say('{"ready":true}');
        for (let line = await lines.next(); !line.done; line = await lines.next()) {
            say(await agent.answer(line.value));
        }
    } finally {
        await agent.stop();
    }
} finally {
    await project.remove();
}
