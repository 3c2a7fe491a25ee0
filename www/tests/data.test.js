// Data in and out: `#/data`.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

import { downloaded, drop, dropMany, imported, openConsole } from "./support/console.js";
import { ndjson, server } from "./support/servers.js";

const console_ = await openConsole();
after(() => console_.close());

test("instances as NDJSON are imported, and shown as servers", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "cloud.ndjson", data: ndjson(1200) });
        await imported(page, "cloud.ndjson", 1200);
        await page.getByRole("link", { name: "1,200", exact: true }).click();
        await page.getByRole("row", { name: "web-0 active" }).waitFor();
        assert.match(page.url(), /#\/servers\?cell=cloud\.ndjson/);
        assert.ok((await page.getByRole("row").count()) <= 120, "the list is not virtual");
    }));

test("the kind is found by looking inside, and gzip is unpacked", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "photo.jpg", data: gzipSync(ndjson(3)) });
        await imported(page, "photo.jpg", 3);
        await drop(page, { name: "list.txt", data: ` \n[${JSON.stringify(server(1))},\n ${JSON.stringify(server(2), null, 2)} ]` });
        await imported(page, "list.txt", 2);
        await drop(page, { name: "wrapped", data: JSON.stringify({ servers: [server(1), server(2), server(3), server(4)] }) });
        await imported(page, "wrapped", 4);
    }));

test("several sources wait for a word: a cell each, or one cell", () =>
    console_.page("/data", async (page) => {
        const files = [{ name: "a.ndjson", data: ndjson(2) }, { name: "b.ndjson", data: `${JSON.stringify(server(7))}\n` }];
        await drop(page, ...files);
        await page.getByRole("button", { name: "Import into one cell" }).click();
        await imported(page, "a.ndjson", 3);
        await drop(page, ...files);
        await page.getByRole("button", { name: "Import 2 sources, a cell each" }).click();
        await imported(page, "a.ndjson (2)", 2);
        await imported(page, "b.ndjson", 1);
    }));

test("unreadable lines are kept apart with line, reason and text", () =>
    console_.page("/data", async (page) => {
        const lines = [server(1), "no JSON", { name: "no uuid" }, server(2), [1], server(3, { launched_at: "yesterday" })];
        const data = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
        await drop(page, { name: "mixed.ndjson", data });
        const row = await imported(page, "mixed.ndjson", 2);
        assert.equal(await row.locator(".state").innerText(), "4");
        const table = page.getByRole("region", { name: "Lines, scrolls" });
        const found = await table.locator("tbody tr").allInnerTexts();
        assert.deepEqual(found.map((text) => text.split("\t")[0]), ["2", "3", "5", "6"]);
        assert.match(found[0], /not JSON.*no JSON/s);
        assert.match(found[1], /uuid/);
        assert.match(found[3], /yesterday/);
    }));

test("pasted text is imported", () =>
    console_.page("/data", async (page) => {
        await page.getByRole("button", { name: "Paste text" }).click();
        await page.getByLabel("Instances as NDJSON").fill(ndjson(5));
        await page.getByRole("button", { name: "Import the text" }).click();
        await imported(page, "pasted text", 5);
    }));

test("a source that is none of the kinds is refused with what was expected", () =>
    console_.page("/data", async (page) => {
        for (const [name, data, found] of [
            ["image.png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]), "neither a SQLite database nor text"],
            ["empty", "", "is empty"],
            ["settings.json", '{"a": 1}', "without `uuid`"],
            ["broken.gz", new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), "cannot be unpacked"],
            ["later.ndjson", '{"nova_compute_utils": "cell", "version": 2}', "version 2"],
        ]) {
            await drop(page, { name, data });
            const row = page.getByRole("row").filter({ hasText: name });
            await row.getByText(found).waitFor();
            await row.getByText("Drop a cell database of Nova").waitFor();
            await row.getByRole("button", { name: "Leave out" }).click();
        }
        assert.equal(await page.locator(".cells").count(), 0);
    }));

test("a cancelled import leaves nothing, or whole batches", () =>
    console_.page("/data", async (page) => {
        await dropMany(page, "large.ndjson", 30_000);
        await page.getByRole("button", { name: "Cancel" }).click();
        await page.getByText("Cancelled: large.ndjson. Nothing of it was kept.").waitFor();
        assert.equal(await page.locator(".cells").count(), 0);
        const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
        assert.deepEqual(names, ["nova-console"]);

        await dropMany(page, "large.ndjson", 30_000);
        await page.locator(".job").getByText(/[1-9]\S* servers/).waitFor();
        await page.getByRole("button", { name: "Stop, keep what is in" }).click();
        await page.locator(".cells tbody tr").first().waitFor();
        const kept = Number((await page.locator(".cells tbody td.num a").first().innerText()).replaceAll(",", ""));
        assert.ok(kept > 0 && kept < 30_000, `${kept} servers`);
        await page.getByText("Stopped: whole batches were kept.").waitFor();
    }));

test("a table is exported as CSV without formulas, and as NDJSON", () =>
    console_.page("/data", async (page) => {
        const names = ["=1+1", "+1", "-1", "@x", "\tx", 'say "hi", twice', "plain"];
        const data = names.map((display_name, number) => JSON.stringify(server(number, { display_name }))).join("\n");
        await drop(page, { name: "formulas.ndjson", data });
        await imported(page, "formulas.ndjson", names.length);
        const csv = await downloaded(page, () => page.getByRole("button", { name: "instances as CSV" }).click());
        assert.equal(csv.name, "formulas.ndjson.instances.csv");
        const lines = csv.text.trimEnd().split("\r\n");
        assert.equal(lines.length, names.length + 1);
        for (const cell of ["'=1+1", "'+1", "'-1", "'@x", "'\tx", '"say ""hi"", twice"', "plain"]) {
            assert.ok(lines.some((line) => line.includes(`,${cell},`)), `${cell} is not in\n${csv.text}`);
        }
        const json = await downloaded(page, () => page.getByRole("button", { name: "instances as NDJSON" }).click());
        assert.deepEqual(
            json.text.trimEnd().split("\n").map((line) => JSON.parse(line).display_name).sort(),
            [...names].sort(),
        );
    }));

test("a cell is exported as one file, and read back the same", () =>
    console_.page("/data", async (page) => {
        const lines = [
            { nova_compute_utils: "cell", version: 1, cell: "x", release: "grizzly", period: "day@6", from: "2026-10-01T06:00:00.000000", to: "2026-10-03T06:00:00.000000", now: "2026-10-03T09:00:00.000000" },
            { service: { host: "cmp-01", binary: "nova-compute", topic: "compute", disabled: false } },
            { instance: server(1) },
            { task_log: { id: 7, created_at: "2026-10-02T06:00:01.000000", updated_at: null, deleted_at: null, deleted: 0, task_name: "instance_usage_audit", state: "DONE", host: "cmp-01", period_beginning: "2026-10-01T06:00:00.000000", period_ending: "2026-10-02T06:00:00.000000", message: "ran", task_items: 1, errors: 0 } },
            { instance_faults: { id: 3, created_at: "2026-10-02T06:00:01.000000", updated_at: null, deleted_at: null, deleted: 0, instance_uuid: server(1).uuid, code: 500, message: "no", details: "why", host: "cmp-01" } },
            { notification: { message_id: "m", publisher_id: "compute.cmp-01", event_type: "compute.instance.exists", priority: "INFO", payload: {}, timestamp: "2026-10-02 06:00:01" } },
        ];
        // A number that JavaScript would round stays as it is.
        const data = lines.map((line) => JSON.stringify(line)).join("\n").replace('"memory_mb":2048', '"memory_mb":9007199254740993');
        await drop(page, { name: "first", data });
        await imported(page, "first", 1);
        const out = await downloaded(page, () => page.getByRole("button", { name: "Export the cell" }).click());
        assert.match(out.text, /"memory_mb":9007199254740993/);
        await drop(page, { name: "second", data: out.text });
        await imported(page, "second", 1);
        await page.getByRole("region", { name: "Tables and imports of second" }).waitFor();
        const again = await downloaded(page, () => page.getByRole("button", { name: "Export the cell" }).click());
        const withoutName = (text) => text.replace(/"cell":"\w+"/, "");
        assert.equal(withoutName(again.text), withoutName(out.text));
        for (const table of ["services", "instances", "task_log", "instance_faults", "notifications"]) {
            assert.equal(await page.getByRole("row", { name: `${table} 1` }).count(), 1, table);
        }
    }));

test("data stays after a reload, and *Clear everything* leaves nothing", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "kept.ndjson", data: ndjson(10) });
        await imported(page, "kept.ndjson", 10);
        await page.reload();
        await imported(page, "kept.ndjson", 10);
        await page.getByRole("button", { name: "Clear everything" }).click();
        await page.getByRole("button", { name: "Clear everything" }).click();
        await page.getByText("Everything is cleared").waitFor();
        const left = await page.evaluate(async () => ({
            databases: await indexedDB.databases(),
            caches: await caches.keys(),
            storage: localStorage.length,
            workers: (await navigator.serviceWorker.getRegistrations()).length,
        }));
        assert.deepEqual(left, { databases: [], caches: [], storage: 0, workers: 0 });
        assert.equal(page.workers().length, 0);
    }));

test("in memory, the header says so, and the import works", () =>
    console_.page("/data", async (page) => {
        await page.getByRole("button", { name: "Go on in memory" }).click();
        await page.getByText("All data is lost when this page is closed").waitFor();
        await drop(page, { name: "lost.ndjson", data: ndjson(20) });
        await imported(page, "lost.ndjson", 20);
        await page.reload();
        await page.getByText("No cell is here").waitFor();
    }));

test("a removed cell leaves no database", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "gone.ndjson", data: ndjson(20) });
        await imported(page, "gone.ndjson", 20);
        await page.getByRole("button", { name: "Remove the cell" }).click();
        await page.getByRole("button", { name: "Remove", exact: true }).click();
        await page.getByText("No cell is here").waitFor();
        const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
        assert.deepEqual(names, ["nova-console"]);
    }));

test("hostile input is refused by the limits", () =>
    console_.page("/data", async (page) => {
        await page.evaluate((length) => {
            const transfer = new DataTransfer();
            const good = '{"uuid":"00000000-0000-4000-8000-000000000001","display_name":"web"}\n';
            const deep = `{"uuid":"d","metadata":${"[".repeat(70)}${"]".repeat(70)}}\n`;
            transfer.items.add(new File([good, deep, '{"uuid":"', "x".repeat(length), '"}\n', good.replace("001", "002")], "hostile.ndjson"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }, 100 * 1024 * 1024);
        await imported(page, "hostile.ndjson", 2);
        await page.getByText("nested deeper than 64 levels").waitFor();
        await page.getByText("longer than 8 Mi characters").waitFor();

        const bomb = gzipSync(Buffer.concat([Buffer.from(ndjson(1)), Buffer.alloc(300 * 1024 * 1024, 0x20)]));
        assert.ok(gunzipSync(bomb).length > bomb.length * 200);
        await drop(page, { name: "bomb.gz", data: bomb });
        await page.getByText("unpacks to more than 200 times its size").waitFor();
        assert.equal(await page.locator(".cells > tbody > tr > th").count(), 1);
    }));
