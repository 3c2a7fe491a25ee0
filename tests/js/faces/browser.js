// The package in Chromium, bundled as programs for browsers are, with its conductor on IndexedDB.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build } from "vite";

import { launchProfile } from "../support/chromium.js";
import { serve } from "../support/serve.js";

/** @param {string} directory a project with the agent and the package */
export async function start(directory, askRunner) {
    await build({ root: directory, configFile: false, logLevel: "error", build: { target: "es2022" } });
    const server = await serve(join(directory, "dist"));
    const profile = await mkdtemp(join(tmpdir(), "nova-compute-utils-"));
    const context = await launchProfile(profile);
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.exposeFunction("askRunner", askRunner);
    await page.goto(server.url);
    await page.locator("output:not(:empty)").waitFor();
    return {
        answer: (request) => page.evaluate((asked) => globalThis.agent.answer(asked), request),
        stop: async () => {
            await context.close();
            await server.close();
            await rm(profile, { recursive: true });
        },
    };
}
