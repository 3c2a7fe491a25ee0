// `reportEvent`: the result or the exception of the body reaches the caller unchanged, and the events record it.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { actionEvent, hostOptions, NOW, UUID } from "../support/samples.js";

const { library, memory, assertNovaError, remove } = await loadPackage();
const { ComputeUtils, NovaError } = library;
after(remove);

const eventName = "compute_reboot_instance";
const context = { request_id: "req-e0666734-0883-4cc9-add2-ff4dfe5f823c" };
const OTHER_UUID = "5a92d5c4-d71c-4972-bcbb-019167ffd7f1";
const outage = new Error("the power is off");
const event = (options = {}) => ({ context, eventName, instanceUuids: [UUID], ...options });

/** Creates a `ComputeUtils` whose conductor records the calls as `[call, values]`. */
function createRecorder(release = "hibiscus", methods = {}) {
    const calls = [];
    const conductor = {
        actionEventStart: (_, values) => (calls.push(["start", values]), actionEvent()),
        actionEventFinish: (_, values) => (calls.push(["finish", values]), actionEvent()),
        ...methods,
    };
    return { calls, nova: new ComputeUtils(hostOptions({ release, conductor })) };
}

/** Returns one member of the values of each recorded call. */
const valuesOf = (calls, member) => calls.map(([, values]) => values[member]);

const namesOf = (calls) => calls.map(([name]) => name);

test("the call resolves to the result of the body", async () => {
    const object = { itself: true };
    for (const value of [object, undefined, null, 0, "", 2n ** 60n, Symbol("s"), new Error("not thrown"), () => 1]) {
        for (const body of [() => value, async () => value, () => ({ then: (resolve) => void resolve(value) })]) {
            const { nova, calls } = createRecorder();
            assert.equal(await nova.reportEvent(event(), body), value);
            assert.deepEqual(namesOf(calls), ["start", "finish"]);
            const { result, details, traceback } = calls[1][1];
            assert.deepEqual([result, details, traceback], ["Success", null, null]);
            nova.free();
        }
    }
});

test("the call rejects with the exception of the body, and the event records it", async () => {
    const unreadable = {
        get message() {
            throw new Error("the getter is broken");
        },
    };
    const frozen = Object.freeze(new TypeError("frozen"));
    const errors = [outage, frozen, new NovaError("NoValidHost", "none"), unreadable];
    for (const thrown of [...errors, "text", null, undefined, 0, { code: 1 }, Symbol("s")]) {
        const throwing = () => {
            throw thrown;
        };
        for (const body of [throwing, () => Promise.reject(thrown)]) {
            const { nova, calls } = createRecorder();
            assert.equal(await errorOf(nova.reportEvent(event(), body)), thrown);
            assert.deepEqual(namesOf(calls), ["start", "finish"]);
            assert.equal(calls[1][1].result, "Error", Object.prototype.toString.call(thrown));
            nova.free();
        }
    }
});

test("`hibiscus` records the parts of an exception that tenants may read, and `grizzly` all of it", async () => {
    const finishValues = async (release, thrown) => {
        const { nova, calls } = createRecorder(release);
        await errorOf(nova.reportEvent(event(), () => Promise.reject(thrown)));
        nova.free();
        return calls[1][1];
    };
    const secret = new RangeError("the password is 1234");
    const hibiscus = await finishValues("hibiscus", secret);
    // Tenants read only the class name of an exception that is not Nova's.
    assert.deepEqual([hibiscus.details, hibiscus.message, hibiscus.result], ["RangeError", null, "Error"]);
    assert.match(hibiscus.traceback, /^ {4}at .*report-event\.test\.js/);
    const grizzly = await finishValues("grizzly", secret);
    assert.deepEqual([grizzly.details, grizzly.message, grizzly.result], [null, "the password is 1234", "Error"]);
    assert.match(grizzly.traceback, /report-event\.test\.js/);
    assert.equal((await finishValues("hibiscus", new NovaError("NoValidHost", "no host"))).details, "no host");
    const record = { class_name: "NoValidHost", text: "t", formatted_message: "é".repeat(200), traceback: "frames\n" };
    const { details, traceback } = await finishValues("hibiscus", record);
    assert.deepEqual([details, traceback], ["é".repeat(127), "frames\n"]);
});

test("each instance has an event with the host; without instances the body runs without events", async () => {
    const { nova, calls } = createRecorder();
    const options = event({ instanceUuids: [UUID, OTHER_UUID], host: "cmp-02" });
    await nova.reportEvent(options, () => calls.push(["body", {}]));
    assert.deepEqual(namesOf(calls), ["start", "start", "body", "finish", "finish"]);
    assert.deepEqual(valuesOf(calls, "instance_uuid"), [UUID, OTHER_UUID, undefined, UUID, OTHER_UUID]);
    assert.deepEqual([calls[0][1].host, calls[0][1].start_time, calls[4][1].finish_time], ["cmp-02", NOW, NOW]);
    calls.length = 0;
    assert.equal(await nova.reportEvent(event({ instanceUuids: [] }), () => 7), 7);
    assert.deepEqual(calls, []);
    nova.free();
});

test("the body does not run if an event cannot start, or if the body is no function", async () => {
    const thrown = new Error("no database");
    const { nova } = createRecorder("hibiscus", { actionEventStart: () => Promise.reject(thrown) });
    let hasRun = false;
    const error = await errorOf(nova.reportEvent(event(), () => (hasRun = true)));
    assertNovaError(error, { cause: thrown, callback: "actionEventStart" });
    assert.equal(hasRun, false);
    for (const body of [undefined, null, 42, "text", {}, Promise.resolve()]) {
        const message = /^the body is .*: give a function$/;
        assertNovaError(await errorOf(nova.reportEvent(event(), body)), { code: "TypeError", message });
    }
    nova.free();
});

test("an event that cannot finish is an error that has the exception of the body", async () => {
    const thrown = new Error("no database");
    const expected = { code: "Error", callback: "actionEventFinish", cause: thrown };
    for (const exception of [outage, "text", null, undefined]) {
        const { nova } = createRecorder("hibiscus", { actionEventFinish: () => Promise.reject(thrown) });
        const error = await errorOf(nova.reportEvent(event(), () => Promise.reject(exception)));
        assertNovaError(error, expected);
        assert.equal("body" in error, true, "it has no `body`");
        assert.equal(error.body, exception);
        const withoutException = await errorOf(nova.reportEvent(event(), () => 7));
        assertNovaError(withoutException, expected);
        assert.equal("body" in withoutException, false);
        nova.free();
    }
});

test("gracefulExit and swallowBodyError apply to an action that is gone", async () => {
    const gone = Object.assign(new Error("the action is gone"), { code: "InstanceActionNotFound" });
    const finished = [];
    const { nova } = createRecorder("hibiscus", {
        actionEventFinish: (_, { instance_uuid }) => {
            finished.push(instance_uuid);
            throw gone;
        },
    });
    const fails = () => Promise.reject(outage);
    const works = () => 7;
    const report = (options, body) => nova.reportEvent(event({ instanceUuids: [UUID, OTHER_UUID], ...options }), body);
    assert.equal((await errorOf(report({}, works))).cause, gone);
    assert.equal((await errorOf(report({}, fails))).body, outage);
    assert.equal((await errorOf(report({ swallowBodyError: true }, fails))).body, outage);
    assert.equal(await report({ gracefulExit: true }, works), 7);
    assert.equal(await errorOf(report({ gracefulExit: true }, fails)), outage);
    assert.equal(await report({ gracefulExit: true, swallowBodyError: true }, works), 7);
    assert.equal(await report({ gracefulExit: true, swallowBodyError: true }, fails), undefined);
    assert.deepEqual([...new Set(finished)], [UUID], "the events of later instances stay open");
    nova.free();
});

test("the conductor may return no rows", async () => {
    for (const answer of [undefined, null, Promise.resolve()]) {
        const methods = { actionEventStart: () => answer, actionEventFinish: () => answer };
        const { nova } = createRecorder("hibiscus", methods);
        assert.equal(await nova.reportEvent(event(), () => 7), 7);
        assert.equal(await errorOf(nova.reportEvent(event(), () => Promise.reject(outage))), outage);
        nova.free();
    }
});

test("the events are rows of Nova's tables", async () => {
    const conductor = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
    const nova = new ComputeUtils(hostOptions({ conductor }));
    await nova.actionStart({ context, instanceUuid: UUID, actionName: "reboot" });
    const reported = nova.reportEvent(event({ host: "cmp-01" }), () => Promise.reject(outage));
    assert.equal(await errorOf(reported), outage);
    const [row] = await conductor.rows("instance_actions_events");
    assert.deepEqual([row.event, row.result, row.details, row.host], [eventName, "Error", "Error", "cmp-01"]);
    const [action] = await conductor.rows("instance_actions");
    assert.equal(action.message, "Error");
    nova.free();
});
