// An audit of 10,000 instances in a worker: the page shows its progress and stays responsive.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";

import * as vite from "vite";

import { launchWithProfile, visit } from "../support/chromium.js";
import { copySupport, createProject } from "../support/project.js";
import { MAY } from "../support/samples.js";
import { serve, writePage } from "../support/web-server.js";

const COUNT = 10_000;
const PAGE = 500;

const { directory, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);
await copySupport(directory);

test(`${COUNT} instances in IndexedDB, audited in a worker`, async (test) => {
    const root = join(directory, "responsive");
    const input = await writePage(join(root, "main.js"));
    const build = { rollupOptions: { input } };
    await vite.build({ root, configFile: false, logLevel: "error", worker: { format: "es" }, build });
    const server = await serve(join(root, "dist"));
    const browser = await launchWithProfile();
    let visited;
    try {
        visited = await visit(browser.context, new URL("main.html", server.url).href, 90_000);
    } finally {
        await browser.close();
        await server.close();
    }
    assert.deepEqual(visited.problems, []);
    const { failed, audit, row, again, progress, ...page } = JSON.parse(visited.result);
    assert.equal(failed, undefined);
    test.diagnostic(JSON.stringify({ duration: audit.duration, ...page }));

    assert.equal(audit.sent, COUNT);
    const { message, ...report } = audit.report;
    const expected = { host: "cmp-01", window: MAY, instances: COUNT, notifications: COUNT, failures: 0 };
    assert.deepEqual(report, expected);
    assert.deepEqual([row.state, row.errors, row.task_items, row.message], ["DONE", 0, COUNT, message]);
    assert.equal(again, null);
    assert.deepEqual(
        progress,
        Array.from({ length: COUNT / PAGE + 1 }, (_, n) => n * PAGE),
    );

    // The observer reports tasks of more than 50 ms.
    assert.deepEqual(page.longTasks, [], "a task blocks the page");
    assert.ok(page.ticks > 0, "the timers of the page do not run during the audit");
    assert.equal(page.control.length, 1, "the observer does not report a long task");
    assert.ok(page.control[0] >= 100, `the long task took ${page.control[0]} ms`);
});
