// The usage audit as a program sees it: how far it is, how it is stopped, and what is left behind.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { installed } from "../support/installed.js";
import { hibiscus, MAY, NOW, UUID } from "../support/samples.js";

const { library, memory, remove } = await installed();
const { ComputeUtils, NovaError } = library;
after(remove);

/** Three pages. */
const MANY = 1200;
const never = () => new Promise(() => undefined);

/** How long something that happens at once may take on a busy machine, in milliseconds. */
const QUICK = 4_000;

/** How long an audit waits for its row to be closed once it is to stop. */
const PATIENCE = 5_000;

/** A cell with instances, and the library on it. */
async function cell({ count = MANY, host = {}, notifier = memory.collectingNotifier() } = {}) {
    const conductor = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
    const uuid = (at) => UUID.slice(0, -4) + String(at).padStart(4, "0");
    await conductor.addInstances(Array.from({ length: count }, (_, at) => ({ ...hibiscus(), uuid: uuid(at) })));
    const asked = [];
    const watched = new Proxy(conductor, {
        get(_, name) {
            const method = host[name] ?? conductor[name];
            return (...given) => {
                asked.push(name);
                return method.call(conductor, ...given);
            };
        },
    });
    const clock = () => NOW;
    const nova = new ComputeUtils({ release: "hibiscus", host: "cmp-01", clock, conductor: watched, notifier });
    return { nova, conductor, notifier, asked, uuid, row: async () => (await conductor.rows("task_log"))[0] };
}

/** The error of an audit that stops within some milliseconds. */
async function stopped(audit, most) {
    const began = performance.now();
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new assert.AssertionError({ message: `it goes on after ${most} ms` })), most);
    });
    const error = await Promise.race([
        audit.then(
            (report) => assert.fail(`it gave ${JSON.stringify(report)}`),
            (e) => e,
        ),
        late,
    ]);
    clearTimeout(timer);
    return { error, took: performance.now() - began };
}

test("progress is told when the row is open, and after each page", async () => {
    const { nova, notifier, row } = await cell();
    const told = [];
    const report = await nova.runInstanceUsageAudit({ onProgress: (progress) => told.push(progress) });
    const at = (instances) => ({ instances, num_instances: MANY, notifications: instances, failures: 0 });
    assert.deepEqual(told, [at(0), at(500), at(1000), at(MANY)]);
    assert.equal(notifier.notifications.length, MANY);
    assert.deepEqual([report.host, report.window, report.instances, report.notifications], ["cmp-01", MAY, MANY, MANY]);
    assert.deepEqual(report.failures, []);
    const { state, message, errors, task_items } = await row();
    assert.deepEqual([state, message, errors, task_items], ["DONE", report.message, 0, MANY]);
    // A window is audited once.
    assert.equal(await nova.runInstanceUsageAudit({ onProgress: () => assert.fail("nothing is done") }), null);
    assert.equal(notifier.notifications.length, MANY);
});

test("a signal that is aborted already begins nothing", async () => {
    for (const reason of [undefined, new Error("shutting down"), "text"]) {
        const { nova, asked, notifier } = await cell({ count: 1 });
        const signal = AbortSignal.abort(reason);
        const { error } = await stopped(nova.runInstanceUsageAudit({ signal }), QUICK);
        assert.ok(error instanceof NovaError);
        assert.equal(error.cause, signal.reason);
        assert.equal(error.code, reason === undefined ? "AbortError" : "Error");
        assert.equal(error.callback, undefined);
        assert.deepEqual([asked, notifier.notifications], [[], []]);
        // It can be begun later.
        assert.equal((await nova.runInstanceUsageAudit()).instances, 1);
    }
});

test("a signal stops it between two pages, and the row says so and counts", async () => {
    const { nova, notifier, row } = await cell();
    const controller = new AbortController();
    const onProgress = ({ instances }) =>
        instances === 500 && controller.abort(new Error("the operator has stopped it"));
    const { error } = await stopped(nova.runInstanceUsageAudit({ signal: controller.signal, onProgress }), QUICK);
    assert.equal(error.cause, controller.signal.reason);
    assert.equal(notifier.notifications.length, 500);
    const { state, message, errors, task_items } = await row();
    assert.deepEqual([state, errors, task_items], ["DONE", 700, MANY]);
    const says = "Instance usage audit stopped for host cmp-01, 500 of 1200 instances: the operator has stopped it";
    assert.equal(message, says);
});

for (const method of ["instanceGetActiveByWindow", "notify"]) {
    test(`a signal ends the waiting for ${method}, though that never settles`, async () => {
        let calls = 0;
        const controller = new AbortController();
        const forever = function (...given) {
            calls += 1;
            if (calls === 1) {
                return method === "notify" ? undefined : this.constructor.prototype[method].call(this, ...given);
            }
            setImmediate(() => controller.abort());
            return never();
        };
        const options = method === "notify" ? { notifier: { notify: forever } } : { host: { [method]: forever } };
        const { nova, row } = await cell(options);
        const { error } = await stopped(nova.runInstanceUsageAudit({ signal: controller.signal }), QUICK);
        assert.ok(error instanceof NovaError);
        assert.deepEqual([error.code, error.callback], ["AbortError", method]);
        assert.equal(error.cause, controller.signal.reason);
        const { state, message, errors } = await row();
        assert.deepEqual([state, errors], ["DONE", 700]);
        assert.match(message, /^Instance usage audit stopped for host cmp-01, 500 of 1200 instances: .*abort/);
    });
}

test("a signal ends the waiting before there is a row", async () => {
    for (const method of ["taskLogGet", "instanceCountActiveByWindow", "taskLogBeginTask"]) {
        const { nova, asked } = await cell({ host: { [method]: never } });
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 1);
        const { error } = await stopped(nova.runInstanceUsageAudit({ signal: controller.signal }), QUICK);
        assert.deepEqual([error.code, error.callback], ["AbortError", method]);
        assert.equal(asked.at(-1), method, "nothing is asked any more");
    }
});

test("a row that cannot be closed either is given up after its patience", async () => {
    const controller = new AbortController();
    const { nova } = await cell({ count: 1, host: { taskLogEndTask: never } });
    const onProgress = () => controller.abort();
    const { error, took } = await stopped(
        nova.runInstanceUsageAudit({ signal: controller.signal, onProgress }),
        PATIENCE + QUICK,
    );
    assert.equal(error.cause, controller.signal.reason);
    // Timers may be early by a millisecond.
    assert.ok(took >= PATIENCE - 1, `given up after ${took} ms`);
});

test("closing a row has time, even where the signal is aborted", async () => {
    const controller = new AbortController();
    const slowly = async function (...given) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return this.constructor.prototype.taskLogEndTask.call(this, ...given);
    };
    const { nova, row } = await cell({ count: 1, host: { taskLogEndTask: slowly } });
    const onProgress = () => controller.abort();
    await stopped(nova.runInstanceUsageAudit({ signal: controller.signal, onProgress }), QUICK);
    assert.equal((await row()).state, "DONE");
});

test("AbortSignal.timeout, and a signal of one's own making", async () => {
    const { nova } = await cell({ host: { taskLogGet: never } });
    // Its timer keeps no program alive.
    const alive = setInterval(() => undefined, 100);
    const { error } = await stopped(nova.runInstanceUsageAudit({ signal: AbortSignal.timeout(5) }), QUICK);
    clearInterval(alive);
    assert.deepEqual([error.code, error.cause.name], ["TimeoutError", "TimeoutError"]);
    const ok = await cell({ count: 1 });
    const listener = Object.assign(new EventTarget(), { aborted: false, reason: undefined });
    assert.equal((await ok.nova.runInstanceUsageAudit({ signal: listener })).instances, 1);
    for (const signal of [
        42,
        "stop",
        {},
        [],
        { aborted: false },
        { aborted: "no", addEventListener() {} },
        new AbortController(),
    ]) {
        await assert.rejects(
            ok.nova.runInstanceUsageAudit({ signal }),
            /^NovaError: `signal` is .*: give an `AbortSignal`$/,
        );
    }
    const thrown = new Error("the getter is broken");
    let reads = 0;
    const broken = Object.assign(new EventTarget(), {});
    Object.defineProperty(broken, "aborted", {
        get() {
            reads += 1;
            if (reads > 1) {
                throw thrown;
            }
            return false;
        },
    });
    const { error: of } = await stopped(nova.runInstanceUsageAudit({ signal: broken }), QUICK);
    assert.equal(of.cause, thrown);
});

test("a signal that is never aborted leaves no listener behind", async () => {
    const { nova } = await cell();
    const listeners = new Set();
    const signal = {
        aborted: false,
        addEventListener: (_, listener) => listeners.add(listener),
        removeEventListener: (_, listener) => listeners.delete(listener),
    };
    await nova.runInstanceUsageAudit({ signal });
    assert.equal(listeners.size, 0);
});

test("what onProgress throws stops the audit", async () => {
    for (const thrown of [new Error("the window was closed"), "text", null]) {
        const { nova, row, notifier } = await cell();
        const onProgress = ({ instances }) => {
            if (instances === 500) {
                throw thrown;
            }
        };
        const { error } = await stopped(nova.runInstanceUsageAudit({ onProgress }), QUICK);
        assert.ok(error instanceof NovaError);
        assert.equal(error.callback, "onProgress");
        assert.equal(error.cause, thrown);
        assert.deepEqual(
            [notifier.notifications.length, (await row()).errors, (await row()).state],
            [500, 700, "DONE"],
        );
    }
});

test("a refused notification counts, stops nothing, and keeps its cause", async () => {
    const refusal = Object.assign(new Error("too large"), { code: "MessageTooLarge" });
    const notifier = { notify: (_, batch) => batch.map((_, at) => (at % 100 === 7 ? refusal : null)) };
    const { nova, row, uuid } = await cell({ notifier });
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual([report.instances, report.notifications, report.failures.length], [MANY, MANY - 12, 12]);
    assert.deepEqual(
        report.failures.map((failure) => failure.instance_uuid),
        Array.from({ length: 12 }, (_, at) => uuid(at * 100 + 7)),
    );
    for (const { error } of report.failures) {
        assert.deepEqual([error.code, error.message, error.callback], ["MessageTooLarge", "too large", "notify"]);
        assert.equal(error.cause, refusal);
    }
    assert.equal((await row()).errors, 12);
});

test("a notifier that gives up stops the audit", async () => {
    const thrown = new Error("the broker is gone");
    const { nova, row } = await cell({ notifier: { notify: () => Promise.reject(thrown) } });
    const { error } = await stopped(nova.runInstanceUsageAudit(), QUICK);
    assert.equal(error.cause, thrown);
    const { state, message, errors } = await row();
    assert.deepEqual([state, errors], ["DONE", MANY]);
    assert.match(message, /0 of 1200 instances: the broker is gone$/);
});
