// The sample of the console, which the real Nova wrote and audited: `tests/oracle/sample.py`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { loadPackage } from "../support/project.js";

const { library, remove } = await loadPackage();
after(remove);

const read = (file) => readFile(new URL(`../../../www/${file}`, import.meta.url));
const packed = await read("public/sample/sample.ndjson.gz");
const expected = JSON.parse(await read("tests/expected/sample.json"));
const [header, ...lines] = gunzipSync(packed).toString().trim().split("\n").map((line) => JSON.parse(line));

const of = (kind) => lines.filter((line) => kind in line).map((line) => line[kind]);
const instances = of("instance");
const taskLogs = of("task_log");
const hosts = of("service").map(({ host }) => host);
const release = header.release;

test("the file is small, and has the lines of a cell", () => {
    assert.ok(packed.length < 200_000, `${packed.length} bytes`);
    assert.equal(header.nova_compute_utils, "cell");
    assert.deepEqual(hosts, expected.hosts);
    assert.equal(instances.length, 300);
    const uuids = new Set(instances.map(({ uuid }) => uuid));
    const actions = new Set(of("instance_actions").map(({ id }) => id));
    assert.equal(uuids.size, 300);
    assert.ok(of("instance_actions").every((action) => uuids.has(action.instance_uuid)));
    assert.ok(of("instance_actions_events").every((event) => actions.has(event.action_id)));
    assert.ok(of("instance_faults").every((fault) => uuids.has(fault.instance_uuid)));
    assert.equal(of("notification").length, expected.notifications.received);
    assert.ok(instances.every((instance) => !("user_data" in instance) && !("key_data" in instance)));
});

test("the answer for each window is Nova's", () => {
    assert.equal(expected.windows.length, 31);
    for (const window of expected.windows) {
        const answer = library.getAuditTaskLogs({
            release,
            auditPeriod: header.period,
            // Nova's window ends before this time, not at it.
            before: window.period_ending.replace("06:00:00", "07:00:00"),
            hosts,
            taskLogs,
        });
        const plain = JSON.parse(JSON.stringify(answer));
        assert.deepEqual({ ...plain, hosts_not_run: plain.hosts_not_run.sort() }, window);
    }
});

test("the windows that nobody ran, that run and that have errors are those that Nova reports", () => {
    const { from: begin, to: end, now, period: auditPeriod } = header;
    const coverage = library.getAuditCoverage({ release, auditPeriod, begin, end, now, hosts, taskLogs });
    const found = (state, also = () => []) =>
        coverage.windows.flatMap((window, column) =>
            coverage.hosts.flatMap((host, row) => {
                const index = row * coverage.windows.length + column;
                const name = coverage.state_names[coverage.states[index]];
                const at = window.begin.replace("T", " ").replace(/\.0+$/, "");
                return name === state ? [[at, host, ...also(taskLogs[coverage.rows[index]])]] : [];
            }),
        );
    assert.deepEqual(found("not_run"), expected.not_run);
    assert.deepEqual(found("running"), expected.running);
    assert.deepEqual(found("errors", ({ errors }) => [errors]), expected.errors);
});

test("Nova emitted the payloads that the servers give, but where a server or the bus changed them since", () => {
    const key = (window, uuid) => `${window} ${uuid}`;
    const { changed_since, not_expected, changed, unexpected, lost } = expected.notifications;
    const others = new Set(
        [...changed_since, ...not_expected, ...changed, ...unexpected].map((entry) => key(entry.window, entry.instance_uuid)),
    );
    const byUuid = new Map(instances.map((instance) => [instance.uuid, instance]));
    let equal = 0;
    for (const { event_type, payload } of of("notification")) {
        const at = key(payload.audit_period_beginning, payload.instance_id);
        if (event_type !== "compute.instance.exists" || others.has(at)) {
            continue;
        }
        const window = { begin: payload.audit_period_beginning, end: payload.audit_period_ending };
        const instance = byUuid.get(payload.instance_id);
        const built = library.existsPayload({ release, instance, window, glanceEndpoint: header.glance_endpoint });
        assert.deepEqual(JSON.parse(JSON.stringify(built)), payload);
        equal += 1;
    }
    assert.ok(equal > 500, `${equal} payloads`);
    const received = new Set(of("notification").map(({ message_id }) => message_id));
    assert.ok(lost.every(({ message_id }) => !received.has(message_id)));
    assert.ok([...changed, ...unexpected].every(({ message_id }) => received.has(message_id)));
    assert.ok(changed.every(({ fields }) => Object.keys(fields).length > 0));
});

test("every server has payloads and a next device name, but the one with an imported disk", () => {
    const window = { begin: header.from, end: header.to };
    const refused = [];
    for (const instance of instances) {
        library.existsPayload({ release, instance, window });
        library.instanceExistsPayload({ instance, window, bdmsInNotifications: true });
        try {
            const name = library.getDeviceNameForInstance({ release, instance, bdms: instance.block_devices });
            assert.equal(name.slice(0, -1), instance.root_device_name.slice(0, -1));
        } catch (error) {
            refused.push([instance.root_device_name, error.code]);
        }
    }
    assert.deepEqual(refused, [["/dev/mapper/vg0-root", "InvalidDevicePath"]]);
});
