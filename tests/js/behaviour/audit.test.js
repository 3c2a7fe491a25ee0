// The usage audit: its progress, how a caller stops it, and the task log row that it leaves.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { hibiscus, hostOptions, MAY, NOW, uuidOf } from "../support/samples.js";

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
async function createCell({ count = COUNT, overrides = {}, notifier = memory.collectingNotifier() } = {}) {
    const tables = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
    await tables.addInstances(Array.from({ length: count }, (_, n) => hibiscus({ uuid: uuidOf(n) })));
    const called = [];
    const get = (_, name) => {
        const original = (...args) => tables[name](...args);
        return (...args) => {
            called.push(name);
            return overrides[name]?.(original, ...args) ?? original(...args);
        };
    };
    const conductor = new Proxy(tables, { get });
    const nova = new ComputeUtils(hostOptions({ conductor, notifier }));
    const taskLogRow = async () => (await tables.rows("task_log"))[0];
    return { nova, notifier, called, taskLogRow };
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

test("a signal stops an audit between two pages, and the row counts the other instances as errors", async () => {
    const { nova, notifier, taskLogRow } = await createCell();
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
        const { nova, taskLogRow } = await createCell(
            method === "notify"
                ? { notifier: { notify: hangAtSecondCall } }
                : { overrides: { [method]: hangAtSecondCall } },
        );
        const error = await errorWithin(nova.runInstanceUsageAudit({ signal }));
        assertNovaError(error, { code: "AbortError", callback: method, cause: signal.reason });
        await assertClosed(taskLogRow, 700, /^Instance usage audit stopped .*, 500 of 1200 instances: .*abort/);
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
    const { nova } = await createCell({ count: 1, overrides: { taskLogEndTask: never } });
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
    const { nova, taskLogRow } = await createCell({ count: 1, overrides: { taskLogEndTask: slowly } });
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
        const { nova, taskLogRow, notifier } = await createCell();
        const onProgress = ({ instances }) => {
            if (instances === 500) {
                throw thrown;
            }
        };
        const error = await errorWithin(nova.runInstanceUsageAudit({ onProgress }));
        assertNovaError(error, { callback: "onProgress", cause: thrown });
        assert.equal(notifier.notifications.length, 500);
        await assertClosed(taskLogRow, 700, /500 of 1200 instances/);
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
    const { nova, taskLogRow } = await createCell({ notifier: { notify: () => Promise.reject(thrown) } });
    assert.equal((await errorWithin(nova.runInstanceUsageAudit())).cause, thrown);
    await assertClosed(taskLogRow, COUNT, /0 of 1200 instances: the broker is gone$/);
});
