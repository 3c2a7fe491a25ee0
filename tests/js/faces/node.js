// The package in Node, with its conductor in memory.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @param {string} directory a project with the agent and the package */
export async function start(directory, askRunner) {
    const at = (file) => pathToFileURL(join(directory, file)).href;
    const { Agent } = await import(at("agent.js"));
    const { memoryConductor } = await import(at("node_modules/nova-compute-utils/hosts/memory/index.js"));
    const agent = new Agent(askRunner, (options) => memoryConductor(options));
    return { answer: (request) => agent.answer(request), stop: async () => {} };
}
