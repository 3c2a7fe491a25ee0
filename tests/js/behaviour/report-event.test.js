// `reportEvent`: the work comes first. What it gives comes back, what it throws is thrown again, and the rows tell of
// it.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { installed } from "../support/installed.js";
import { actionEvent, NOW, UUID } from "../support/samples.js";

const { library, memory, remove } = await installed();
const { ComputeUtils, NovaError } = library;
after(remove);

const eventName = "compute_reboot_instance";
const context = { request_id: "req-e0666734-0883-4cc9-add2-ff4dfe5f823c" };
const OTHER = "5a92d5c4-d71c-4972-bcbb-019167ffd7f1";
const gone = Object.assign(new Error("the action is gone"), { code: "InstanceActionNotFound" });

/** The library with a conductor that keeps what it is told. */
function utils(release = "hibiscus", others = {}) {
    const told = [];
    const conductor = {
        actionEventStart: (_, values) => (told.push(["start", values]), actionEvent()),
        actionEventFinish: (_, values) => (told.push(["finish", values]), actionEvent()),
        ...others,
    };
    return { told, nova: new ComputeUtils({ release, host: "cmp-01", clock: () => NOW, conductor }) };
}

const event = (others = {}) => ({ context, eventName, instanceUuids: [UUID], ...others });

test("the value of the body comes back, whatever it is and whenever it comes", async () => {
    const object = { itself: true };
    for (const value of [object, undefined, null, 0, "", 2n ** 60n, Symbol("s"), new Error("no failure"), () => 1]) {
        const bodies = [() => value, async () => value, () => ({ then: (resolve) => void resolve(value) })];
        for (const body of bodies) {
            const { nova, told } = utils();
            assert.equal(await nova.reportEvent(event(), body), value);
            assert.deepEqual(
                told.map(([what, { result }]) => [what, result]),
                [
                    ["start", undefined],
                    ["finish", "Success"],
                ],
            );
            assert.deepEqual([told[1][1].details, told[1][1].traceback], [null, null]);
            nova.free();
        }
    }
});

test("what the body throws is thrown again, itself, and recorded", async () => {
    const throwing = {
        get message() {
            throw new Error("not even that");
        },
    };
    const errors = [
        new Error("the power is off"),
        Object.freeze(new TypeError("frozen")),
        new NovaError("NoValidHost", "none"),
    ];
    for (const thrown of [...errors, "text", null, undefined, 0, { code: 1 }, Symbol("s"), throwing]) {
        for (const body of [
            () => Promise.reject(thrown),
            () => {
                throw thrown;
            },
        ]) {
            const { nova, told } = utils();
            const caught = await nova.reportEvent(event(), body).then(
                () => assert.fail("it gave something"),
                (error) => ({ error }),
            );
            assert.equal(caught.error, thrown);
            assert.deepEqual(
                told.map(([what]) => what),
                ["start", "finish"],
            );
            assert.equal(told[1][1].result, "Error", String(Object.prototype.toString.call(thrown)));
            nova.free();
        }
    }
});

test("hibiscus shows what may be shown, grizzly all of it", async () => {
    const closed = async (release, thrown) => {
        const { nova, told } = utils(release);
        await assert.rejects(nova.reportEvent(event(), () => Promise.reject(thrown)));
        nova.free();
        return told[1][1];
    };
    const secret = new RangeError("the password is 1234");
    const hibiscus = await closed("hibiscus", secret);
    // The text of a failure that is not Nova's never leaks.
    assert.deepEqual([hibiscus.details, hibiscus.message, hibiscus.result], ["RangeError", null, "Error"]);
    assert.match(hibiscus.traceback, /^ {4}at .*report-event\.test\.js/);
    const grizzly = await closed("grizzly", secret);
    assert.deepEqual([grizzly.details, grizzly.message, grizzly.result], [null, "the password is 1234", "Error"]);
    assert.match(grizzly.traceback, /report-event\.test\.js/);
    assert.equal((await closed("hibiscus", new NovaError("NoValidHost", "no host"))).details, "no host");
    const record = { class_name: "NoValidHost", text: "t", formatted_message: "é".repeat(200), traceback: "frames\n" };
    const ofRecord = await closed("hibiscus", record);
    assert.deepEqual([ofRecord.details, ofRecord.traceback], ["é".repeat(127), "frames\n"]);
});

test("each instance has an event, with the host, and none has none", async () => {
    const { nova, told } = utils();
    await nova.reportEvent(event({ instanceUuids: [UUID, OTHER], host: "cmp-02" }), () => told.push(["work", {}]));
    const order = ["start", "start", "work", "finish", "finish"];
    assert.deepEqual(
        told.map(([what]) => what),
        order,
    );
    assert.deepEqual(
        told.map(([, { instance_uuid }]) => instance_uuid),
        [UUID, OTHER, undefined, UUID, OTHER],
    );
    assert.deepEqual([told[0][1].host, told[0][1].start_time, told[4][1].finish_time], ["cmp-02", NOW, NOW]);
    told.length = 0;
    assert.equal(await nova.reportEvent(event({ instanceUuids: [] }), () => 7), 7);
    assert.deepEqual(told, []);
    nova.free();
});

test("where an event cannot be opened the work is not begun", async () => {
    const thrown = new Error("no database");
    const { nova } = utils("hibiscus", { actionEventStart: () => Promise.reject(thrown) });
    let begun = false;
    await assert.rejects(
        nova.reportEvent(event(), () => {
            begun = true;
        }),
        (error) => error instanceof NovaError && error.cause === thrown && error.callback === "actionEventStart",
    );
    assert.equal(begun, false);
    for (const body of [undefined, null, 42, "text", {}, Promise.resolve()]) {
        await assert.rejects(nova.reportEvent(event(), body), /^NovaError: the body is .*: give a function$/);
    }
    nova.free();
});

test("where closing fails too, that error comes, with what the body threw", async () => {
    const thrown = new Error("no database");
    for (const body of [new Error("the power is off"), "text", null, undefined]) {
        const { nova } = utils("hibiscus", { actionEventFinish: () => Promise.reject(thrown) });
        await assert.rejects(
            nova.reportEvent(event(), () => Promise.reject(body)),
            (error) => {
                assert.ok(error instanceof NovaError);
                assert.deepEqual([error.code, error.callback], ["Error", "actionEventFinish"]);
                assert.equal(error.cause, thrown);
                assert.equal("body" in error, true, "the body threw, and nothing says so");
                assert.equal(error.body, body);
                return true;
            },
        );
        await assert.rejects(
            nova.reportEvent(event(), () => 7),
            (error) => error.cause === thrown && !("body" in error),
        );
        nova.free();
    }
});

test("an action that is gone: gracefulExit and swallowBodyError", async () => {
    const broken = new Error("the power is off");
    const finishes = [];
    const { nova } = utils("hibiscus", {
        actionEventFinish: (_, { instance_uuid }) => {
            finishes.push(instance_uuid);
            throw gone;
        },
    });
    const report = (options, body) =>
        nova.reportEvent(event({ instanceUuids: [UUID, OTHER], ...options }), body).then(
            (value) => ({ value }),
            (error) => ({ error }),
        );
    const fails = () => Promise.reject(broken);
    const works = () => 7;
    assert.equal((await report({}, works)).error.cause, gone);
    assert.equal((await report({}, fails)).error.body, broken);
    assert.equal((await report({ swallowBodyError: true }, fails)).error.body, broken);
    assert.deepEqual(await report({ gracefulExit: true }, works), { value: 7 });
    assert.equal((await report({ gracefulExit: true }, fails)).error, broken);
    assert.deepEqual(await report({ gracefulExit: true, swallowBodyError: true }, works), { value: 7 });
    assert.deepEqual(await report({ gracefulExit: true, swallowBodyError: true }, fails), { value: undefined });
    assert.deepEqual([...new Set(finishes)], [UUID], "the events of later instances stay open");
    nova.free();
});

test("with the tables of Nova", async () => {
    const conductor = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
    const nova = new ComputeUtils({ release: "hibiscus", host: "cmp-01", clock: () => NOW, conductor });
    await nova.actionStart({ context, instanceUuid: UUID, actionName: "reboot" });
    const thrown = new Error("the power is off");
    await assert.rejects(
        nova.reportEvent(event({ host: "cmp-01" }), () => Promise.reject(thrown)),
        (error) => error === thrown,
    );
    const [row] = await conductor.rows("instance_actions_events");
    assert.deepEqual([row.event, row.result, row.details, row.host], [eventName, "Error", "Error", "cmp-01"]);
    const [action] = await conductor.rows("instance_actions");
    assert.equal(action.message, "Error");
    nova.free();
});
