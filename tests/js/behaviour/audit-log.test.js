// The audit log: how rows of the task log get into the library, and the shape of what comes out. The vectors cover the
// answers.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { context, runningTask } from "../support/samples.js";

const { library, memory, assertNovaError, remove } = await loadPackage();
after(remove);

const release = "hibiscus";
const DAY = 86_400_000;
const BEGIN = Date.parse("2026-10-01T06:00:00Z");

/** Returns the window of a day, counted from 0. */
const day = (number) => ({
    period_beginning: new Date(BEGIN + number * DAY),
    period_ending: new Date(BEGIN + (number + 1) * DAY),
});

const row = (host, number, values = {}) => ({
    ...runningTask(),
    host,
    ...day(number),
    state: "DONE",
    message: `audited ${host}`,
    task_items: 3,
    ...values,
});

/** Returns the coverage of the windows from day 0 on, 90 minutes after the end of the last of them. */
const coverage = (days, hosts, taskLogs, options = {}) =>
    library.getAuditCoverage({
        release,
        auditPeriod: "day@6",
        begin: new Date(BEGIN),
        now: new Date(BEGIN + days * DAY + 5_400_000),
        hosts,
        taskLogs,
        ...options,
    });

/** Returns the names of the states, one list per host. */
const names = ({ hosts, windows, states, state_names }) =>
    hosts.map((_, host) =>
        windows.map((_, window) => state_names[states[host * windows.length + window]]),
    );

test("a coverage has a state and a row for each host and window", () => {
    const taskLogs = [
        row("b", 0),
        row("a", 0, { errors: 2 }),
        row("a", 1, { state: "RUNNING" }),
        row("gone", 1, { state: "ERROR" }),
        row("b", 0, { period_ending: new Date(BEGIN + DAY + 1) }),
        row("b", 1, { task_name: "another_task" }),
    ];
    const result = coverage(2, ["b", "a", "b"], taskLogs);
    assert.deepEqual(result.hosts, ["a", "b", "gone"]);
    assert.equal(result.num_hosts, 2);
    assert.deepEqual(names(result), [
        ["errors", "running", "not_due"],
        ["done", "not_run", "not_due"],
        ["no_service", "other", "no_service"],
    ]);
    assert.ok(result.states instanceof Uint8Array && result.rows instanceof Int32Array);
    assert.deepEqual([...result.rows], [1, 2, -1, 0, -1, -1, -1, 3, -1]);
    assert.deepEqual(
        Object.fromEntries(result.state_names.map((name, index) => [name, result.state_counts[index]])),
        { done: 1, errors: 1, running: 1, other: 1, not_run: 1, not_due: 2, no_service: 2 },
    );
    assert.deepEqual([result.num_due, result.num_hosts_not_run, result.num_other_rows], [4, 1, 1]);
    assert.deepEqual(result.windows[0], {
        begin: "2026-10-01T06:00:00.000000",
        end: "2026-10-02T06:00:00.000000",
        is_due: true,
        num_hosts_done: 2,
        num_hosts_running: 0,
        num_hosts_not_run: 0,
        total_instances: 6,
        total_errors: 2,
        overall_status: "ALL hosts done. 2 errors.",
    });
    assert.deepEqual(
        result.windows.map(({ overall_status, is_due }) => [overall_status, is_due]).slice(1),
        [
            ["0 of 2 hosts done. 0 errors.", true],
            ["0 of 2 hosts done. 0 errors.", false],
        ],
    );
});

test("a coverage of ranges that touch is the coverage of the whole range", () => {
    const taskLogs = [0, 1, 3].map((number) => row("a", number));
    const middle = new Date(BEGIN + 2.5 * DAY);
    const whole = coverage(4, ["a"], taskLogs);
    const parts = [coverage(4, ["a"], taskLogs, { end: middle }), coverage(4, ["a"], taskLogs, { begin: middle })];
    assert.deepEqual(parts.flatMap(names).flat(), names(whole)[0]);
    assert.deepEqual(parts.flatMap(({ windows }) => windows), whole.windows);
    assert.deepEqual(coverage(4, ["a"], taskLogs, { end: new Date(BEGIN) }).windows, []);
});

test("the audit log of a window is the answer of Nova's API", () => {
    const hosts = ["__proto__", "7", "a"];
    const taskLogs = [row("__proto__", 0), row("7", 0, { errors: 1, state: "RUNNING" }), row("a", 1)];
    const options = { release, auditPeriod: "day@6", before: new Date(BEGIN + DAY + 1), hosts, taskLogs };
    const answer = library.getAuditTaskLogs(options);
    const log = (host, values) => [host, { state: "DONE", instances: 3, errors: 0, message: `audited ${host}`, ...values }];
    assert.deepEqual(Object.entries(answer.log).sort(), [log("7", { errors: 1, state: "RUNNING" }), log("__proto__")]);
    assert.deepEqual({ ...answer, log: null }, {
        period_beginning: "2026-10-01 06:00:00",
        period_ending: "2026-10-02 06:00:00",
        num_hosts: 3,
        num_hosts_done: 1,
        num_hosts_running: 1,
        num_hosts_not_run: 1,
        hosts_not_run: ["a"],
        total_instances: 6,
        total_errors: 1,
        overall_status: "1 of 3 hosts done. 1 errors.",
        log: null,
    });
});

test("the rows of a conductor can be passed as they are", async () => {
    const conductor = memory.memoryConductor({ release, now: () => "2026-10-02T06:00:01.000000" });
    const window = { period_beginning: "2026-10-01T06:00:00.000000", period_ending: "2026-10-02T06:00:00.000000" };
    const key = { task_name: "instance_usage_audit", host: "a", ...window };
    await conductor.taskLogBeginTask(context(), { ...key, task_items: 3, message: "started" });
    await conductor.taskLogEndTask(context(), { ...key, errors: 1, message: "done" });
    const taskLogs = await conductor.rows("task_log");
    assert.deepEqual(names(coverage(1, ["a", "b"], taskLogs)), [
        ["errors", "not_due"],
        ["not_run", "not_due"],
    ]);
});

test("a row that cannot be read is an error that names the row and the column", async () => {
    const bad = [
        [null, "TypeError", "`taskLogs[1].task_name` is missing: give a string"],
        [row(7, 0), "TypeError", "`taskLogs[1].host` is a number: give a string"],
        [row("a", 0, { state: null }), "TypeError", "`taskLogs[1].state` is null: give a string"],
        [row("a", 0, { errors: 1.5 }), "TypeError", /^`taskLogs\[1\]\.errors` is a number: give a whole number/],
        [row("a", 0, { period_ending: new Date(Number.NaN) }), "ValueError", "`taskLogs[1].period_ending` is an invalid date"],
        [row("a", 0, { period_beginning: 5 }), "TypeError", "`taskLogs[1].period_beginning` is a number: give a `Date` or a string"],
    ];
    const call = { release, auditPeriod: "day@6", begin: new Date(BEGIN), now: new Date(BEGIN), hosts: [] };
    for (const [value, code, message] of bad) {
        const taskLogs = [row("a", 0), value, row("a", 1)];
        for (const read of [
            () => library.getAuditCoverage({ ...call, taskLogs }),
            () => library.getAuditTaskLogs({ release, hosts: [], taskLogs }),
        ]) {
            assertNovaError(await errorOf(read), { code, message }, String(message));
        }
    }
    const messages = { release, hosts: [], taskLogs: [row("a", 0, { message: 5 })] };
    assertNovaError(await errorOf(() => library.getAuditTaskLogs(messages)), {
        code: "TypeError",
        message: "`taskLogs[0].message` is a number: give a string",
    });
});

test("an error that a row throws is the caller's", async () => {
    const thrown = new Error("the table is gone");
    const throwing = Object.defineProperty(row("a", 0), "state", {
        get() {
            throw thrown;
        },
    });
    const error = await errorOf(() => coverage(1, [], [throwing]));
    assertNovaError(error, { code: "Error", message: "the table is gone", cause: thrown });
});

test("a range with too many audits is refused", async () => {
    const hosts = Array.from({ length: 5000 }, (_, index) => `cmp-${index}`);
    const error = await errorOf(() => coverage(1, hosts, [], { auditPeriod: "hour", begin: "2026-01-01" }));
    assertNovaError(error, { code: "ValueError", message: /^the range has \d+ audits, more than 10000000: narrow it$/ });
});
