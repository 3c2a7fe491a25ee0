// Every view and state: axe-core in light, dark and forced colours; narrow; 200 % text; reduced motion; screenshots.
//
// The screenshots go to `CONSOLE_SCREENSHOTS`, or to a folder beside the built files.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { env } from "node:process";
import { after, test } from "node:test";

import { DIST, openConsole } from "./support/console.js";
import { VIEWS } from "./support/views.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = env.CONSOLE_SCREENSHOTS ?? join(DIST, "../screenshots");

// A colour in transition is neither of the two that are to be seen.
const STILL = { reducedMotion: "reduce" };

const console_ = await openConsole();
after(() => console_.close());

/** The violations that axe-core finds, one line each. */
async function violations(page) {
    await page.evaluate(AXE);
    return page.evaluate(async () => {
        const { violations } = await axe.run(document, { resultTypes: ["violations"] });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`));
    });
}

/** How much wider than the window the page is. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const [name, { hash, enter }] of Object.entries(VIEWS)) {
    test(`${name}: no violation in light, dark and forced colours`, () =>
        console_.page(hash, async (page) => {
            await enter(page);
            for (const media of [{ colorScheme: "light" }, { colorScheme: "dark" }, { colorScheme: "light", forcedColors: "active" }]) {
                await page.emulateMedia({ forcedColors: "none", ...media });
                assert.deepEqual(await violations(page), [], JSON.stringify(media));
            }
            assert.equal(await page.locator("main h1").count(), 1, "one h1");
        }, STILL));

    test(`${name}: fits a phone, 320 px and 200 % text`, () =>
        console_.page(
            hash,
            async (page) => {
                await enter(page);
                for (const width of [390, 320]) {
                    await page.setViewportSize({ width, height: 844 });
                    assert.ok((await overflow(page)) <= 0, `${width} px: ${await overflow(page)} px too wide`);
                }
                assert.deepEqual(await violations(page), []);
                await page.setViewportSize({ width: 1280, height: 900 });
                await page.evaluate(() => (document.documentElement.style.fontSize = "32px"));
                assert.ok((await overflow(page)) <= 0, `200 % text: ${await overflow(page)} px too wide`);
            },
            STILL,
        ));

    test(`${name}: screenshots`, () =>
        console_.page(hash, async (page) => {
            await enter(page);
            for (const [width, height] of [[1440, 900], [390, 844]]) {
                await page.setViewportSize({ width, height });
                for (const colorScheme of ["light", "dark"]) {
                    await page.emulateMedia({ colorScheme });
                    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`) });
                }
            }
        }, STILL));
}

test("where motion is reduced, nothing moves", () =>
    console_.page(
        "/data",
        async (page) => {
            const moving = await page.evaluate(() =>
                [...document.querySelectorAll("*")].filter((element) => {
                    const { transitionDuration, animationDuration } = getComputedStyle(element);
                    return [transitionDuration, animationDuration].some((text) => text.split(",").some((one) => parseFloat(one) > 0));
                }).map(({ className }) => className),
            );
            assert.deepEqual(moving, []);
        },
        STILL,
    ));
