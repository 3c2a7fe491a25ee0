// Text of a source stays text, wherever it is shown.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { drop, imported, openConsole } from "./support/console.js";
import { server } from "./support/servers.js";

const console_ = await openConsole();
after(() => console_.close());

/** Text that would run, break out of an attribute, or turn the direction of what follows. */
const CORPUS = [
    "<img src=x onerror=pwned()>",
    "<script>pwned()</script>",
    '"><svg onload=pwned()>',
    "' autofocus onfocus='pwned()",
    "javascript:pwned()",
    "{@html '<b>pwned</b>'}",
    "${pwned()}",
    "</title><script>pwned()</script>",
    "<iframe srcdoc='<script>parent.pwned()</script>'>",
    "\u202Etxt.exe\u202C",
    "\0\u0007\uD800",
    "=cmd|' /C calc'!A0",
];

const mark = () => {
    globalThis.pwned = () => document.documentElement.setAttribute("data-pwned", "");
};

test("names, projects, hosts, flavors, metadata, faults and file names are shown as text", () =>
    console_.page("/data", async (page) => {
        await page.evaluate(mark);
        const hostile = (text, number) => ({
            instance: server(number, {
                display_name: text,
                hostname: text,
                display_description: text,
                host: text,
                project_id: text,
                user_id: text,
                vm_state: text,
                availability_zone: text,
                key_name: text,
                image_ref: text,
                root_device_name: text,
                metadata: { [text]: text },
                system_metadata: { [`image_${text}`]: text },
                flavor: { ...server(0).flavor, name: text, extra_specs: { [text]: text } },
                info_cache: { network_info: JSON.stringify([{ id: text, address: text, type: text, network: { id: text, label: text, bridge: text, subnets: [], meta: {} } }]) },
                block_devices: [{ id: number, device_name: text, source_type: text, destination_type: text, volume_id: text, tag: text }],
            }),
        });
        const row = (id, values) => ({ id, created_at: "2026-10-02T06:00:01.000000", updated_at: null, deleted_at: null, deleted: 0, ...values });
        const lines = [
            { nova_compute_utils: "cell", version: 1, cell: CORPUS[0], release: "hibiscus", period: "day", from: "2026-10-01T00:00:00.000000", to: "2026-10-04T00:00:00.000000", now: "2026-10-05T00:00:00.000000" },
            ...CORPUS.map(hostile),
            ...CORPUS.map((text, number) => ({ instance_faults: row(number + 1, { instance_uuid: server(0).uuid, code: 500, message: text, details: text, host: text }) })),
            ...CORPUS.map((text, number) => ({ instance_actions: row(number + 1, { action: text, instance_uuid: server(0).uuid, request_id: text, user_id: text, project_id: text, start_time: "2026-10-02T06:00:01.000000", finish_time: null, message: text }) })),
            ...CORPUS.map((text, number) => ({ instance_actions_events: row(number + 1, { event: text, action_id: number + 1, start_time: "2026-10-02T06:00:01.000000", finish_time: "2026-10-02T06:00:02.000000", result: text, traceback: text, host: text, details: text }) })),
            ...CORPUS.map((text, number) => ({ task_log: row(number + 1, { task_name: "instance_usage_audit", state: "DONE", host: text, period_beginning: "2026-10-01T00:00:00.000000", period_ending: "2026-10-02T00:00:00.000000", message: text, task_items: 1, errors: 1 }) })),
            CORPUS[1],
        ];
        const data = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
        const name = "<img src=x onerror=pwned()>.ndjson";
        await drop(page, { name, data });
        await imported(page, name, CORPUS.length);
        await page.getByText("All else was kept.").waitFor();
        const cell = encodeURIComponent(name);
        const uuid = server(0).uuid;
        const tabs = ["overview", "network", "devices", "payload", "actions"].map((tab) => `/servers/${uuid}/${tab}`);
        for (const view of ["/servers", "/windows", "/devices", ...tabs]) {
            await page.evaluate((hash) => (location.hash = hash), `${view}?cell=${cell}&device=${encodeURIComponent(CORPUS[0])}`);
            await page.locator("main h1").first().waitFor();
            await page.waitForLoadState("networkidle");
            const made = await page.locator("main :is(img, script, iframe, svg[onload], [onerror], [onfocus])").count();
            assert.equal(made, 0, view);
        }
        await page.keyboard.press("Control+k");
        await page.getByRole("combobox", { name: "Search" }).fill("onerror");
        await page.locator("[data-command-item]").first().waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.hasAttribute("data-pwned")), false);
    }));
