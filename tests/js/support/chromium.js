// Chromium, and a record of the problems of its pages.

import { rm } from "node:fs/promises";
import { env } from "node:process";

import { chromium } from "playwright-core";

import { temporaryDirectory } from "./project.js";

/** The arguments keep Chromium from sending requests of its own. */
const OPTIONS = {
    executablePath: env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ],
};

/** @returns {Promise<import("playwright-core").Browser>} */
export function launch() {
    return chromium.launch(OPTIONS);
}

/**
 * Launches Chromium with its profile on the disk, as users have it. A private profile stores data more slowly.
 *
 * @returns {Promise<{ context: import("playwright-core").BrowserContext, close: () => Promise<void> }>} `close` removes
 *     the profile
 */
export async function launchWithProfile() {
    const profile = await temporaryDirectory();
    const context = await chromium.launchPersistentContext(profile, OPTIONS);
    const close = async () => {
        await context.close();
        await rm(profile, { recursive: true, force: true });
    };
    return { context, close };
}

/**
 * Records the problems of all pages of a browser context from now on.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @returns {Promise<string[]>} errors and warnings on the console (of workers and of the Content Security Policy, too),
 *     uncaught errors and failed requests; the array grows as they occur
 */
export async function recordProblems(context) {
    const problems = [];
    context.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
            problems.push(`console: ${message.text()} (${message.location().url})`);
        }
    });
    context.on("weberror", (error) => problems.push(`uncaught: ${error.error()}`));
    context.on("requestfailed", (request) => {
        problems.push(`request: ${request.url()}: ${request.failure()?.errorText}`);
    });
    // A page can catch the exception of a forbidden call; the console then shows no error.
    await context.addInitScript(() => {
        addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) => {
            console.error(`Content Security Policy: ${effectiveDirective} forbids ${blockedURI}`);
        });
    });
    return problems;
}

/**
 * Opens a page and waits until its `output` element has text.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} url
 * @param {number} timeout in milliseconds
 * @returns {Promise<{ result: string, problems: string[] }>} the text, and the value of `recordProblems`
 */
export async function visit(context, url, timeout = 20_000) {
    const problems = await recordProblems(context);
    const page = await context.newPage();
    await page.goto(url);
    try {
        const result = await page.locator("output:not(:empty)").textContent({ timeout });
        return { result: result ?? "", problems };
    } catch (error) {
        throw new Error(`${url} shows no result. ${problems.join("\n")}`, { cause: error });
    }
}

/**
 * Opens a page in a new profile, as `visit` does, and closes it.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 */
export async function visitOnce(browser, url) {
    const context = await browser.newContext();
    try {
        return await visit(context, url);
    } finally {
        await context.close();
    }
}
