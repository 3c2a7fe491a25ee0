// An audit of 10,000 instances in a worker, and the page beside it: it shows the progress, and nothing holds it up.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as vite from "vite";

import { launchProfile, watch } from "../support/chromium.js";
import { scratch } from "../support/scratch.js";
import { serve } from "../support/serve.js";
import { MAY } from "../support/samples.js";

const COUNT = 10_000;
const PAGE = 500;

const { directory, remove } = await scratch(new URL("fixtures/", import.meta.url));
after(remove);

test(`${COUNT} instances in IndexedDB, audited in a worker`, async (context) => {
    await cp(fileURLToPath(new URL("../support/samples.js", import.meta.url)), join(directory, "support/samples.js"));
    const root = join(directory, "responsive");
    await vite.build({ root, configFile: false, logLevel: "error", worker: { format: "es" } });
    const server = await serve(join(root, "dist"));
    const profile = await mkdtemp(join(tmpdir(), "nova-compute-utils-profile-"));
    const browser = await launchProfile(profile);
    let seen;
    let complaints;
    try {
        complaints = await watch(browser);
        const page = await browser.newPage();
        await page.goto(server.url);
        seen = JSON.parse((await page.locator("output:not(:empty)").textContent({ timeout: 90_000 })) ?? "");
    } finally {
        await browser.close();
        await server.close();
        await rm(profile, { recursive: true, force: true });
    }
    assert.deepEqual(complaints, []);
    assert.equal(seen.failed, undefined);
    const { took, tasks, longestPause, beats, control } = seen;
    context.diagnostic(JSON.stringify({ took, tasks, longestPause, beats, control }));

    assert.equal(seen.told, COUNT);
    const { host, window, instances, notifications, failures, message } = seen.report;
    assert.deepEqual(
        { host, window, instances, notifications, failures },
        {
            host: "cmp-01",
            window: MAY,
            instances: COUNT,
            notifications: COUNT,
            failures: 0,
        },
    );
    assert.deepEqual(
        [seen.row.state, seen.row.errors, seen.row.task_items, seen.row.message],
        ["DONE", 0, COUNT, message],
    );
    assert.equal(seen.again, null);
    assert.deepEqual(
        seen.shown,
        Array.from({ length: COUNT / PAGE + 1 }, (_, at) => at * PAGE),
    );

    // Tasks of at most 50 ms are none to the observer.
    assert.deepEqual(tasks, [], "the page was held up");
    assert.ok(beats > 0, "the page did not live while the audit ran");
    assert.equal(control.length, 1, "the observer does not see a task that takes long");
    assert.ok(control[0] >= 100, `the task took ${control[0]} ms`);
});
