// The conductor on IndexedDB: databases of an earlier version, checkpoints, and imported rows as in memory.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import * as vite from "vite";

import { launch, visitOnce } from "../support/chromium.js";
import { copySupport, createProject } from "../support/project.js";
import { auditCheckpoint, hibiscus, MAY, NOW, runningTask } from "../support/samples.js";
import { serve, writePage } from "../support/web-server.js";

const { directory, load, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);
await copySupport(directory);

const root = join(directory, "database");
const input = await writePage(join(root, "main.js"));
await vite.build({ root, configFile: false, logLevel: "error", build: { target: "es2022", rollupOptions: { input } } });

const server = await serve(join(root, "dist"));
const browser = await launch();
after(async () => {
    await browser.close();
    await server.close();
});

const { result, problems } = await visitOnce(browser, new URL("main.html", server.url).href);
const { failed, upgraded, foreign, rows } = JSON.parse(result);

const memory = await load("hosts/memory/index.js");
const { importAndPage } = await import(pathToFileURL(join(directory, "database/rows.js")).href);
const inMemory = await importAndPage(async () => memory.memoryConductor({ now: () => NOW }));

test("the page has no problems", () => {
    assert.equal(failed, undefined);
    assert.deepEqual(problems, []);
});

test("a database of version 1 is upgraded and keeps its rows", () => {
    const { rows, instances } = upgraded.before;
    assert.deepEqual(instances, [hibiscus()]);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0].id, rows[0].state, rows[0].host], [1, "RUNNING", "cmp-01"]);
});

test("a checkpoint replaces the previous one of its audit and outlives the connection", () => {
    const { missing, other, put, stored, checkpoints } = upgraded;
    assert.deepEqual([missing, other, put, checkpoints], [null, null, [true, true], 1]);
    assert.deepEqual(stored, auditCheckpoint({ instances: 1 }));
});

test("a stopped audit is resumed in the upgraded database", () => {
    const { stopped, instances, states } = upgraded;
    assert.deepEqual([stopped, instances, states], ["stop", 1, ["RUNNING", "DONE"]]);
});

test("a database of another program stays unchanged", () => {
    const message = "the database `foreign` belongs to another program: it has no store `task_log`";
    assert.deepEqual(foreign, { error: { code: "DBError", message }, version: 1, stores: ["settings"], theme: "dark" });
});

const APRIL = "2025-04-01T00:00:00.000000";
const created_at = "2025-05-01T00:00:00.000000";
const column = (rows, name) => rows.map((row) => row[name]);

for (const [store, results] of Object.entries({ memory: inMemory, IndexedDB: rows })) {
    test(`${store}: imported rows keep their ids and times`, () => {
        const { empty, imported, pages, counts } = results;
        assert.deepEqual(empty, { rows: [], next: null });
        const common = { created_at, updated_at: null, deleted_at: null, deleted: 0, ...runningTask() };
        const expected = [
            { id: 3, ...common, host: "cmp-03" },
            { id: 4, ...common, host: "cmp-04", deleted: 4, deleted_at: created_at },
            { id: 5, ...common, host: "cmp-05" },
            { id: 7, ...common, host: "cmp-07", state: "DONE" },
        ];
        assert.deepEqual(imported, expected);
        assert.deepEqual(pages, [expected.slice(0, 3), expected.slice(3)]);
        assert.deepEqual(counts, [4, 0]);
        assert.deepEqual([expected[0].period_beginning, expected[0].period_ending], [MAY.begin, MAY.end]);
    });

    test(`${store}: an imported row replaces the one with its id, and later ids are larger`, () => {
        const { hosts, gets, later, moved, begun, ended } = results;
        assert.deepEqual(hosts, ["3 cmp-03", "5 cmp-55", "7 cmp-07", "9 cmp-05"]);
        assert.deepEqual(gets, ["0", String(2n ** 60n), null]);
        assert.deepEqual(later, [3, 4, 5, 7, 9, 10]);
        assert.deepEqual(moved, [[1, 4], [2]]);
        // The row of `cmp-04` is soft-deleted: its key is taken, but no query finds it.
        assert.equal(begun.code, "TaskAlreadyRunning");
        assert.equal(ended.code, "TaskNotRunning");
    });

    test(`${store}: a batch with a bad row stores nothing`, () => {
        const { rejected, conflicts } = results;
        const start = "the column `task_log.";
        assert.deepEqual(column(rejected, "message"), [
            `${start}host\` of the row 21 is null`,
            `${start}updated_at\` of the row 21 is not a timestamp`,
            `${start}errors\` of the row 21 is not an integer of 64 bits`,
            `${start}message\` of the row 21 is not text`,
            `${start}id\` of a row is not an integer from 1 to 2^53 - 1`,
            `${start}id\` of a row is null`,
            `${start}id\` of a row is not an integer from 1 to 2^53 - 1`,
            "a row of `task_log` is not an object",
            "unknown table `instances`: give one of task_log, instance_actions, instance_actions_events, " +
                "instance_faults, bw_usage_cache, volume_usage_cache",
        ]);
        assert.deepEqual(new Set(column(rejected, "code")), new Set(["ValueError"]));
        assert.deepEqual(new Set(column(rejected, "isUnchanged")), new Set([true]));
        assert.deepEqual(rejected[1].values, { table: "task_log", column: "updated_at", id: 21 });
        const conflict = { code: "DBError", isUnchanged: true };
        assert.deepEqual(conflicts, [conflict, conflict]);
    });

    test(`${store}: actions, events and faults are newest first, without soft-deleted ones`, () => {
        const { actions, firstAction, events, faults } = results;
        assert.deepEqual(actions, ["2 create", "1 stop", "4 start"]);
        const { request_id, finish_time, deleted } = firstAction;
        assert.deepEqual([firstAction.created_at, request_id, finish_time, deleted], [APRIL, null, null, 0]);
        assert.deepEqual(events, [2, 1]);
        assert.deepEqual(faults, [
            [8, null],
            [6, null],
        ]);
    });

    test(`${store}: instances have pages, and are found by key`, () => {
        const { instances, byKey, invalid, limits, many } = results;
        assert.deepEqual(instances, [["4", "1", "2"], ["3"]]);
        assert.deepEqual(byKey, ["2", null, "4"]);
        assert.deepEqual(column(invalid, "code"), ["MarkerNotFound", "ValueError", "ValueError", "ValueError"]);
        assert.deepEqual(limits, [1, 1, 1, 2, 6, 6]);
        assert.deepEqual(many, [1000, 1]);
    });
}

test("the tables in memory and in IndexedDB agree", () => {
    assert.deepEqual(rows, inMemory);
});
