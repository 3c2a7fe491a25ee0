// The usage audit: its progress, how a caller stops it, the task log row that it leaves, and how a later run resumes
// it.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { conductor, hibiscus, hostOptions, MAY, NOW, runningTask, uuidOf } from "../support/samples.js";

const { library, memory, assertNovaError, remove } = await loadPackage();
const { ComputeUtils } = library;
after(remove);

/** Three pages of instances. */
const COUNT = 1200;
const never = () => new Promise(() => undefined);

/** How many milliseconds a prompt end may take on a busy machine. */
const PROMPT = 4_000;

/** How many milliseconds an audit waits until the conductor finishes its row, after the signal is aborted. */
const CLOSE_TIMEOUT = 5_000;

/**
 * Creates a conductor in memory with instances, and a `ComputeUtils` that uses it. A function in `overrides` gets the
 * method that it overrides as its first argument; if the function returns `undefined`, the method is called.
 */
async function createCell({
    count = COUNT,
    overrides = {},
    notifier = memory.collectingNotifier(),
    keepsCheckpoints = true,
} = {}) {
    const tables = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
    await tables.addInstances(Array.from({ length: count }, (_, n) => hibiscus({ uuid: uuidOf(n) })));
    const called = [];
    const get = (_, name) => {
        if (!keepsCheckpoints && /^auditCheckpoint/.test(name)) {
            return undefined;
        }
        const original = (...args) => tables[name](...args);
        return (...args) => {
            called.push(name);
            return overrides[name]?.(original, ...args) ?? original(...args);
        };
    };
    const cell = new Proxy(tables, { get });
    const withOptions = (options) => new ComputeUtils(hostOptions({ conductor: cell, notifier, ...options }));
    const taskLogRow = async () => (await tables.rows("task_log"))[0];
    const checkpoint = async () => (await tables.rows("audit_checkpoints"))[0]?.checkpoint;
    return { nova: withOptions({}), withOptions, notifier, called, taskLogRow, checkpoint };
}

/** Returns the error of an audit; fails if the audit takes longer than some milliseconds. */
async function errorWithin(audit, milliseconds = PROMPT) {
    let timer;
    const timeout = new Promise((_, reject) => {
        const error = new assert.AssertionError({ message: `still running after ${milliseconds} ms` });
        timer = setTimeout(reject, milliseconds, error);
    });
    try {
        return await errorOf(Promise.race([audit, timeout]));
    } finally {
        clearTimeout(timer);
    }
}

/** Asserts that the task log row is finished, with this number of errors and this message. */
async function assertClosed(taskLogRow, errors, message) {
    const row = await taskLogRow();
    assert.deepEqual([row.state, row.errors], ["DONE", errors]);
    assert.match(row.message, message);
}

test("an audit reports progress when the row is inserted and after each page", async () => {
    const { nova, notifier, taskLogRow } = await createCell();
    const reported = [];
    const report = await nova.runInstanceUsageAudit({ onProgress: (progress) => reported.push(progress) });
    const at = (instances) => ({ instances, num_instances: COUNT, notifications: instances, failures: 0 });
    assert.deepEqual(reported, [at(0), at(500), at(1000), at(COUNT)]);
    assert.equal(notifier.notifications.length, COUNT);
    const { host, window, instances, notifications, failures, message } = report;
    assert.deepEqual([host, window, instances, notifications, failures], ["cmp-01", MAY, COUNT, COUNT, []]);
    const row = await taskLogRow();
    assert.deepEqual([row.state, row.message, row.errors, row.task_items], ["DONE", message, 0, COUNT]);
    // The window is audited once.
    assert.equal(await nova.runInstanceUsageAudit({ onProgress: () => assert.fail("it reports progress") }), null);
    assert.equal(notifier.notifications.length, COUNT);
});

test("an aborted signal prevents an audit", async () => {
    for (const reason of [undefined, new Error("shutting down"), "text"]) {
        const { nova, called, notifier } = await createCell({ count: 1 });
        const signal = AbortSignal.abort(reason);
        const error = await errorWithin(nova.runInstanceUsageAudit({ signal }));
        assertNovaError(error, { code: reason === undefined ? "AbortError" : "Error", cause: signal.reason });
        assert.deepEqual([called, notifier.notifications], [[], []]);
        // A later audit runs.
        assert.equal((await nova.runInstanceUsageAudit()).instances, 1);
    }
});

/** Asserts that an audit is not finished, and that a later run can resume it after this number of instances. */
async function assertResumable({ taskLogRow, checkpoint }, expected) {
    const row = await taskLogRow();
    assert.deepEqual([row.state, row.errors, row.message], ["RUNNING", 0, "Instance usage audit started..."]);
    const { num_instances, instances, notifications, complete } = await checkpoint();
    assert.deepEqual([num_instances, instances, notifications, complete], [COUNT, expected, expected, false]);
}

/** Returns the ids of notifications, after asserting that each one belongs to another instance. */
function idsOf(notifications) {
    const instances = new Map(notifications.map(({ message_id, payload }) => [message_id, payload.instance_id]));
    assert.equal(new Set(instances.values()).size, instances.size);
    return [...instances.keys()];
}

/** Runs an audit that stops after its first page. */
async function stopAfterFirstPage(nova, options = {}) {
    const { signal, abort } = controller();
    const reason = new Error("the operator has stopped it");
    const onProgress = ({ instances }) => instances === 500 && abort(reason);
    const error = await errorWithin(nova.runInstanceUsageAudit({ signal, onProgress, ...options }));
    assert.equal(error.cause, reason);
}

for (const messageIds of ["random", "deterministic"]) {
    test(`a signal stops an audit between two pages, and a later run resumes it: ${messageIds} ids`, async () => {
        const cell = await createCell();
        const { nova, notifier, taskLogRow } = cell;
        await stopAfterFirstPage(nova, { messageIds });
        assert.equal(notifier.notifications.length, 500);
        await assertResumable(cell, 500);
        // Without the option the audit counts as run.
        assert.equal(await nova.runInstanceUsageAudit({ messageIds }), null);
        const reported = [];
        const onProgress = ({ instances }) => reported.push(instances);
        const report = await nova.runInstanceUsageAudit({ resume: true, messageIds, onProgress });
        assert.deepEqual(reported, [500, 1000, COUNT]);
        assert.deepEqual([report.instances, report.notifications, report.failures], [COUNT, COUNT, []]);
        assert.equal(notifier.notifications.length, COUNT);
        assert.equal(idsOf(notifier.notifications).length, COUNT);
        const row = await taskLogRow();
        assert.deepEqual([row.state, row.errors, row.message], ["DONE", 0, report.message]);
        assert.equal(await nova.runInstanceUsageAudit({ resume: true, messageIds }), null);
    });
}

test("a page that is sent again has the same deterministic ids", async () => {
    const collected = memory.collectingNotifier();
    const lost = new Error("the answer is lost");
    let calls = 0;
    const notify = (context, batch) => {
        collected.notify(context, batch);
        calls += 1;
        if (calls === 2) {
            throw lost;
        }
    };
    const cell = await createCell({ notifier: { notify } });
    const error = await errorWithin(cell.nova.runInstanceUsageAudit({ messageIds: "deterministic" }));
    assert.equal(error.cause, lost);
    await assertResumable(cell, 500);
    await cell.nova.runInstanceUsageAudit({ resume: true, messageIds: "deterministic" });
    assert.equal(collected.notifications.length, COUNT + 500);
    const ids = idsOf(collected.notifications);
    assert.equal(ids.length, COUNT);
    const [{ event_type, payload }] = collected.notifications;
    const identified = { release: "hibiscus", eventType: event_type, host: "cmp-01", window: MAY };
    assert.equal(library.deterministicMessageId({ ...identified, instanceUuid: payload.instance_id }), ids[0]);
});

test("deterministicMessageId returns the version 5 UUID of its namespace and name", () => {
    const id = library.deterministicMessageId({
        release: "hibiscus",
        eventType: "compute.instance.exists",
        host: "cmp-01",
        window: { begin: "2026-10-01", end: new Date("2026-11-01T00:00:00Z") },
        instanceUuid: "48b988aa-afe1-4664-8307-784d3a2daad0",
    });
    assert.equal(id, "9f25185a-c9f4-54dd-9964-76f073295e68");
});

test("a resumed audit starts the notifier at its position", async () => {
    const lines = [];
    const positions = [];
    const notifier = {
        notify: (_, batch) => void lines.push(...batch.map(({ message_id }) => message_id)),
        position: () => String(lines.length),
        resumeAt(_, position) {
            positions.push(position);
            lines.length = Number(position);
        },
    };
    const cell = await createCell({ notifier });
    await stopAfterFirstPage(cell.nova);
    assert.equal((await cell.checkpoint()).notifier_position, "500");
    // The interrupted run can have sent more than its checkpoint says.
    lines.push("a", "b");
    await cell.nova.runInstanceUsageAudit({ resume: true });
    assert.deepEqual(positions, ["500"]);
    assert.deepEqual([lines.length, new Set(lines).size], [COUNT, COUNT]);
});

test("an audit whose last page is sent is resumed by finishing its row", async () => {
    const locked = new Error("the database is locked");
    let isLocked = true;
    const taskLogEndTask = () => (isLocked ? Promise.reject(locked) : undefined);
    const cell = await createCell({ count: 2, overrides: { taskLogEndTask } });
    const error = await errorWithin(cell.nova.runInstanceUsageAudit());
    assertNovaError(error, { callback: "taskLogEndTask", cause: locked });
    assert.equal((await cell.checkpoint()).complete, true);
    isLocked = false;
    const report = await cell.nova.runInstanceUsageAudit({ resume: true });
    assert.deepEqual([report.instances, cell.notifier.notifications.length], [2, 2]);
    assert.equal((await cell.taskLogRow()).state, "DONE");
});

test("failures of the interrupted run are part of the report", async () => {
    const refusal = Object.assign(new Error("too large"), { code: "MessageTooLarge" });
    const notify = (_, batch) => batch.map(({ payload }) => (payload.instance_id === uuidOf(7) ? refusal : null));
    const cell = await createCell({ notifier: { notify } });
    await stopAfterFirstPage(cell.nova);
    const cause = { code: "MessageTooLarge", message: "too large", arguments: {} };
    const failed = { instance_uuid: uuidOf(7), instance_id: hibiscus().id, sent: [], error: cause };
    assert.deepEqual((await cell.checkpoint()).failures, [failed]);
    const { failures } = await cell.nova.runInstanceUsageAudit({ resume: true });
    assert.equal(failures.length, 1);
    const restored = failures[0].error.cause;
    assertNovaError(failures[0].error, { code: "MessageTooLarge", message: "too large", cause: restored });
    assert.deepEqual(restored, cause);
    assert.equal((await cell.taskLogRow()).errors, 1);
});

test("a retry sends the notifications of exactly the instances that failed", async () => {
    let isRefused = true;
    const sent = [];
    const notify = (_, batch) =>
        batch.map(({ payload }) => {
            if (isRefused && [uuidOf(7), uuidOf(900)].includes(payload.instance_id)) {
                return new Error("too large");
            }
            sent.push(payload.instance_id);
            return null;
        });
    const cell = await createCell({ notifier: { notify } });
    const first = await cell.nova.runInstanceUsageAudit();
    assert.deepEqual([first.failures.length, sent.length], [2, 1198]);
    assert.equal(await cell.nova.runInstanceUsageAudit({ resume: true }), null);
    isRefused = false;
    const report = await cell.nova.runInstanceUsageAudit({ retryFailed: true });
    assert.deepEqual([report.instances, report.notifications, report.failures], [1200, 1200, []]);
    assert.deepEqual(sent.slice(1198).sort(), [uuidOf(7), uuidOf(900)].sort());
    assert.deepEqual([(await cell.taskLogRow()).state, (await cell.taskLogRow()).errors], ["DONE", 0]);
    assert.equal(await cell.nova.runInstanceUsageAudit({ retryFailed: true }), null);
});

test("an instance that the conductor cannot read is one failure", async () => {
    const unreadable = [
        { instance_uuid: uuidOf(1), instance_id: 42, error: new Error("not UTF-8") },
        { error: { code: "UnreadableColumn", message: "not a number", arguments: { column: "id" } } },
    ];
    const answer = { instances: [], unreadable };
    const cell = await createCell({ overrides: { instanceGetActiveByWindow: () => answer } });
    const report = await cell.nova.runInstanceUsageAudit();
    assert.deepEqual([report.instances, report.notifications], [2, 0]);
    assert.deepEqual(
        report.failures.map(({ instance_uuid, instance_id, sent }) => [instance_uuid, instance_id, sent]),
        [
            [uuidOf(1), 42, []],
            [null, null, []],
        ],
    );
    const callback = "instanceGetActiveByWindow";
    const [first, second] = unreadable.map(({ error }) => error);
    assertNovaError(report.failures[0].error, { code: "Error", message: "not UTF-8", callback, cause: first });
    const expected = { code: "UnreadableColumn", arguments: { column: "id" }, callback, cause: second };
    assertNovaError(report.failures[1].error, expected);
    assert.equal((await cell.taskLogRow()).errors, 2);
});

test("giving up finishes the row with the remaining instances as errors", async () => {
    const cell = await createCell();
    await stopAfterFirstPage(cell.nova);
    const report = await cell.nova.runInstanceUsageAudit({ giveUp: true, resume: true });
    assert.deepEqual([report.instances, report.notifications], [500, 500]);
    assert.equal(cell.notifier.notifications.length, 500);
    await assertClosed(cell.taskLogRow, 700, /^Instance usage audit stopped for host cmp-01, 500 of 1200 instances: /);
    assert.equal(await cell.nova.runInstanceUsageAudit({ giveUp: true }), null);
});

test("an audit with a checkpoint of other settings, or without one, cannot be resumed", async () => {
    const cell = await createCell();
    await stopAfterFirstPage(cell.nova);
    for (const [nova, options] of [
        [cell.nova, { messageIds: "deterministic" }],
        [cell.withOptions({ notificationFormat: "versioned" }), {}],
    ]) {
        for (const option of ["resume", "giveUp"]) {
            const error = await errorWithin(nova.runInstanceUsageAudit({ [option]: true, ...options }));
            assertNovaError(error, { code: "CheckpointMismatch", message: /message_ids=random/ });
        }
    }
    await assertResumable(cell, 500);
    for (const auditCheckpointGet of [undefined, () => null, async () => undefined]) {
        const nova = cell.withOptions({ conductor: conductor({ taskLogGet: runningTask, auditCheckpointGet }) });
        const error = await errorWithin(nova.runInstanceUsageAudit({ resume: true }));
        assertNovaError(error, { code: "CheckpointNotFound", message: /host `cmp-01`/ });
    }
    const unknown = await errorOf(cell.nova.runInstanceUsageAudit({ messageIds: "sequential" }));
    assertNovaError(unknown, { code: "ValueError", message: /`sequential`: give `random` or `deterministic`$/ });
});

test("a conductor that returns false from auditCheckpointPut keeps no checkpoints", async () => {
    for (const [answer, keeps] of [
        [undefined, true],
        [null, true],
        [true, true],
        [false, false],
    ]) {
        let isFinished = false;
        const host = conductor({ auditCheckpointPut: () => answer, taskLogEndTask: () => void (isFinished = true) });
        const nova = new ComputeUtils(hostOptions({ conductor: host, notifier: { notify: () => "invalid" } }));
        assertNovaError(await errorOf(nova.runInstanceUsageAudit()), { callback: "notify" });
        assert.equal(isFinished, !keeps, String(answer));
    }
});

test("a signal stops an audit without checkpoints, and the row counts the other instances as errors", async () => {
    const { nova, notifier, taskLogRow } = await createCell({ keepsCheckpoints: false });
    const { signal, abort } = controller();
    const reason = new Error("the operator has stopped it");
    const onProgress = ({ instances }) => instances === 500 && abort(reason);
    const error = await errorWithin(nova.runInstanceUsageAudit({ signal, onProgress }));
    assert.equal(error.cause, reason);
    assert.equal(notifier.notifications.length, 500);
    assert.equal((await taskLogRow()).task_items, COUNT);
    const message = "Instance usage audit stopped for host cmp-01, 500 of 1200 instances: the operator has stopped it";
    await assertClosed(taskLogRow, 700, new RegExp(`^${message}$`));
});

/** Returns a signal and the function that aborts it. */
function controller() {
    const owner = new AbortController();
    return { signal: owner.signal, abort: (reason) => owner.abort(reason) };
}

for (const method of ["instanceGetActiveByWindow", "notify"]) {
    test(`a signal ends the wait for ${method} that never settles`, async () => {
        const { signal, abort } = controller();
        let calls = 0;
        const hangAtSecondCall = () => {
            calls += 1;
            if (calls === 1) {
                return undefined;
            }
            setImmediate(abort);
            return never();
        };
        const cell = await createCell(
            method === "notify"
                ? { notifier: { notify: hangAtSecondCall } }
                : { overrides: { [method]: hangAtSecondCall } },
        );
        const error = await errorWithin(cell.nova.runInstanceUsageAudit({ signal }));
        assertNovaError(error, { code: "AbortError", callback: method, cause: signal.reason });
        await assertResumable(cell, 500);
    });
}

test("a signal ends the wait before the audit has a row", async () => {
    for (const method of ["taskLogGet", "instanceCountActiveByWindow", "taskLogBeginTask"]) {
        const { nova, called } = await createCell({ overrides: { [method]: never } });
        const { signal, abort } = controller();
        setTimeout(abort, 1);
        const error = await errorWithin(nova.runInstanceUsageAudit({ signal }));
        assertNovaError(error, { code: "AbortError", callback: method, cause: signal.reason });
        assert.equal(called.at(-1), method, "it calls another method");
    }
});

test("an aborted audit stops waiting after a timeout for the conductor to finish its row", async () => {
    const { signal, abort } = controller();
    const { nova } = await createCell({ count: 1, overrides: { taskLogEndTask: never }, keepsCheckpoints: false });
    const start = performance.now();
    const audit = nova.runInstanceUsageAudit({ signal, onProgress: () => abort() });
    const error = await errorWithin(audit, CLOSE_TIMEOUT + PROMPT);
    assert.equal(error.cause, signal.reason);
    const duration = performance.now() - start;
    // A timer can fire a millisecond early.
    assert.ok(duration >= CLOSE_TIMEOUT - 1, `it stopped after ${duration} ms`);
});

test("an aborted audit waits for the conductor to finish its row", async () => {
    const { signal, abort } = controller();
    const slowly = async (original, ...args) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return original(...args);
    };
    const overrides = { taskLogEndTask: slowly };
    const { nova, taskLogRow } = await createCell({ count: 1, overrides, keepsCheckpoints: false });
    await errorWithin(nova.runInstanceUsageAudit({ signal, onProgress: () => abort() }));
    assert.equal((await taskLogRow()).state, "DONE");
});

test("a signal can be AbortSignal.timeout, or any object with the methods of an AbortSignal", async () => {
    const { nova: waiting } = await createCell({ overrides: { taskLogGet: never } });
    // The timer of the signal does not keep the program alive.
    const alive = setInterval(() => undefined, 100);
    const error = await errorWithin(waiting.runInstanceUsageAudit({ signal: AbortSignal.timeout(5) }));
    clearInterval(alive);
    assert.deepEqual([error.code, error.cause.name], ["TimeoutError", "TimeoutError"]);
    const { nova } = await createCell({ count: 1 });
    const compatible = Object.assign(new EventTarget(), { aborted: false, reason: undefined });
    assert.equal((await nova.runInstanceUsageAudit({ signal: compatible })).instances, 1);
    const invalid = [{ aborted: false }, { aborted: "no", addEventListener() {} }, new AbortController()];
    for (const signal of [42, "stop", {}, [], ...invalid]) {
        const refusal = await errorOf(nova.runInstanceUsageAudit({ signal }));
        assertNovaError(refusal, { code: "TypeError", message: /^`signal` is .*: give an `AbortSignal`$/ });
    }
    const thrown = new Error("the getter is broken");
    let reads = 0;
    const broken = Object.defineProperty(new EventTarget(), "aborted", {
        get() {
            reads += 1;
            if (reads > 1) {
                throw thrown;
            }
            return false;
        },
    });
    assert.equal((await errorWithin(nova.runInstanceUsageAudit({ signal: broken }))).cause, thrown);
});

test("a signal that is never aborted keeps no listener", async () => {
    const { nova } = await createCell();
    const listeners = new Set();
    const signal = {
        aborted: false,
        addEventListener: (_, listener) => listeners.add(listener),
        removeEventListener: (_, listener) => listeners.delete(listener),
    };
    await nova.runInstanceUsageAudit({ signal });
    assert.equal(listeners.size, 0);
});

test("an exception of onProgress stops the audit", async () => {
    for (const thrown of [new Error("the window was closed"), "text", null]) {
        const cell = await createCell();
        const { nova, notifier } = cell;
        const onProgress = ({ instances }) => {
            if (instances === 500) {
                throw thrown;
            }
        };
        const error = await errorWithin(nova.runInstanceUsageAudit({ onProgress }));
        assertNovaError(error, { callback: "onProgress", cause: thrown });
        assert.equal(notifier.notifications.length, 500);
        await assertResumable(cell, 500);
    }
});

test("a refused notification is a failure with its cause, and the audit continues", async () => {
    const refusal = Object.assign(new Error("too large"), { code: "MessageTooLarge" });
    const notify = (_, batch) => batch.map((_, index) => (index % 100 === 7 ? refusal : null));
    const { nova, taskLogRow } = await createCell({ notifier: { notify } });
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual([report.instances, report.notifications, report.failures.length], [COUNT, COUNT - 12, 12]);
    for (const [index, { instance_uuid, error }] of report.failures.entries()) {
        assert.equal(instance_uuid, uuidOf(index * 100 + 7));
        assertNovaError(error, { code: "MessageTooLarge", message: "too large", callback: "notify", cause: refusal });
    }
    assert.equal((await taskLogRow()).errors, 12);
});

test("an error of the whole batch stops the audit", async () => {
    const thrown = new Error("the broker is gone");
    const notifier = { notify: () => Promise.reject(thrown) };
    const cell = await createCell({ notifier });
    assert.equal((await errorWithin(cell.nova.runInstanceUsageAudit())).cause, thrown);
    await assertResumable(cell, 0);
    const { nova, taskLogRow } = await createCell({ notifier, keepsCheckpoints: false });
    assert.equal((await errorWithin(nova.runInstanceUsageAudit())).cause, thrown);
    await assertClosed(taskLogRow, COUNT, /0 of 1200 instances: the broker is gone$/);
});
