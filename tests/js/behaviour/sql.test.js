// The conductor on SQL, on real Nova cells in the official SQLite for browsers, in Node.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import * as vite from "vite";

import { CELLS, openCell, openEmpty, openFile, readJson, readLines, SQLITE, unpack } from "../support/cells.js";
import { launch, visitOnce } from "../support/chromium.js";
import { errorOf } from "../support/errors.js";
import { copySupport, loadPackage } from "../support/project.js";
import { context, NOW } from "../support/samples.js";
import { runner } from "../support/sqlite.js";
import { serve, writePage } from "../support/web-server.js";

const { library, memory, directory, load, remove } = await loadPackage();
after(remove);
const { sqlConductor } = await load("hosts/sql/index.js");

const dialect = "sqlite";
const OCTOBER = { begin: "2026-10-01T00:00:00.000000", end: "2026-11-01T00:00:00.000000" };
const UUIDS = ["uuid-1", "uuid-2", "uuid-3"];

/** Rows of each table: with and without optional values, and soft-deleted ones. */
const ROWS = (() => {
    const rows = (...list) => list.map((row, index) => ({ id: 10 * (index + 1), created_at, deleted: 0, ...row }));
    const created_at = "2026-10-02 03:04:05.600000";
    const gone = { deleted: 1, deleted_at: "2026-10-09 00:00:00.000000" };
    const task = {
        task_name: "instance_usage_audit",
        state: "DONE",
        period_beginning: "2026-10-01 00:00:00.000000",
        period_ending: "2026-11-01 00:00:00.000000",
        message: "done",
        task_items: 3,
        errors: 1,
    };
    // A copy of a database of MySQL has timestamps without a fraction.
    const copied = { period_beginning: "2026-10-01 00:00:00", period_ending: "2026-11-01 00:00:00" };
    const usage = { start_period: "2026-10-01 00:00:00.000000", uuid: "uuid-1", bw_in: 2n ** 62n, bw_out: 2 };
    return {
        task_log: rows(
            { ...task, host: "cmp-02", updated_at: created_at },
            { ...task, ...copied, host: "cmp-01", state: "RUNNING", task_items: null, errors: null },
            { ...task, host: "cmp-03", ...gone },
            { ...task, host: "cmp-01", period_beginning: "2026-09-01 00:00:00.000000" },
        ),
        instance_actions: rows(
            { action: "create", instance_uuid: "uuid-1", request_id: "req-1", start_time: created_at },
            { action: "resize", instance_uuid: "uuid-1", request_id: "req-2", message: "Error" },
            { action: "stop", instance_uuid: "uuid-1", created_at: "2026-10-01 00:00:00.000000" },
            { action: "reboot", instance_uuid: "uuid-1", ...gone },
            { action: "create", instance_uuid: "uuid-2", project_id: "demo", user_id: "user" },
        ),
        instance_actions_events: rows(
            { event: "compute_resize", action_id: 20, result: "Error", traceback: "Traceback\n é", host: "cmp-01" },
            { event: "conductor_migrate", action_id: 20, details: "none", created_at: "2026-10-03 00:00:00.000000" },
            { event: "compute_resize", action_id: 20, ...gone },
            { event: "compute_create", action_id: 2 },
        ),
        instance_faults: rows(
            { instance_uuid: "uuid-1", code: 500, message: "newest id", created_at: "2026-10-01 00:00:00.000000" },
            { instance_uuid: "uuid-2", code: 404, details: "no host" },
            { instance_uuid: "uuid-1", code: 500, ...gone },
            { instance_uuid: "uuid-2", code: 500, created_at: "2026-10-01 00:00:00.000000", host: "cmp-01" },
        ),
        bw_usage_cache: rows(
            { ...usage, mac: "fa:16:3e:00:00:01", last_ctr_in: 7, last_refreshed: created_at },
            { ...usage, mac: null, bw_in: null, bw_out: null, ...gone },
            { ...usage, mac: "fa:16:3e:00:00:01", start_period: "2026-09-01 00:00:00.000000" },
        ),
        volume_usage_cache: rows(
            { volume_id: "volume-1", tot_last_refreshed: created_at, tot_reads: 4, curr_reads: null },
            { volume_id: "volume-2", tot_last_refreshed: created_at, curr_last_refreshed: "2026-10-05 00:00:00" },
            { volume_id: "volume-3", tot_last_refreshed: created_at, curr_last_refreshed: created_at, ...gone },
        ),
    };
})();

const ALWAYS = { begin: "1970-01-01T00:00:00", end: null, project_id: null, host: null };

const open = (database, options) => sqlConductor(runner(database), { dialect, ...options });

/** Reads all instances of a window, page by page, and compares their number with the count. */
async function readWindow(conductor, query, limit) {
    const [instances, unreadable] = [[], []];
    let marker = null;
    do {
        const page = await conductor.instanceGetActiveByWindow(context(), { ...query, marker, limit });
        const size = page.instances.length + page.unreadable.length;
        assert.ok(size <= limit && (size > 0 || page.next_marker === null), "the size of a page");
        instances.push(...page.instances);
        unreadable.push(...page.unreadable);
        marker = page.next_marker;
    } while (marker !== null);
    const count = await conductor.instanceCountActiveByWindow(context(), query);
    assert.equal(count, instances.length + unreadable.length, "the count");
    return { instances, unreadable };
}

/** Reads all rows of a table, page by page. */
async function readTable(conductor, table, limit) {
    const [rows, unreadable] = [[], []];
    let after = null;
    do {
        const page = await conductor.rowsPage(table, { after, limit });
        assert.ok(page.rows.length + page.unreadable.length <= limit);
        rows.push(...page.rows);
        unreadable.push(...page.unreadable);
        after = page.next;
    } while (after !== null);
    assert.equal(await conductor.count(table), rows.length + unreadable.length, table);
    return { rows, unreadable };
}

/** Opens the cell `hour15` without rows in the tables that the tests fill. */
async function openTables() {
    const database = await openCell("hour15");
    for (const table of ["instances", "services", ...Object.keys(ROWS)]) {
        database.exec(`DELETE FROM ${table}`);
    }
    return database;
}

/** Inserts a row. */
function insert(database, table, row) {
    const places = Object.keys(row).map(() => "?");
    const sql = `INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${places.join(", ")})`;
    database.exec({ sql, bind: Object.values(row) });
}

const byId = (documents) => [...documents].sort((one, other) => one.id - other.id);

for (const cell of CELLS) {
    test(`${cell}: the documents are those of the Rust host`, async () => {
        const conductor = await open(await openCell(cell), { blockDevices: true, shares: true });
        const recorded = await readLines(cell, "documents.ndjson.xz");
        assert.ok(recorded.length >= 30 && recorded.some(({ block_devices }) => block_devices.length > 0));
        for (const limit of [1, 7, 1000]) {
            assert.deepEqual((await readWindow(conductor, ALWAYS, limit)).instances, recorded);
            assert.deepEqual((await readTable(conductor, "instances", limit)).rows, byId(recorded));
        }
        const audit = await open(await openCell(cell));
        for (const document of recorded) {
            delete document.block_devices;
            delete document.shares;
        }
        assert.deepEqual((await readWindow(audit, ALWAYS, 1000)).instances, recorded);
    });

    test(`${cell}: an audit emits what Nova emitted`, async () => {
        const settings = await readJson(cell, "cell.json");
        const { now, hosts, glance_endpoint } = settings;
        const database = await openCell(cell);
        const sql = await open(database, { blockDevices: true, shares: true });
        assert.deepEqual(await sql.knownHosts(), hosts);
        assert.deepEqual(await sql.computeHosts(), []);
        const tables = memory.memoryConductor({ now: () => now });
        const notifier = memory.collectingNotifier();
        // The conductor reads the cell, and writes its task log to memory.
        const conductor = Object.assign(tables, {
            instanceGetActiveByWindow: (...args) => sql.instanceGetActiveByWindow(...args),
            instanceCountActiveByWindow: (...args) => sql.instanceCountActiveByWindow(...args),
        });
        for (const host of hosts) {
            const nova = new library.ComputeUtils({
                release: "hibiscus",
                host,
                auditPeriod: settings.instance_usage_audit_period,
                notificationFormat: settings.notification_format,
                bdmsInNotifications: false,
                clock: () => now,
                conductor,
                notifier,
            });
            const report = await nova.runInstanceUsageAudit({ context: { glance_endpoint } });
            assert.deepEqual(report.failures, []);
            nova.free();
        }
        const comparable = ({ event_type, priority, publisher_id, timestamp, payload }) => {
            return { event_type, priority, publisher_id, timestamp, payload };
        };
        const golden = await readLines(cell, "nova-emitted.ndjson");
        assert.deepEqual(
            notifier.notifications.map(comparable),
            golden.map(({ message }) => comparable(message)),
        );
        const rows = (await tables.rows("task_log")).map(({ host, state, errors }) => ({ host, state, errors }));
        const log = (await readJson(cell, "task_log.json")).map(({ host, state, errors }) => ({ host, state, errors }));
        assert.deepEqual(rows, log);
    });
}

test("the instances of a window are those of Nova", async () => {
    const database = await openTables();
    const conductor = await open(database);
    let cases = 0;
    for (const release of ["grizzly", "hibiscus"]) {
        const file = new URL(`../../vectors/${release}/instance_get_active_by_window_joined.json`, import.meta.url);
        for (const { id, args, expect } of JSON.parse(await readFile(file, "utf8")).cases) {
            database.exec("DELETE FROM instances");
            for (const instance of args.instances) {
                const values = Object.entries(instance).map(([name, value]) => {
                    return [name, /_at$/.test(name) ? (value?.replace("T", " ") ?? null) : value];
                });
                insert(database, "instances", Object.fromEntries(values));
            }
            const { begin, end = null, project_id = null, host = null } = args;
            for (const limit of [1, 2, 1000]) {
                const { instances } = await readWindow(conductor, { begin, end, project_id, host }, limit);
                const order = instances.map((instance) => `${instance.project_id ?? ""} ${instance.uuid}`);
                assert.deepEqual(order, [...order].sort(), id);
                assert.deepEqual(instances.map(({ uuid }) => uuid).sort(), [...expect].sort(), id);
            }
            cases += 1;
        }
    }
    assert.equal(cases, 72);
});

test("the pages of a window have instances without a project and with unreadable keys", async () => {
    const database = await openTables();
    const conductor = await open(database);
    const projects = ["NULL", "''", "'a'", "'é'", "CAST(x'ff' AS TEXT)", "x'61'", "7"];
    for (const [index, project] of projects.entries()) {
        for (const uuid of ["'u-2", "'u-1", "'a'||char(0)||'b"]) {
            database.exec(`INSERT INTO instances (uuid, project_id, deleted) VALUES (${uuid}${index}', ${project}, 0)`);
        }
    }
    const all = await readWindow(conductor, ALWAYS, 1000);
    assert.deepEqual([all.instances.length, all.unreadable.length], [15, 6]);
    assert.deepEqual(
        all.instances.slice(0, 3).map(({ uuid }) => uuid),
        ["a\0b0", "u-10", "u-20"],
    );
    for (const limit of [1, 2, 4]) {
        assert.deepEqual(await readWindow(conductor, ALWAYS, limit), all);
    }
    const noPage = [
        "",
        "{}",
        "null",
        '{"project_id":[1.5],"uuid":"a","id":"1"}',
        '{"project_id":"","uuid":"a","id":"x"}',
    ];
    for (const marker of noPage) {
        const error = await errorOf(conductor.instanceGetActiveByWindow(context(), { ...ALWAYS, marker, limit: 1 }));
        assert.deepEqual([error.code, error.arguments], ["MarkerNotFound", { marker }]);
    }
});

test("the rows of the tables are those that the database has, and the host in memory takes them", async () => {
    const database = await openTables();
    for (const [table, rows] of Object.entries(ROWS)) {
        rows.forEach((row) => insert(database, table, row));
    }
    const sql = await open(database);
    const tables = memory.memoryConductor({ now: () => NOW });
    for (const [table, rows] of Object.entries(ROWS)) {
        const read = await readTable(sql, table, 2);
        assert.deepEqual(read.unreadable, []);
        assert.deepEqual((await readTable(sql, table, 1000)).rows, read.rows);
        assert.equal(read.rows.length, rows.length);
        for (const [index, row] of rows.entries()) {
            for (const [column, value] of Object.entries(row)) {
                const isTime = /^\d{4}-.* /.test(value ?? "");
                const time = isTime && `${value.replace(" ", "T")}${value.includes(".") ? "" : ".000000"}`;
                const isCounter = /^(task_items|errors|curr_reads)$/.test(column);
                assert.equal(
                    read.rows[index][column],
                    time || (isCounter ? (value ?? 0) : value),
                    `${table}.${column}`,
                );
            }
        }
        await tables.importRows(table, read.rows);
        assert.deepEqual(await tables.rows(table), read.rows);
    }

    const task = { task_name: "instance_usage_audit", period_beginning: OCTOBER.begin, period_ending: OCTOBER.end };
    const queries = {
        taskLogGetAll: [[task], [{ ...task, host: "cmp-01" }], [{ ...task, state: "DONE" }], [{ ...task, host: "x" }]],
        taskLogGet: ["cmp-01", "cmp-02", "cmp-03"].map((host) => [context(), { ...task, host }]),
        actionsGet: UUIDS.map((instance_uuid) => [{ instance_uuid }]),
        actionEventsGet: [20, 2, 3].map((action_id) => [{ action_id }]),
        instanceFaultGetByInstanceUuids: [[{ instance_uuids: UUIDS }], [{ instance_uuids: UUIDS, latest: true }]],
        bwUsageGetByUuids: [UUIDS, []].map((uuids) => [context(), { uuids, start_period: OCTOBER.begin }]),
        bwUsageGet: ["fa:16:3e:00:00:01", null, "x"].map((mac) => [
            { uuid: "uuid-1", mac, start_period: new Date(OCTOBER.begin + "Z") },
        ]),
        volGetUsageByTime: ["2026-10-01", "2026-10-04", "2026-10-06"].map((begin) => [{ begin }]),
    };
    const sizes = {};
    for (const [name, list] of Object.entries(queries)) {
        for (const args of list) {
            const answer = await sql[name](...args);
            assert.deepEqual(answer, await tables[name](...args), `${name}: ${JSON.stringify(args)}`);
            (sizes[name] ??= []).push(Array.isArray(answer) ? answer.length : answer && Object.values(answer).length);
        }
    }
    assert.deepEqual(sizes, {
        taskLogGetAll: [2, 1, 1, 0],
        taskLogGet: [8, 8, null],
        actionsGet: [3, 1, 0],
        actionEventsGet: [2, 1, 0],
        instanceFaultGetByInstanceUuids: [3, 3],
        bwUsageGetByUuids: [2, 0],
        bwUsageGet: [13, 13, null],
        volGetUsageByTime: [3, 2, 1],
    });
    const { "uuid-2": faults } = await sql.instanceFaultGetByInstanceUuids({ instance_uuids: UUIDS });
    assert.deepEqual([faults.map(({ id }) => id)], [[20, 40]]);
    assert.equal((await tables.actionStart(context(), library.packActionStart(ACTION))).id, 51);
});

const ACTION = { release: "hibiscus", context: context(), instanceUuid: "uuid-1", actionName: "reboot" };

test("the hosts are those of instances and services", async () => {
    const database = await openTables();
    const service = { binary: "nova-compute", deleted: 0, report_count: 0 };
    insert(database, "services", { ...service, host: "cmp-02" });
    insert(database, "services", { ...service, host: "cmp-01" });
    insert(database, "services", { ...service, host: "cmp-03", deleted: 3 });
    insert(database, "services", { ...service, host: "ctl-01", binary: "nova-scheduler" });
    for (const [index, host] of ["cmp-04", "cmp-01", "cmp-04", null].entries()) {
        insert(database, "instances", { uuid: `uuid-${index}`, host, deleted: 0 });
    }
    const conductor = await open(database);
    assert.deepEqual(await conductor.computeHosts(), ["cmp-01", "cmp-02"]);
    assert.deepEqual(await conductor.knownHosts(), ["cmp-01", "cmp-02", "cmp-03", "cmp-04"]);
});

test("the block devices of instances have no secrets, and none that is deleted", async () => {
    const database = await openCell("month");
    const device = { instance_uuid: "uuid-1", device_name: "/dev/vdb", volume_id: "volume-1", source_type: "volume" };
    const secrets = { connection_info: '{"auth_password": "s3cret"}', encryption_options: "s3cret" };
    insert(database, "block_device_mapping", { ...device, ...secrets, destination_type: "volume", deleted: 0 });
    insert(database, "block_device_mapping", { ...device, ...secrets, device_name: "/dev/vdc", deleted: 9 });
    const conductor = await open(database);
    const { rows } = await readTable(conductor, "block_device_mapping", 10);
    assert.equal(rows.length, 79);
    assert.deepEqual(
        rows.slice(-2).map(({ device_name }) => device_name),
        ["/dev/vdb", "/dev/vdc"],
    );
    assert.ok(!JSON.stringify(rows).includes("s3cret"));
    const devices = await conductor.blockDevicesByInstanceUuids({ instance_uuids: ["uuid-1", "uuid-2"] });
    assert.deepEqual(devices, { "uuid-1": [rows.at(-2)], "uuid-2": [] });
    // More instances than a statement may have parameters.
    const instance_uuids = Array.from({ length: 40_000 }, (_, n) => `uuid-${40_000 - n}`);
    const ofMany = await conductor.blockDevicesByInstanceUuids({ instance_uuids });
    assert.deepEqual([Object.keys(ofMany).length, ofMany["uuid-1"]], [40_000, [rows.at(-2)]]);
    // They are the block devices of the library.
    const bdms = devices["uuid-1"];
    const instance = { uuid: "uuid-1", root_device_name: "/dev/vda" };
    assert.equal(library.getDeviceNameForInstance({ release: "hibiscus", instance, bdms }), "/dev/vdc");
});

/** Changes a database, reads, and takes the change back. */
async function withChange(database, sql, read) {
    database.exec("BEGIN");
    try {
        database.exec(sql);
        return await read();
    } finally {
        database.exec("ROLLBACK");
    }
}

test("the pages of all instances look up the rows of other tables once for many pages", async () => {
    const database = await openCell("month");
    const statements = [];
    const run = (sql, parameters) => (statements.push(sql), runner(database)(sql, parameters));
    const conductor = await sqlConductor(run, { dialect, blockDevices: true });
    const whole = await conductor.rowsPage("instances");
    assert.equal(statements.filter((sql) => sql.includes("IN (SELECT uuid")).length, 0, "a single page needs none");

    let after = null;
    const rows = [];
    do {
        const page = await conductor.rowsPage("instances", { after, limit: 7 });
        const instance_uuids = page.rows.map(({ uuid }) => uuid);
        const devices = await conductor.blockDevicesByInstanceUuids({ instance_uuids });
        for (const { uuid, block_devices } of page.rows) {
            const names = block_devices.map(({ device_name }) => device_name);
            assert.deepEqual(devices[uuid].map(({ device_name }) => device_name), names);
        }
        rows.push(...page.rows);
        after = page.next;
    } while (after !== null);
    assert.deepEqual(rows, whole.rows);
    const tables = statements.flatMap((sql) => /FROM (\w+) WHERE instance_uuid IN \(SELECT uuid/.exec(sql)?.[1] ?? []);
    const expected = ["block_device_mapping", "instance_extra", "instance_info_caches", "instance_metadata"];
    assert.deepEqual(tables.sort(), [...expected, "instance_system_metadata"]);

    // A page out of order is looked up anew, and another first page forgets what was looked up.
    const second = await conductor.rowsPage("instances", { after: rows[6].id, limit: 7 });
    assert.deepEqual(second.rows, rows.slice(7, 14));
    database.exec("DELETE FROM instance_metadata");
    const first = await conductor.rowsPage("instances", { limit: 7 });
    assert.deepEqual(first.rows, rows.slice(0, 7).map((row) => ({ ...row, metadata: [] })));
});

test("a bad value in any column makes one instance unreadable", async () => {
    const database = await openCell("month");
    const conductor = await open(database, { blockDevices: true, shares: true });
    const before = (await readTable(conductor, "instances", 1000)).rows;
    const bad = before.find(({ metadata, deleted, block_devices }) => {
        return metadata.length > 0 && block_devices.length > 0 && deleted === 0;
    });
    const others = before.filter(({ id }) => id !== bad.id);
    const share = `'${bad.uuid}', 'mapping-1', 'share-1', 'active', 'tag-1', 'secret', 'NFS'`;
    database.exec(`INSERT INTO share_mapping (instance_uuid, uuid, share_id, status, tag, export_location, share_proto)
        VALUES (${share})`);
    const members = ["metadata", "system_metadata", "info_cache", "flavor", "block_devices", "shares"];
    const columns = {
        instances: Object.keys(bad).filter((name) => name !== "id" && !members.includes(name)),
        instance_metadata: ["key", "value", "deleted"],
        instance_system_metadata: ["key", "value", "deleted"],
        instance_info_caches: ["network_info"],
        instance_extra: ["flavor"],
        block_device_mapping: ["device_name", "boot_index", "delete_on_termination", "volume_id", "tag"],
        share_mapping: ["uuid", "share_id", "status", "tag"],
    };
    let checked = 0;
    for (const [table, names] of Object.entries(columns)) {
        const key = table === "instances" ? "uuid" : "instance_uuid";
        const where = `${key} = '${bad.uuid}'`;
        const [[row]] = runner(database)(`SELECT MAX(id) FROM ${table} WHERE ${where}`, []);
        for (const column of names) {
            const update = `UPDATE ${table} SET ${column} = CAST(x'61ff' AS TEXT) WHERE id = ${row}`;
            const read = () => readWindow(conductor, ALWAYS, 7);
            const { instances, unreadable } = await withChange(database, update, read);
            const page = await withChange(database, update, () => readTable(conductor, "instances", 7));
            assert.deepEqual(page.unreadable, unreadable);
            assert.deepEqual(byId(instances), others, `${table}.${column}`);
            const [{ instance_uuid, instance_id, error }] = unreadable;
            assert.equal(unreadable.length, 1);
            const hasUuid = table !== "instances" || column !== "uuid";
            assert.deepEqual([instance_uuid, instance_id], [hasUuid ? bad.uuid : null, bad.id]);
            assert.equal(error.code, "UnreadableColumn");
            assert.deepEqual(error.arguments, { table, column, id: row });
            const start = `the column \`${table}.${column}\` of the row ${row} is not `;
            assert.match(error.message.replace(start, ""), /^(UTF-8 text|a timestamp|an integer)$/);
            checked += 1;
        }
    }
    assert.equal(checked, 62);
});

test("reads the values that Nova reads", async () => {
    const database = await openCell("hour15");
    const conductor = await open(database);
    const read = async (column, value) => {
        const update = `UPDATE instances SET ${column} = ${value} WHERE id = 1`;
        const { rows, unreadable } = await withChange(database, update, () => conductor.rowsPage("instances"));
        return unreadable.length === 1 ? unreadable[0].error.message.replace(/.* row 1 /, "") : rows[0][column];
    };
    for (const [column, value, expected] of [
        ["display_name", "''", ""],
        ["display_name", "char(65279) || 'é€😀'", "\ufeffé€😀"],
        ["display_name", "'a' || char(0) || 'b'", "a\0b"],
        ["display_name", "7.5", "7.5"],
        ["display_name", "x'61'", "is not text"],
        ["display_name", "printf('%.*c', 16777217, 'x')", "is larger than 16 MiB"],
        ["memory_mb", "zeroblob(1 << 26)", "is larger than 16 MiB"],
        ["memory_mb", "'512'", 512],
        ["memory_mb", "9007199254740993", 2n ** 53n + 1n],
        ["memory_mb", "-9223372036854775808", -(2n ** 63n)],
        ["memory_mb", "-3.75", -3],
        ["memory_mb", "1e300", "is not an integer"],
        ["memory_mb", "' +0042' || char(10)", 42],
        ["memory_mb", "'9223372036854775808'", "is not an integer"],
        ["memory_mb", "'1_000'", "is not an integer"],
        ["memory_mb", "x'31'", "is not an integer"],
        ["locked", "0", false],
        ["locked", "2", true],
        ["locked", "0.5", true],
        ["locked", "''", false],
        ["locked", "'no'", true],
        ["locked", "x''", false],
        ["launched_at", "'2026-10-01 02:03:04'", "2026-10-01T02:03:04.000000"],
        ["launched_at", "'2026-10-01T02:03:04.1234567'", "2026-10-01T02:03:04.123456"],
        ["launched_at", "'2026-10-01'", "2026-10-01T00:00:00.000000"],
        ["launched_at", "'2026-02-30'", "is not a timestamp"],
        ["launched_at", "'2026-10-01 24:00:00'", "is not a timestamp"],
        ["launched_at", "'2026-10-01 02:03:04+00:00'", "is not a timestamp"],
        ["launched_at", "''", "is not a timestamp"],
        ["launched_at", "5", "is not a timestamp"],
    ]) {
        assert.equal(await read(column, value), expected, `${column} = ${value}`);
    }
});

test("an unreadable timestamp is in every window", async () => {
    const database = await openCell("hour15");
    const conductor = await open(database);
    const query = { ...ALWAYS, begin: "2100-01-01T00:00:00", end: "2100-01-02T00:00:00" };
    database.exec("UPDATE instances SET terminated_at = '2026-10-01 00:00:00'");
    assert.deepEqual(await readWindow(conductor, query, 7), { instances: [], unreadable: [] });
    for (const column of ["launched_at", "terminated_at"]) {
        const update = `UPDATE instances SET terminated_at = NULL, ${column} = 'never' WHERE id = 2`;
        const { unreadable } = await withChange(database, update, () => readWindow(conductor, query, 7));
        assert.deepEqual(
            unreadable.map(({ error }) => error.arguments.column),
            [column],
        );
    }
});

test("the end of a window is not in it, whatever form a timestamp has", async () => {
    const database = await openTables();
    const conductor = await open(database);
    const uuids = async () => (await readWindow(conductor, { ...ALWAYS, ...OCTOBER }, 7)).instances.length;
    for (const [launched_at, terminated_at, expected] of [
        ["2026-11-01 00:00:00", null, 0],
        ["2026-11-01 00:00:00.000000", null, 0],
        ["2026-10-31 23:59:59", null, 1],
        ["2026-10-31 23:59:59.999999", null, 1],
        ["2026-09-01 00:00:00", "2026-10-01 00:00:00", 0],
        ["2026-09-01 00:00:00", "2026-10-01 00:00:00.000000", 0],
        ["2026-09-01 00:00:00", "2026-10-01 00:00:00.000001", 1],
        ["2026-09-01 00:00:00", "2026-10-01 00:00:01", 1],
    ]) {
        database.exec("DELETE FROM instances");
        insert(database, "instances", { uuid: "u", launched_at, terminated_at, deleted: 0 });
        assert.equal(await uuids(), expected, `${launched_at} ${terminated_at}`);
    }
});

test("a bad value makes one row of a table unreadable", async () => {
    const database = await openTables();
    ROWS.instance_faults.forEach((row) => insert(database, "instance_faults", row));
    ROWS.instance_actions_events.forEach((row) => insert(database, "instance_actions_events", row));
    database.exec("UPDATE instance_faults SET created_at = 'today' WHERE id = 20");
    database.exec("UPDATE instance_faults SET instance_uuid = NULL WHERE id = 30");
    database.exec("UPDATE instance_actions_events SET traceback = CAST(x'61ff' AS TEXT) WHERE id = 10");
    const conductor = await open(database);
    const { rows, unreadable } = await readTable(conductor, "instance_faults", 2);
    assert.deepEqual(
        rows.map(({ id }) => id),
        [10, 40],
    );
    const problems = unreadable.map(({ id, error }) => [id, error.code, error.message]);
    const start = "the column `instance_faults";
    assert.deepEqual(problems, [
        [20, "UnreadableColumn", `${start}.created_at\` of the row 20 is not a timestamp`],
        [30, "UnreadableColumn", `${start}.instance_uuid\` of the row 30 is null`],
    ]);
    const faults = await errorOf(conductor.instanceFaultGetByInstanceUuids({ instance_uuids: ["uuid-2"] }));
    assert.equal(faults.code, "UnreadableColumn");
    // People read tracebacks, so one that is not UTF-8 is shown as well as possible.
    const [event] = (await conductor.rowsPage("instance_actions_events", { limit: 1 })).rows;
    assert.equal(event.traceback, "a\ufffd");
});

/** Makes a table again without some columns. */
function dropColumns(database, table, dropped) {
    const names = runner(database)(`SELECT name FROM pragma_table_info('${table}')`, []).flat();
    assert.ok(dropped.every((name) => names.includes(name)));
    const kept = names.filter((name) => !dropped.includes(name)).join(", ");
    database.exec(`CREATE TABLE rebuilt AS SELECT ${kept} FROM ${table}; DROP TABLE ${table};
        ALTER TABLE rebuilt RENAME TO ${table}`);
}

test("the columns and tables that an older cell lacks read as null", async () => {
    const database = await openCell("hour15");
    const options = { blockDevices: true, shares: true };
    const { rows: today } = await readTable(await open(database, options), "instances", 1000);
    insert(database, "instance_actions_events", ROWS.instance_actions_events[0]);
    dropColumns(database, "instances", ["hidden", "compute_id"]);
    dropColumns(database, "instance_actions_events", ["host", "details"]);
    dropColumns(database, "block_device_mapping", ["tag", "volume_type"]);
    database.exec("DROP TABLE share_mapping; DROP TABLE instance_faults; DROP TABLE alembic_version");
    const conductor = await open(database, options);
    const { release, alembic_version, missing } = conductor.schema;
    assert.deepEqual([release, alembic_version], ["hibiscus", null]);
    assert.deepEqual([...missing].sort(), [
        "block_device_mapping.tag",
        "instance_actions_events.details",
        "instance_actions_events.host",
        "instance_faults",
        "instances.compute_id",
        "instances.hidden",
        "share_mapping",
    ]);
    const { rows } = await readTable(conductor, "instances", 1000);
    const expected = today.map(({ shares: _shares, ...document }) => ({ ...document, hidden: null, compute_id: null }));
    assert.deepEqual(rows, expected);
    const [event] = (await conductor.rowsPage("instance_actions_events")).rows;
    assert.deepEqual([event.host, event.details, event.result], [null, null, "Error"]);
    assert.deepEqual(await conductor.rowsPage("instance_faults"), { rows: [], unreadable: [], next: null });
    assert.equal(await conductor.count("instance_faults"), 0);
    assert.equal((await conductor.rowsPage("block_device_mapping")).rows[0].volume_type, null);

    database.exec("DROP TABLE instance_extra");
    dropColumns(database, "instances", ["locked_by"]);
    dropColumns(database, "block_device_mapping", ["boot_index"]);
    const grizzly = await open(database);
    assert.equal(grizzly.schema.release, "grizzly");
    assert.equal("flavor" in (await grizzly.rowsPage("instances")).rows[0], false);
});

test("the version of the schema is that of the cell", async () => {
    const { schema } = await open(await openCell("month"));
    assert.deepEqual(schema, { release: "hibiscus", alembic_version: "ab450ba04102", missing: [] });
});

test("another schema is an error with what is missing and what was found", async () => {
    const failure = async (database) => {
        const { code, message, arguments: values } = await errorOf(open(database));
        return { code, message, ...values };
    };
    const nothing = await failure(openEmpty());
    assert.equal(nothing.code, "UnknownSchema");
    assert.equal(
        nothing.message,
        "the database has no table `instances`: it is not a Nova cell database; it has no tables",
    );
    assert.deepEqual([nothing.missing[0], nothing.found, nothing.alembic_version], ["instances", [], null]);

    const other = openEmpty();
    other.exec(
        "CREATE TABLE volumes (id); CREATE TABLE alembic_version (version_num); CREATE VIEW instances AS SELECT 1",
    );
    other.exec("INSERT INTO alembic_version VALUES ('c92a3e68beed')");
    const { message, found, alembic_version } = await failure(other);
    assert.match(message, /it is not a Nova cell database; its tables are `alembic_version`, `volumes`$/);
    assert.deepEqual([found, alembic_version], [["alembic_version", "volumes"], "c92a3e68beed"]);

    const damaged = await openCell("hour15");
    dropColumns(damaged, "instances", ["launched_at", "hidden"]);
    dropColumns(damaged, "task_log", ["errors"]);
    const { message: column, missing, alembic_version: version } = await failure(damaged);
    assert.equal(
        column,
        "the database has no column `instances.launched_at`, which Nova has had since 2013.1 (Grizzly)",
    );
    // `hidden` was added later than `tag`, and the database has `compute_id`, which is newer.
    assert.deepEqual(missing, ["instances.launched_at", "instances.hidden", "task_log.errors"]);
    assert.equal(version, "ab450ba04102");

    const text = new TextEncoder().encode("no database, but a text of some length ".repeat(64));
    assert.equal((await failure(openFile(text))).code, "DBError");
    const unknown = await errorOf(sqlConductor(runner(other), { dialect: "oracle" }));
    assert.deepEqual([unknown.code, unknown.message], ["ValueError", "unknown dialect `oracle`: give `sqlite`"]);
});

test("the conductor only reads, and asks for no column that may contain secrets", async () => {
    const database = await openCell("hour15");
    const statements = [];
    const run = (sql, parameters) => (statements.push(sql), runner(database)(sql, parameters));
    const conductor = await sqlConductor(run, { dialect, blockDevices: true, shares: true });
    const writing = [
        "taskLogBeginTask",
        "taskLogEndTask",
        "instanceFaultCreate",
        "actionStart",
        "actionFinish",
        "actionEventStart",
        "actionEventFinish",
    ];
    for (const method of writing) {
        assert.equal((await errorOf(conductor[method](context(), {}))).code, "ReadOnly");
    }
    assert.equal((await errorOf(conductor.instanceGetNwInfo(context(), {}))).code, "NoNetworkApi");
    const nova = new library.ComputeUtils({
        release: "hibiscus",
        host: "cmp-01",
        conductor,
        notifier: { notify() {} },
    });
    const error = await errorOf(nova.runInstanceUsageAudit());
    assert.deepEqual([error.code, error.callback], ["ReadOnly", "taskLogBeginTask"]);
    nova.free();
    const reads = async () => {
        for (const table of ["instances", "block_device_mapping", ...Object.keys(ROWS)]) {
            await readTable(conductor, table, 1000);
        }
        await readWindow(conductor, ALWAYS, 1000);
        await conductor.blockDevicesByInstanceUuids({ instance_uuids: UUIDS });
        await conductor.knownHosts();
    };
    await reads();
    assert.ok(statements.length > 30);
    for (const sql of statements) {
        assert.match(sql, /^SELECT /);
        assert.doesNotMatch(sql, /user_data|key_data|connection_info|export_location|secret|encryption_/);
    }
});

test("an error of the database, and rows of another form, are errors of the call", async () => {
    const cause = Object.assign(new Error("database disk image\nis malformed"), { code: "SQLITE_CORRUPT" });
    const database = await openCell("hour15");
    let answer = (...args) => runner(database)(...args);
    const conductor = await sqlConductor((...args) => answer(...args), { dialect });
    answer = () => Promise.reject(cause);
    const error = await errorOf(conductor.rowsPage("task_log"));
    assert.deepEqual([error.code, error.message], ["DBError", "database disk image is malformed"]);
    assert.equal(error.cause, cause);
    answer = () => [{ sizes: "t1", bytes: new Uint8Array(1) }];
    const form = await errorOf(conductor.rowsPage("task_log"));
    assert.deepEqual([form.code, form.message.slice(0, 32)], ["TypeError", "`run` must return rows as arrays"]);
    for (const [call, message] of [
        [() => conductor.rowsPage("key_pairs"), /^unknown table `key_pairs`: give one of task_log, /],
        [() => conductor.count("__proto__"), /^unknown table `__proto__`: /],
        [() => conductor.rowsPage("task_log", { after: "1 OR 1" }), /^`after` is `1 OR 1`: give a whole number/],
        [
            () => conductor.taskLogGetAll({ task_name: "t", period_beginning: "x", period_ending: "x" }),
            /^`x` is not a time/,
        ],
    ]) {
        const { code, message: found } = await errorOf(call());
        assert.equal(code, "ValueError");
        assert.match(found, message);
    }
});

test("in Chromium, the documents of the cells are the same", async () => {
    await copySupport(directory);
    const root = join(directory, "sql");
    const input = await writePage(join(root, "main.js"));
    await mkdir(join(root, "public"));
    for (const cell of CELLS) {
        await writeFile(join(root, "public", `${cell}.sqlite`), await unpack(cell, "nova-cell.sqlite.xz"));
    }
    const build = { target: "es2022", rollupOptions: { input } };
    await vite.build({ root, configFile: false, logLevel: "error", resolve: { alias: SQLITE }, build });
    const server = await serve(join(root, "dist"));
    const browser = await launch();
    try {
        const { result, problems } = await visitOnce(browser, new URL("main.html", server.url).href);
        assert.deepEqual(problems, []);
        const { failed, cells } = JSON.parse(result);
        assert.equal(failed, undefined);
        for (const cell of CELLS) {
            assert.deepEqual(cells[cell], byId(await readLines(cell, "documents.ndjson.xz")), cell);
        }
    } finally {
        await browser.close();
        await server.close();
    }
});
