// Chromium, and a watch on what goes wrong in it.

import { env } from "node:process";

import { chromium } from "playwright-core";

const EXECUTABLE = env.CHROMIUM ?? "/usr/bin/chromium";

/** Nothing but what the tests ask for. */
const ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/** @returns {Promise<import("playwright-core").Browser>} */
export function launch() {
    return chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}

/**
 * The same with a profile that lies on the disk, as people's does: what a private one stores is slow to store.
 *
 * @param {string} directory
 * @returns {Promise<import("playwright-core").BrowserContext>}
 */
export function launchProfile(directory) {
    return chromium.launchPersistentContext(directory, { executablePath: EXECUTABLE, args: ARGUMENTS });
}

/**
 * Watch what goes wrong in all pages of a context.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @returns {Promise<string[]>} errors and warnings on the console, those of workers and of the Content Security Policy
 *     included, uncaught errors, and requests that failed
 */
export async function watch(context) {
    const complaints = [];
    context.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
            complaints.push(`console: ${message.text()} (${message.location().url})`);
        }
    });
    context.on("weberror", (error) => complaints.push(`uncaught: ${error.error()}`));
    context.on("requestfailed", (request) => {
        complaints.push(`request: ${request.url()}: ${request.failure()?.errorText}`);
    });
    // A page that catches what a forbidden call throws leaves no word on the console.
    await context.addInitScript(() => {
        addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) => {
            console.error(`Content Security Policy: ${effectiveDirective} forbids ${blockedURI}`);
        });
    });
    return complaints;
}

/**
 * Open a page in a profile of its own, and give what it shows as its result, once it does.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @returns {Promise<{ result: string, complaints: string[] }>} `complaints`: see `watch`
 */
export async function visit(browser, url) {
    const context = await browser.newContext();
    const complaints = await watch(context);
    try {
        const page = await context.newPage();
        await page.goto(url);
        const output = page.locator("output:not(:empty)");
        try {
            const result = await output.textContent({ timeout: 20_000 });
            return { result: result ?? "", complaints };
        } catch (error) {
            throw new Error(`${url} shows no result. ${complaints.join("\n")}`, { cause: error });
        }
    } finally {
        await context.close();
    }
}
