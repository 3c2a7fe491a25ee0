// The conductor on IndexedDB: databases of an earlier version, and checkpoints.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";

import * as vite from "vite";

import { launch, visitOnce } from "../support/chromium.js";
import { copySupport, createProject } from "../support/project.js";
import { auditCheckpoint, hibiscus } from "../support/samples.js";
import { serve, writePage } from "../support/web-server.js";

const { directory, remove } = await createProject(new URL("fixtures/", import.meta.url));
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
const { failed, upgraded, foreign } = JSON.parse(result);

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
