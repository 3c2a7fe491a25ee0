// Nova's SQLite cells: dropped, audited, exported.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";

import { downloaded, drop, imported, openConsole } from "./support/console.js";
import { cellDatabase, changed, damaged, readCell, readMessages } from "./support/databases.js";
import { ndjson } from "./support/servers.js";
import { openWorker } from "./support/worker.js";

const console_ = await openConsole();
after(() => console_.close());

const parse = (text) => text.trim().split("\n").map((line) => JSON.parse(line));

/** What an audit's message says, without the seconds that it took. */
const withoutSeconds = (message) => message.replace(/in [\d.e-]+ seconds/, "in ? seconds");

const logged = ({ task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted }) => {
    const [begin, end] = [period_beginning, period_ending].map((time) => time.replace("T", " "));
    return { task_name, state, host, begin, end, message: withoutSeconds(message), task_items, errors, deleted };
};

for (const cell of ["month", "day6", "hour15"]) {
    test(`${cell}: dropped, audited for all hosts and exported, it equals what Nova emitted`, () =>
        console_.page("/data", async (page) => {
            const worker = await openWorker(page);
            const name = `${cell}.sqlite`;
            await drop(page, { name, data: await cellDatabase(cell) });
            await page.locator(".cells tbody tr").filter({ hasText: name }).first().waitFor();
            const settings = await readCell(cell, "cell.json");
            const period = settings.instance_usage_audit_period;
            await worker.call("updateCell", name, { glance_endpoint: settings.glance_endpoint, now: settings.now });

            // Other tabs hear the notifications.
            const heard = page.evaluate(() => {
                globalThis.heard = 0;
                new BroadcastChannel("nova-console-notifications").onmessage = () => (globalThis.heard += 1);
            });
            const window = await worker.call("lastCompletedWindow", "hibiscus", period, settings.now);
            const pairs = settings.hosts.map((host) => ({ host, window }));
            const request = { cell: name, release: "hibiscus", period, notificationFormat: settings.notification_format, pairs };
            const audit = await worker.job("startAudit", request);
            assert.equal(audit.problem, null);
            assert.deepEqual(audit.result.outcomes.map(({ outcome }) => outcome), pairs.map(() => "done"));
            await heard;
            assert.ok((await page.evaluate(() => globalThis.heard)) > 0, "no other tab heard the notifications");

            // The only cell is open.
            const out = await downloaded(page, () => page.getByRole("button", { name: "notifications as NDJSON" }).click());
            const comparable = ({ event_type, priority, publisher_id, payload }) => ({ event_type, priority, publisher_id, payload });
            const expected = await readMessages(cell);
            assert.ok(expected.length > 10);
            assert.deepEqual(parse(out.text).map(comparable), expected.map(comparable));
            const log = await downloaded(page, () => page.getByRole("button", { name: "task_log as NDJSON" }).click());
            assert.deepEqual(parse(log.text).map(logged), (await readCell(cell, "task_log.json")).map(logged));

            const again = await worker.job("startAudit", request);
            assert.deepEqual(again.result.outcomes.map(({ outcome }) => outcome), pairs.map(() => "already"));
            const coverage = await worker.call("coverage", name, { release: "hibiscus", period, from: window.begin, to: window.end });
            assert.equal(coverage.totals.states.done, pairs.length);
        }));
}

/** Rows of the tables that the cells lack. */
const ROWS = [
    `INSERT INTO services (id, host, binary, topic, report_count, disabled, deleted)
     VALUES (1, 'cmp-01', 'nova-compute', 'compute', 0, 0, 0), (2, 'ctl-01', 'nova-scheduler', 'scheduler', 0, 0, 0)`,
    `INSERT INTO instance_actions (id, action, instance_uuid, request_id, start_time, created_at, deleted)
     SELECT id, 'create', uuid, 'req-' || id, created_at, created_at, 0 FROM instances`,
    `INSERT INTO instance_actions_events (id, event, action_id, result, traceback, created_at, deleted)
     SELECT id, 'compute_create', id, 'Error', 'Traceback', created_at, 0 FROM instances`,
    `INSERT INTO instance_faults (id, instance_uuid, code, message, created_at, deleted)
     SELECT id, uuid, 500, '=cmd|calc', created_at, 0 FROM instances LIMIT 7`,
    `INSERT INTO bw_usage_cache (id, uuid, mac, start_period, bw_in, bw_out, deleted)
     SELECT id, uuid, 'fa:16:3e:00:00:01', '2026-10-01 00:00:00', 9007199254740993, 2, 0 FROM instances LIMIT 5`,
    `INSERT INTO volume_usage_cache (id, volume_id, tot_reads, deleted)
     SELECT id, uuid, 4, 0 FROM instances LIMIT 3`,
    `INSERT INTO task_log (id, task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted)
     VALUES (5, 'instance_usage_audit', 'DONE', 'cmp-01', '2026-10-01 06:00:00', '2026-10-02 06:00:00', 'ran', 1, 0, 0),
            (6, 'instance_usage_audit', 'RUNNING', 'cmp-02', '2026-10-02 06:00:00', '2026-10-03 06:00:00', 'runs', 1, 0, 0)`,
];

test("all tables of a cell are read, by gzip too, and the cell file gives them back", () =>
    console_.page("/data", async (page) => {
        const worker = await openWorker(page);
        const data = changed(await cellDatabase("month"), ...ROWS);
        await drop(page, { name: "full.sqlite.gz", data: gzipSync(data) });
        await page.locator(".cells").getByText("full.sqlite", { exact: true }).first().waitFor();
        const { cells } = await page.evaluate(async () => ({ cells: await callWorker("cells") }));
        const [{ tables, imports, period, from, to }] = cells;
        const servers = tables.instances;
        assert.ok(servers > 10);
        assert.deepEqual(tables, {
            instances: servers,
            services: 1,
            task_log: 2,
            instance_actions: servers,
            instance_actions_events: servers,
            instance_faults: 7,
            bw_usage_cache: 5,
            volume_usage_cache: 3,
            notifications: 0,
        });
        assert.deepEqual([imports[0].unreadable, imports[0].kind], [0, "sqlite"]);
        assert.match(imports[0].notes.join(" "), /Schema version: [0-9a-f]{12}/);
        assert.deepEqual([period, from, to], ["day@6", "2026-10-01T06:00:00.000000", "2026-10-03T06:00:00.000000"]);

        const all = { text: "", facets: { host: [], project_id: [], flavor: [], vm_state: [] }, window: null, sort: "name", descending: false };
        const { found, facets } = await worker.call("searchServers", "full.sqlite", all);
        assert.equal(found, servers);
        assert.ok(facets.flavor.values.length > 1 && facets.flavor.values.every(({ value }) => value !== ""), "flavors");
        const [row] = await worker.call("serverRows", "full.sqlite", all, 0, 1);
        const detail = await worker.call("server", "full.sqlite", row.uuid);
        assert.deepEqual(detail.counts.actions, 1);
        assert.ok(Array.isArray(detail.block_devices));

        const cell = await worker.exported({ cell: "full.sqlite", what: { kind: "cell" }, format: "ndjson" });
        assert.match(cell, /"bw_in":9007199254740993/);
        await drop(page, { name: "again", data: cell });
        await imported(page, "again", servers);
        const again = await worker.exported({ cell: "again", what: { kind: "cell" }, format: "ndjson" });
        const [first, second] = [cell, again].map((text) => text.replace(/"cell":"[\w.]+"/, "").split("\n"));
        const place = first.findIndex((line, place) => line !== second[place]);
        assert.deepEqual([first[place], first.length], [second[place], second.length]);
        for (const table of Object.keys(tables).filter((table) => tables[table] > 0)) {
            const [csv, lines] = await Promise.all(
                ["csv", "ndjson"].map((format) => worker.exported({ cell: "again", what: { kind: "table", table }, format })),
            );
            assert.equal(lines.trim().split("\n").length, tables[table], table);
            assert.ok(csv.split("\r\n").length > tables[table], table);
            assert.doesNotMatch(csv, /(^|,|")=cmd/m);
        }
        const query = { release: "hibiscus", period, from, to };
        const windows = { cell: "again", what: { kind: "windows", query }, format: "ndjson" };
        const coverage = await worker.call("coverage", "again", query);
        const lines = parse(await worker.exported(windows));
        assert.equal(lines.length, coverage.hosts.length * 2);
        const { host, begin, state, message, task_items } = lines[0];
        assert.deepEqual([host, begin, state, message, task_items], ["cmp-01", from, "done", "ran", 1]);
        const csv = await worker.exported({ ...windows, format: "csv" });
        assert.equal(csv.trim().split("\r\n").length, lines.length + 1);
    }));

test("a database in WAL mode opens, and says what is not seen", () =>
    console_.page("/data", async (page) => {
        const worker = await openWorker(page);
        const data = await cellDatabase("month");
        data.set([2, 2], 18);
        await drop(page, { name: "wal.sqlite", data });
        await page.locator(".cells").getByText("wal.sqlite", { exact: true }).first().waitFor();
        const [{ imports, tables }] = await worker.call("cells");
        assert.ok(tables.instances > 10);
        assert.match(imports[0].notes[0], /what is still in its `-wal` file is not seen/);
    }));

test("unreadable rows are kept apart, and all else is kept", () =>
    console_.page("/data", async (page) => {
        const worker = await openWorker(page);
        const data = changed(
            await cellDatabase("month"),
            "UPDATE instances SET vcpus = 'many' WHERE id = (SELECT min(id) FROM instances)",
            ...ROWS,
            "UPDATE instance_faults SET created_at = 'yesterday' WHERE id = (SELECT min(id) FROM instance_faults)",
        );
        await drop(page, { name: "mixed.sqlite", data });
        await page.locator(".cells").getByText("mixed.sqlite", { exact: true }).first().waitFor();
        const [{ imports, tables }] = await worker.call("cells");
        assert.equal(imports[0].unreadable, 2);
        assert.equal(tables.instance_faults, 6);
        const unreadable = await worker.call("unreadable", "mixed.sqlite", imports[0].id);
        assert.deepEqual(unreadable.map(({ table }) => table), ["instances", "instance_faults"]);
        assert.match(unreadable[0].reason, /`instances.vcpus` of the row \d+ is not an integer/);
        assert.ok(unreadable.every(({ line }) => line > 0));
    }));

test("another database is refused with what was expected and what was found", () =>
    console_.page("/data", async (page) => {
        const whole = await cellDatabase("month");
        const garbage = whole.slice(0, 64 * 1024);
        garbage.fill(0xa5, 100);
        for (const [name, data, found] of [
            ["notes.db", changed(null, "CREATE TABLE notes (id INTEGER)"), "it is not a Nova cell database; its tables are `notes`"],
            ["empty.db", changed(null, "PRAGMA user_version = 1"), "it has no tables"],
            ["older.db", changed(whole, "ALTER TABLE instances DROP COLUMN root_device_name"), "no column `instances.root_device_name`"],
            ["broken.db", garbage, /malformed|not a database/],
        ]) {
            await drop(page, { name, data });
            const row = page.getByRole("row").filter({ hasText: name });
            await row.getByText(found).waitFor();
            await row.getByRole("button", { name: "Leave out" }).click();
        }
        assert.equal(await page.locator(".cells").count(), 0);
        const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
        assert.deepEqual(names, ["nova-console"]);
    }));

test("of a damaged database, what can be read is kept, and the rest is said", () =>
    console_.page("/data", async (page) => {
        const worker = await openWorker(page);
        const data = damaged(changed(await cellDatabase("month"), ...ROWS), "instance_faults");
        await drop(page, { name: "damaged.sqlite", data });
        await page.locator(".cells").getByText("damaged.sqlite", { exact: true }).first().waitFor();
        const [{ imports, tables }] = await worker.call("cells");
        assert.ok(tables.instances > 10 && tables.bw_usage_cache === 5 && tables.instance_faults === 0);
        assert.match(imports[0].notes.join(" "), /`instance_faults` is damaged: 0 rows were read/);
        const [{ table, reason }] = await worker.call("unreadable", "damaged.sqlite", imports[0].id);
        assert.equal(table, "instance_faults");
        assert.match(reason, /malformed/);
    }));

test("SQLite is loaded only when a database is dropped", () =>
    console_.page("/data", async (page, context) => {
        const asked = [];
        context.on("request", (request) => asked.push(request.url()));
        await drop(page, { name: "text.ndjson", data: ndjson(3) });
        await imported(page, "text.ndjson", 3);
        assert.ok(!asked.some((url) => /sqlite/.test(url)), asked.join("\n"));
        await drop(page, { name: "real.sqlite", data: await cellDatabase("hour15") });
        await page.locator(".cells").getByText("real.sqlite", { exact: true }).first().waitFor();
        assert.ok(asked.some((url) => /sqlite3[^/]*\.wasm$/.test(url)), asked.join("\n"));
    }));
