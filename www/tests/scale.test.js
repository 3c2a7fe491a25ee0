// Large cells: a database above 500 MB, and 100,000 servers.

import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { writeDatabase } from "../benches/large-cell.js";
import { chooseFile, openConsole } from "./support/console.js";
import { workerMemory } from "./support/memory.js";
import { ndjson } from "./support/servers.js";
import { observeTasks, traceTasks } from "./support/tasks.js";

/**
 * The budget is 50 ms. How long a machine computes varies by more than that, so the diagnostics have the times, and only
 * what no machine explains fails.
 */
const LONGEST_TASK_MS = 250;

let directory = "";
before(async () => {
    directory = await mkdtemp(join(tmpdir(), "nova-console-scale-"));
});
const console_ = await openConsole({ profile: true });
after(async () => {
    await console_.close();
    await rm(directory, { recursive: true });
});

const rowsInDocument = (page) => page.locator("tr, [role=row]").count();
const firstName = (page) => page.locator("[role=grid] [role=gridcell]").first();
const sentence = (page, text) => page.locator(".sentence").filter({ hasText: text }).waitFor();

function assertShort(tasks) {
    const computing = Object.values(tasks).map(({ mostComputingMs }) => mostComputingMs);
    assert.ok(Math.max(...computing) <= LONGEST_TASK_MS, `a task blocks the page: ${computing.join(", ")} ms`);
}

test("a database above 500 MB opens with the worker's memory under 100 MB", async (test) => {
    const path = join(directory, "large.sqlite");
    await writeDatabase(path, 100_000);
    const { size } = await stat(path);
    assert.ok(size > 500e6, `${size} bytes`);
    await console_.page("/data", async (page) => {
        await page.getByText("No cell is here").waitFor();
        const memory = await workerMemory(page);
        const trace = await traceTasks(page);
        const strip = page.getByRole("region", { name: "Running" });
        let [most, servers, seconds] = [0, 0, 0];
        const imported = await trace(async () => {
            const begin = performance.now();
            await chooseFile(page, path);
            // The worker holds most at the begin of a range of 20,000 servers. `benches/console.js` reads all ranges.
            while (servers < 2_000) {
                most = Math.max(most, await memory());
                const text = await strip.innerText();
                servers = Number(/([\d,]+) servers/.exec(text)?.[1]?.replaceAll(",", "") ?? 0);
            }
            seconds = (performance.now() - begin) / 1000;
        });
        await strip.getByRole("button", { name: "Stop, keep what is in" }).click();
        await page.getByRole("link", { name: "large.sqlite", exact: true }).first().waitFor({ timeout: 30_000 });
        most = Math.max(most, await memory());
        const shown = await trace(async () => {
            await page.evaluate(() => (location.hash = "#/servers?cell=large.sqlite"));
            await firstName(page).filter({ hasText: /\S/ }).waitFor();
        });
        assert.ok((await rowsInDocument(page)) <= 120);
        test.diagnostic(JSON.stringify({ bytes: size, servers, seconds, most, imported, shown }));
        assert.ok(most < 100e6, `the worker uses ${most} bytes`);
        assertShort({ imported, shown });
    });
});

test("100,000 servers: the list searches, sorts and scrolls with few rows in the document", async (test) => {
    const path = join(directory, "many.ndjson");
    await writeFile(path, ndjson(100_000));
    await console_.page("/data", async (page) => {
        // Where the tables are does not matter here, and memory is quicker.
        await page.getByRole("button", { name: "Go on in memory" }).click();
        await page.getByText("In memory.", { exact: true }).waitFor();
        const trace = await traceTasks(page);
        const tasks = {};
        tasks.imported = await trace(async () => {
            await chooseFile(page, path);
            await page.getByRole("link", { name: "many.ndjson", exact: true }).first().waitFor({ timeout: 120_000 });
        });

        tasks.shown = await trace(async () => {
            await page.evaluate(() => (location.hash = "#/servers?cell=many.ndjson"));
            await sentence(page, /^100,000 servers/);
            await firstName(page).filter({ hasText: "web-0" }).waitFor();
        });

        tasks.searched = await trace(async () => {
            const field = page.getByRole("searchbox", { name: "Search servers" });
            await field.pressSequentially("web-9999", { delay: 60 });
            await sentence(page, /^11 of 100,000 servers/);
            await firstName(page).filter({ hasText: "web-9999" }).waitFor();
            await field.fill("cmp-03 project-1");
            await sentence(page, /^2,500 of 100,000 servers/);
            await field.fill("");
            await sentence(page, /^100,000 servers/);
        });

        tasks.sorted = await trace(async () => {
            await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
            await firstName(page).filter({ hasText: "web-99999" }).waitFor();
        });

        let most = 0;
        const scroll = (steps, by) =>
            trace(async () => {
                const rows = await page.evaluate(
                    async ([steps, by]) => {
                        const list = document.querySelector(".list");
                        let most = 0;
                        for (let step = 0; step < steps; step += 1) {
                            list.scrollTop += by;
                            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
                            most = Math.max(most, document.querySelectorAll("tr, [role=row]").length);
                        }
                        return most;
                    },
                    [steps, by],
                );
                most = Math.max(most, rows);
            });
        // As by a wheel, and as by a dragged scroll bar, to the end.
        tasks.scrolled = await scroll(60, 120);
        tasks.jumped = await scroll(30, 100_000);
        await page.locator('[aria-rowindex="100001"]').getByText("web-0", { exact: true }).waitFor();
        const control = await (await observeTasks(page)).control();
        test.diagnostic(JSON.stringify({ ...tasks, most, control }));
        assert.ok(most <= 120, `${most} rows in the document`);
        assert.equal(control.length, 1, "the observer does not report a long task");
        assertShort(tasks);
    });
});
