// The package in Node, with its conductor in memory.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @param {Awaited<ReturnType<import("../support/project.js").createProject>>} project with the agent */
export async function start({ directory, load }, askRunner) {
    const { Agent } = await import(pathToFileURL(join(directory, "agent.js")).href);
    const { memoryConductor } = await load("hosts/memory/index.js");
    const agent = new Agent(askRunner, (options) => memoryConductor(options));
    return { answer: (request) => agent.answer(request), stop: async () => {} };
}
