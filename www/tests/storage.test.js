// Where the tables are: no room, forbidden storage, several tabs, tabs that ended in mid-import.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { DIST, drop, dropMany, imported, openConsole } from "./support/console.js";
import { cellDatabase } from "./support/databases.js";
import { ndjson } from "./support/servers.js";
import { openWorker } from "./support/worker.js";

const console_ = await openConsole();
after(() => console_.close());

const databases = (page) =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).sort());

test("no room in mid-import: it goes on in memory, says so, and leaves nothing half-written", () =>
    console_.page(
        "/data",
        async (page, context) => {
            const devtools = await context.newCDPSession(page);
            // First, because the browser does not look at the room again for half a minute.
            await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin, quotaSize: 8_000_000 });
            const worker = await openWorker(page);
            await drop(page, { name: "first.ndjson", data: ndjson(20) });
            await imported(page, "first.ndjson", 20);
            // The import is begun without the estimate of the room, as when other pages take it in the meantime.
            const job = page.evaluate(async (line) => {
                // Random, because the browser packs what it stores.
                const random = () => Array.from(crypto.getRandomValues(new Uint32Array(250)), (part) => part.toString(36)).join("");
                const lines = Array.from({ length: 12_000 }, (_, number) =>
                    line.replaceAll("000000000000", number.toString(16).padStart(12, "0")).replace("PAD", random()),
                );
                const sources = [{ name: "large.ndjson", blob: new Blob([lines.join("")]) }];
                return finishJob(await callWorker("startImport", { sources, together: false, release: "hibiscus" }));
            }, ndjson(1).replace('"metadata":{}', `"metadata":{"k":"PAD"}`));
            // Awaited below; a failure before it closes the page.
            job.catch(() => undefined);
            await page.getByText("In memory.").waitFor({ timeout: 60_000 });
            await page.getByText("the browser has no more room").first().waitFor();
            const { state, problem } = await job;
            assert.deepEqual([state, problem], ["done", null]);
            await imported(page, "large.ndjson", 12_000);
            await imported(page, "first.ndjson", 20);
            assert.deepEqual(await databases(page), ["nova-console", "nova-console/first.ndjson"]);
            const cells = await worker.call("cells");
            assert.deepEqual(cells.map(({ in_memory }) => in_memory), [false, true]);
            await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin });
            await page.reload();
            await imported(page, "first.ndjson", 20);
            assert.equal((await page.locator(".cells > tbody").innerText()).includes("large.ndjson"), false);
            assert.deepEqual(await databases(page), ["nova-console", "nova-console/first.ndjson"]);
        },
        { expected: /quota/i },
    ));

test("where storage is forbidden, the console works in memory, and says so", () =>
    console_.page("/data", async (page, context) => {
        // As a browser does that blocks the data of sites.
        await context.route(/assets\/index-[^/]*\.js$/, async (route) => {
            const name = new URL(route.request().url()).pathname.split("/").at(-1);
            const text = await readFile(join(DIST, "assets", name), "utf8");
            const forbidden = `Object.defineProperty(globalThis, "indexedDB", { get() { throw new DOMException("The operation is insecure.", "SecurityError"); } });\n`;
            await route.fulfill({ contentType: "text/javascript", body: forbidden + text });
        });
        const worker = await openWorker(page);
        await page.getByText("In memory.").waitFor();
        await page.getByText("The operation is insecure").first().waitFor();
        await drop(page, { name: "month.sqlite", data: await cellDatabase("month") });
        await page.locator(".cells").getByText("month.sqlite", { exact: true }).first().waitFor();
        const [{ tables, in_memory }] = await worker.call("cells");
        assert.ok(tables.instances > 10 && in_memory);
        await page.getByRole("button", { name: "Clear everything" }).click();
        await page.getByRole("button", { name: "Clear everything" }).click();
        await page.getByText("Everything is cleared").waitFor();
    }));

test("two tabs on one cell see each other's changes, and audit a window once", () =>
    console_.page("/data", async (page, context) => {
        const worker = await openWorker(page);
        const other = await context.newPage();
        await other.goto(page.url());
        await other.locator("main h1").first().waitFor();
        const otherWorker = await openWorker(other);
        await drop(page, { name: "month.sqlite", data: await cellDatabase("month") });
        await other.locator(".cells").getByText("month.sqlite", { exact: true }).first().waitFor();

        const period = "month";
        const window = { begin: "2026-10-01T00:00:00.000000", end: "2026-11-01T00:00:00.000000" };
        const pairs = ["cmp-01", "cmp-02", "cmp-03", "cmp-04"].map((host) => ({ host, window }));
        const request = { cell: "month.sqlite", release: "hibiscus", period, pairs };
        const audits = await Promise.all([worker.job("startAudit", request), otherWorker.job("startAudit", request)]);
        const outcomes = audits.map(({ result }) => result.outcomes.map(({ outcome }) => outcome));
        pairs.forEach((_, place) => {
            assert.deepEqual([outcomes[0][place], outcomes[1][place]].sort(), ["already", "done"], JSON.stringify(outcomes));
        });
        const table = (name) => ({ cell: "month.sqlite", what: { kind: "table", table: name }, format: "ndjson" });
        const read = async (tab, name) => (await tab.exported(table(name))).trim().split("\n").map((line) => JSON.parse(line));
        assert.equal((await read(worker, "task_log")).length, 4);
        const messages = await read(worker, "notifications");
        const active = audits.flatMap(({ result }) => result.outcomes).reduce((sum, { progress }) => sum + (progress?.instances ?? 0), 0);
        assert.equal(new Set(messages.map(({ message_id }) => message_id)).size, messages.length);
        assert.equal(messages.length, active);
        assert.deepEqual(await read(otherWorker, "notifications"), messages);
        for (const tab of [worker, otherWorker]) {
            const coverage = await tab.call("coverage", "month.sqlite", { release: "hibiscus", period, from: window.begin, to: window.end });
            assert.equal(coverage.totals.states.done, 4);
        }

        // Both read a file of the same name at once: two cells.
        const source = (tab) =>
            tab.evaluate(async (text) => {
                const sources = [{ name: "same", blob: new Blob([text]) }];
                return finishJob(await callWorker("startImport", { sources, together: false, release: "hibiscus" }));
            }, ndjson(3000));
        const jobs = await Promise.all([source(page), source(other)]);
        assert.deepEqual(jobs.map(({ result }) => result.cells[0]).sort(), ["same", "same (2)"]);
        await imported(page, "same", 3000);
        await imported(page, "same (2)", 3000);

        await worker.call("clearEverything");
        await other.getByText("No cell is here").waitFor();
        assert.deepEqual(await databases(other), []);
        await drop(other, { name: "anew.ndjson", data: ndjson(4) });
        await imported(other, "anew.ndjson", 4);
        await other.close();
    }));

test("a tab that ends in mid-import leaves nothing", () =>
    console_.page("/data", async (page) => {
        await dropMany(page, "large.ndjson", 30_000);
        await page.locator(".job").getByText(/[1-9]\S* servers/).waitFor();
        await page.reload();
        await page.getByText("No cell is here").waitFor();
        assert.deepEqual(await databases(page), ["nova-console"]);
    }));
