// The package in Chromium, bundled by Vite, with its conductor on IndexedDB.

import { join } from "node:path";

import { build } from "vite";

import { launchWithProfile } from "../support/chromium.js";
import { serve } from "../support/web-server.js";

/** @param {{ directory: string }} project with the agent and the package */
export async function start({ directory }, askRunner) {
    await build({ root: directory, configFile: false, logLevel: "error", build: { target: "es2022" } });
    const server = await serve(join(directory, "dist"));
    const browser = await launchWithProfile();
    const page = await browser.context.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.exposeFunction("askRunner", askRunner);
    await page.goto(server.url);
    await page.locator("output:not(:empty)").waitFor();
    return {
        answer: (request) => page.evaluate((text) => globalThis.agent.answer(text), request),
        stop: async () => {
            await browser.close();
            await server.close();
        },
    };
}
