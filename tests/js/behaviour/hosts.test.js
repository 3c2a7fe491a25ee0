// Hosts that answer late or wrongly, throw, lack a method, call the library, or free the object.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { readDeclarations } from "../support/declarations.js";
import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import {
    auditCheckpoint,
    calls,
    conductor,
    context,
    grizzly,
    hibiscus,
    hostOptions,
    MAY,
    METHODS,
    NOW,
    runningTask,
    UUID,
    volUsage,
} from "../support/samples.js";

const { library, memory, assertNovaError, declarations, remove } = await loadPackage();
const { ComputeUtils } = library;
after(remove);

const instanceUuid = UUID;
const eventName = "compute_reboot_instance";
const page = (instances, next_marker) => ({ instances, next_marker });
const fail = (thrown) => () => {
    throw thrown;
};

/** An instance of `grizzly` that has a network in its cache. */
const networked = () => {
    const network_info = JSON.stringify([{ address: "fa:16:3e:00:00:01", network: { label: "net", subnets: [] } }]);
    return grizzly({ info_cache: { network_info } });
};

const INVALID_ROWS = [42, "row", [], {}, { id: "1" }, { id: 1, deleted: false, start_time: 42 }];

/**
 * For each method of a conductor: a call that uses it, and invalid answers. The library ignores the answers of methods
 * that have none here.
 *
 * @type {Record<string, {
 *     call: (nova: import("nova-compute-utils").ComputeUtils, options?: object) => Promise<unknown>,
 *     release?: string,
 *     invalid?: unknown[],
 *     others?: object,
 *     optional?: boolean,
 * }>} `release`: of the `ComputeUtils`; `others`: the other methods of the conductor; `optional`: a conductor may lack
 *     the method
 */
const CONDUCTOR = {
    taskLogGet: {
        call: (nova, options) => nova.hasAuditBeenRun(options),
        invalid: [42, "row", true, [], {}, { task_name: 42 }],
    },
    taskLogBeginTask: {
        call: (nova, options) => nova.startInstanceUsageAudit({ window: MAY, numInstances: 1, ...options }),
    },
    taskLogEndTask: { call: (nova, options) => nova.finishInstanceUsageAudit({ window: MAY, errors: 0, ...options }) },
    auditCheckpointGet: {
        call: (nova, options) => nova.runInstanceUsageAudit({ resume: true, ...options }),
        others: { taskLogGet: runningTask },
        optional: true,
        invalid: [
            ...[42, "checkpoint", true, [], {}, auditCheckpoint({ marker: 42 }), auditCheckpoint({ complete: null })],
            ...[auditCheckpoint({ instances: -1 }), auditCheckpoint({ seconds: NaN })],
            auditCheckpoint({ seconds: "1" }),
            ...[auditCheckpoint({ failures: null }), auditCheckpoint({ failures: [{ code: "DBError" }] })],
            ...[auditCheckpoint({ settings: null }), auditCheckpoint({ notifier_position: 42 })],
        ],
    },
    auditCheckpointPut: {
        call: (nova, options) => nova.runInstanceUsageAudit(options),
        optional: true,
        invalid: [42, "yes", [], {}],
    },
    instanceFaultCreate: {
        call: (nova, options) => nova.addInstanceFaultFromExc({ instanceUuid, fault: new Error("broken"), ...options }),
    },
    instanceGetActiveByWindow: {
        call: (nova, options) => nova.runInstanceUsageAudit(options),
        invalid: [
            ...[undefined, null, 42, "page", [], {}],
            ...[page(null), page({}), page("[]"), page(42), page([], 42), page([], {}), page([{ n: NaN }])],
            ...[page([new Set()]), page(new Map()), page([Promise.resolve({})])],
        ],
    },
    instanceCountActiveByWindow: {
        call: (nova, options) => nova.runInstanceUsageAudit(options),
        others: { instanceGetActiveByWindow: (_, { marker }) => page([hibiscus()], marker === null ? "more" : null) },
        invalid: [undefined, null, "1", -1, 0.5, NaN, 2 ** 53, 2n ** 63n, [], {}, true],
    },
    bwUsageGetByUuids: {
        release: "grizzly",
        call: (nova, options) => nova.bandwidthUsage({ instance: networked(), auditStart: MAY.begin, ...options }),
        invalid: [
            ...[undefined, null, 42, "rows", {}, [42], [null], [{}], [{ uuid: UUID }]],
            [{ uuid: UUID, mac: null, start_period: MAY.begin, bw_in: "1", bw_out: 2n ** 60n }],
        ],
    },
    instanceGetNwInfo: {
        release: "grizzly",
        call: (nova, options) => nova.bandwidthUsage({ instance: grizzly(), auditStart: MAY.begin, ...options }),
        invalid: [undefined, null, 42, true, "no JSON", [42], [new Set()]],
    },
    actionStart: { call: (nova, options) => nova.actionStart({ instanceUuid, ...options }), invalid: INVALID_ROWS },
    actionFinish: { call: (nova, options) => nova.actionFinish({ instanceUuid, ...options }), invalid: INVALID_ROWS },
    actionEventStart: {
        call: (nova, options) => nova.eventStart({ instanceUuid, eventName, ...options }),
        invalid: INVALID_ROWS,
    },
    actionEventFinish: {
        call: (nova, options) => nova.eventFinish({ instanceUuid, eventName, ...options }),
        invalid: INVALID_ROWS,
    },
};

/** Creates a `ComputeUtils` with a conductor. */
const withConductor = (host, options = {}) => new ComputeUtils(hostOptions({ conductor: host, ...options }));

/** Returns the error of a callback that a call rejects with. */
async function callbackError(call, callback, expected = {}, label = "") {
    const error = await errorOf(call, `${callback} ${label}`);
    assertNovaError(error, { callback, ...expected }, `${callback} ${label}`);
    return error;
}

test("the tests below cover each method of a conductor", () => {
    const { callbacks } = readDeclarations(declarations);
    const notifier = ["notify", "position", "resumeAt"];
    assert.deepEqual([...Object.keys(CONDUCTOR), ...notifier].sort(), [...callbacks.keys()].sort());
});

for (const [name, { call, invalid = [], release = "hibiscus", others = {}, optional }] of Object.entries(CONDUCTOR)) {
    const withMethod = (method) => withConductor(conductor({ ...others, [name]: method }), { release });

    test(`${name}: answers with a value, a promise or a thenable`, async () => {
        const valid = conductor(others)[name];
        const thenable = (value) => ({ then: (resolve) => void resolve(value) });
        const late = (value) => new Promise((resolve) => setTimeout(resolve, 1, value));
        const results = [];
        for (const wrap of [
            (value) => value,
            (value) => Promise.resolve(value),
            thenable,
            late,
            (value) => thenable(late(value)),
        ]) {
            const nova = withMethod((...args) => wrap(valid(...args)));
            results.push(await call(nova).catch((error) => [error.code, error.message]));
        }
        for (const result of results) {
            assert.deepEqual(result, results[0]);
        }
    });

    test(`${name}: throws or rejects`, async () => {
        const coded = Object.assign(new Error("gone"), { code: "DBError" });
        for (const thrown of [new Error("no"), coded, "no", null, undefined, 42]) {
            for (const method of [
                fail(thrown),
                () => Promise.reject(thrown),
                () => ({ then: (_, reject) => void reject(thrown) }),
                () => ({ then: fail(thrown) }),
            ]) {
                const cause = thrown === undefined ? {} : { cause: thrown };
                const expected = {
                    code: thrown?.code ?? "Error",
                    message: thrown?.message ?? String(thrown),
                    ...cause,
                };
                await callbackError(call(withMethod(method)), name, expected, String(thrown));
            }
        }
    });

    test(`${name}: returns an invalid answer`, async () => {
        for (const value of invalid) {
            for (const answer of [value, Promise.resolve(value)]) {
                const error = await errorOf(call(withMethod(() => answer)), `${name}: ${String(value)}`);
                // The library itself, and no callback, rejects network info that is JSON of the wrong shape.
                if (name !== "instanceGetNwInfo" || error.callback !== undefined) {
                    const message = new RegExp(`the answer of ${name}`);
                    assertNovaError(
                        error,
                        { callback: name, code: /^(TypeError|ValueError)$/, message },
                        String(value),
                    );
                }
            }
        }
    });

    test(`${name}: is missing, or no function`, async () => {
        for (const method of optional ? [42, {}] : [undefined, null, 42, {}]) {
            const message = `the conductor has no method \`${name}\``;
            await callbackError(call(withMethod(method)), name, { code: "NotImplementedError", message });
        }
    });

    test(`${name}: reading the method or its answer throws`, async () => {
        const cause = new Error("the getter is broken");
        const get = fail(cause);
        const host = Object.defineProperty(conductor(others), name, { get });
        await callbackError(call(withConductor(host, { release })), name, { cause });
        await callbackError(call(withMethod(() => Object.defineProperty({}, "then", { get }))), name, { cause });
        if (invalid.length > 0) {
            const answer = new Proxy({}, { get: (_, member) => (member === "then" ? undefined : get()) });
            const error = await errorOf(call(withMethod(() => answer)));
            assert.ok(error instanceof library.NovaError, error.stack);
        }
    });
}

test("every callback gets the caller's context first", async () => {
    const contexts = new Map();
    const record =
        (name, answer) =>
        (...args) => {
            contexts.set(name, [...(contexts.get(name) ?? []), args[0]]);
            return answer(...args);
        };
    const recording = (methods) =>
        Object.fromEntries(Object.entries(methods).map(([name, answer]) => [name, record(name, answer)]));
    const notifier = recording({ notify: () => undefined, position: () => "7", resumeAt: () => undefined });
    for (const { call, release = "hibiscus", others = {} } of Object.values(CONDUCTOR)) {
        const nova = withConductor(recording(conductor(others)), { release, notifier });
        await call(nova, { context: context() });
        nova.free();
    }
    const names = [...readDeclarations(declarations).callbacks.keys()];
    assert.equal(names.length, 17);
    for (const name of names) {
        for (const received of contexts.get(name) ?? [undefined]) {
            assert.deepEqual(received, context(), name);
        }
    }
});

test("every callback gets an empty context if the caller passes none", async () => {
    const empty = { user_id: null, project_id: null, request_id: null, timestamp: null, glance_endpoint: null };
    for (const [name, { call, release = "hibiscus", others = {} }] of Object.entries(CONDUCTOR)) {
        let received;
        const valid = conductor(others)[name];
        const method = (...args) => ((received = args[0]), valid(...args));
        const nova = withConductor(conductor({ ...others, [name]: method }), { release });
        await call(nova);
        assert.deepEqual(received, empty, name);
        nova.free();
    }
});

for (const name of ["actionStart", "actionFinish", "actionEventStart", "actionEventFinish"]) {
    test(`${name}: the conductor returns no row, and the call resolves to null`, async () => {
        for (const answer of [undefined, null, Promise.resolve(), Promise.resolve(null)]) {
            const nova = withConductor({ [name]: () => answer });
            assert.equal(await CONDUCTOR[name].call(nova), null);
            nova.free();
        }
    });
}

test("the conductor or the notifier is missing", async () => {
    for (const absent of [null, undefined]) {
        const nova = new ComputeUtils({ release: "hibiscus", host: "cmp-01", conductor: absent, notifier: absent });
        const noConductor = { code: "NoConductor", message: /there is no conductor: give one to `ComputeUtils`$/ };
        await callbackError(nova.hasAuditBeenRun(), "taskLogGet", noConductor);
        const noNotifier = { code: "NoNotifier", message: /there is no notifier: give one to `ComputeUtils`$/ };
        await callbackError(nova.notifyUsageExists({ instance: hibiscus() }), "notify", noNotifier);
    }
});

test("the notifier throws or returns an invalid answer", async () => {
    const send = (notify) =>
        withConductor(conductor(), { notifier: { notify } }).notifyUsageExists({ instance: hibiscus() });
    const thrown = Object.assign(new Error("the broker is gone"), { code: "MessageDeliveryFailure" });
    for (const notify of [() => Promise.reject(thrown), fail(thrown), () => [thrown], async () => [thrown]]) {
        await callbackError(send(notify), "notify", { code: thrown.code, message: thrown.message, cause: thrown });
    }
    for (const [answer, message] of [
        [42, /^the answer of notify is a number: /],
        ["sent", /^the answer of notify is a string: /],
        [true, /^the answer of notify is a boolean: /],
        [{ 0: null, length: 1 }, /^the answer of notify is an object: /],
        [[], /^the notifier got 1 notifications and returned 0 answers$/],
        [[null, null], /^the notifier got 1 notifications and returned 2 answers$/],
    ]) {
        for (const notify of [() => answer, async () => answer]) {
            await callbackError(send(notify), "notify", { message });
        }
    }
    for (const answer of [undefined, null, [null], [undefined], new Array(1)]) {
        await send(() => answer);
    }
    const bestEffort = withConductor(conductor(), { notifier: { notify: () => Promise.reject(thrown) } });
    await bestEffort.notifyAboutInstanceUsage({ instance: hibiscus(), eventSuffix: "x", bestEffort: true });
});

test("the notifier throws or returns an invalid answer for its position", async () => {
    const audit = (methods) =>
        withConductor(conductor({ taskLogGet: runningTask }), {
            notifier: { notify: () => undefined, ...methods },
        }).runInstanceUsageAudit({ resume: true });
    const thrown = new Error("the file is gone");
    for (const callback of ["position", "resumeAt"]) {
        for (const method of [fail(thrown), () => Promise.reject(thrown)]) {
            await callbackError(audit({ [callback]: method }), callback, { cause: thrown });
        }
        const message = `the notifier has no method \`${callback}\``;
        await callbackError(audit({ [callback]: 42 }), callback, { code: "NotImplementedError", message });
        for (const method of [undefined, null, () => undefined, () => null, async () => null]) {
            assert.equal((await audit({ [callback]: method })).instances, 1);
        }
    }
    for (const answer of [42, true, [], {}]) {
        const message = /^`the answer of position` is .*: give a string$/;
        await callbackError(audit({ position: () => answer }), "position", { code: "TypeError", message });
    }
});

test("a notification says whether it is versioned", async () => {
    for (const { release, instance, expected } of [
        { release: "grizzly", instance: networked(), expected: [false] },
        { release: "hibiscus", instance: hibiscus(), expected: [false, true] },
    ]) {
        const notifier = memory.collectingNotifier();
        const nova = withConductor(conductor(), { release, notificationFormat: "both", notifier });
        await nova.notifyUsageExists({ instance });
        const isVersioned = ({ versioned }) => versioned;
        assert.deepEqual(notifier.notifications.map(isVersioned), expected);
        const hasEnvelope = ({ payload }) => "nova_object.name" in payload;
        assert.deepEqual(notifier.notifications.map(hasEnvelope), expected);
        nova.free();
    }
});

test("a method of a host is called on the host", async () => {
    class Host {
        #calls = 0;
        taskLogGet() {
            this.#calls += 1;
            return null;
        }
        get calls() {
            return this.#calls;
        }
    }
    const host = new Host();
    assert.equal(await withConductor(host).hasAuditBeenRun(), false);
    assert.equal(host.calls, 1);
});

test("a callback can call functions, and methods of the same object", async () => {
    const deviceNames = { release: "hibiscus", deviceNameList: ["/dev/vda"], rootDeviceName: "/dev/vda" };
    const results = [];
    const host = conductor({
        async taskLogGet() {
            results.push(library.getNextDeviceName(deviceNames));
            results.push((await nova.eventStart({ instanceUuid, eventName })).id);
            if (results.length < 20) {
                results.push(await nova.hasAuditBeenRun());
            }
            return null;
        },
    });
    const nova = withConductor(host, {
        clock() {
            library.stripDev("/dev/vda");
            return NOW;
        },
        randomBytes(length) {
            library.matchDevice("/dev/vda");
            return new Uint8Array(length);
        },
        notifier: { notify: () => nova.actionStart({ instanceUuid }).then(() => undefined) },
    });
    const report = await nova.runInstanceUsageAudit({ onProgress: () => library.prependDev("vda") });
    assert.deepEqual([report.instances, report.notifications, report.failures], [1, 1, []]);
    assert.equal(results.length, 29, results.join());
    assert.deepEqual([...new Set(results)], ["/dev/vdb", 1, false]);
    nova.free();
});

test("a getter of the options can call the library", async () => {
    const nova = withConductor(conductor());
    const options = {
        get instanceUuid() {
            library.infoFromInstance({ release: "hibiscus", instance: hibiscus() });
            void nova.actionFinish({ instanceUuid });
            return instanceUuid;
        },
    };
    assert.equal((await nova.actionStart(options)).id, 1);
    nova.free();
});

test("an object that is freed during a call completes the call", async () => {
    for (const free of [(nova) => nova.free(), (nova) => nova[Symbol.dispose]()]) {
        const nova = withConductor(conductor({ taskLogGet: () => (free(nova), null) }));
        const earlier = nova.eventStart({ instanceUuid, eventName });
        assert.equal((await nova.runInstanceUsageAudit()).instances, 1);
        assert.equal((await earlier).id, 1);
        assert.throws(() => nova.hasAuditBeenRun(), Error);
        // The module still works.
        assert.equal(library.stripDev("/dev/vda"), "vda");
    }
});

test("calls overlap", async () => {
    const waiting = [];
    const wait = (_, { action }) => new Promise((resolve) => waiting.push([action, resolve]));
    const nova = withConductor(conductor({ actionStart: wait }));
    const started = Array.from({ length: 50 }, (_, n) => nova.actionStart({ instanceUuid, actionName: `a${n}` }));
    // Each call starts in a later turn of the event loop.
    await new Promise(setImmediate);
    assert.equal(waiting.length, 50);
    assert.equal((await nova.eventStart({ instanceUuid, eventName })).id, 1);
    for (const [action, resolve] of waiting.reverse()) {
        resolve({ ...conductor().actionStart(), action });
    }
    assert.deepEqual(
        (await Promise.all(started)).map(({ action }) => action),
        started.map((_, n) => `a${n}`),
    );
    nova.free();
});

test("an error of the clock or of the random bytes rejects the call, and no notification is sent", async () => {
    const thrown = new Error("no battery");
    const broken = fail(thrown);
    const clocks = [broken, () => 42, () => undefined, () => new Date(NaN), () => "noon", () => Promise.resolve(NOW)];
    const randoms = [
        ...[broken, () => undefined, () => "random", () => new Uint8Array(15), () => [1, 2, 3]],
        ...[() => new Uint16Array(16), () => Object.create(Uint8Array.prototype)],
    ];
    const instance = hibiscus();
    const sending = [
        (nova) => nova.notifyUsageExists({ instance }),
        (nova) => nova.runInstanceUsageAudit(),
        (nova) => nova.notifyAboutInstanceUsage({ instance, eventSuffix: "x" }),
        (nova) => nova.notifyAboutInstanceUsage({ instance, eventSuffix: "x", bestEffort: true }),
        (nova) => nova.notifyAboutVolumeUsage({ volUsage: volUsage() }),
    ];
    for (const option of [...clocks.map((clock) => ({ clock })), ...randoms.map((randomBytes) => ({ randomBytes }))]) {
        const [[callback, method]] = Object.entries(option);
        for (const [index, send] of sending.entries()) {
            const notifier = memory.collectingNotifier();
            const nova = withConductor(conductor(), { notifier, notificationFormat: "both", ...option });
            const isBroken = method === broken;
            const message = isBroken ? "no battery" : new RegExp(`${callback}|noon`);
            const expected = isBroken ? { message, cause: thrown } : { message };
            await callbackError(send(nova), callback, expected, `${index}: ${method}`);
            assert.deepEqual(notifier.notifications, []);
            nova.free();
        }
    }
    // A call that needs the time reads the clock before it calls the conductor.
    const used = [];
    const host = new Proxy(conductor(), { get: (target, name) => (used.push(name), target[name]) });
    const nova = withConductor(host, { clock: broken });
    await callbackError(nova.eventStart({ instanceUuid, eventName }), "clock", { cause: thrown });
    const reported = nova.reportEvent({ eventName, instanceUuids: [UUID] }, () => used.push("the body"));
    await callbackError(reported, "clock", { cause: thrown });
    assert.deepEqual(used, []);
});

test("every method of the class rejects, and does not throw", async () => {
    const nova = withConductor(conductor());
    const methods = calls(library).filter(({ name }) => /^ComputeUtils\.(?!constructor)/.test(name));
    assert.equal(methods.length, Object.keys(METHODS).length - 1);
    for (const { name } of methods) {
        const promise = nova[name.slice("ComputeUtils.".length)](42);
        assert.ok(promise instanceof Promise, name);
        assertNovaError(await errorOf(promise), { code: "TypeError" }, name);
    }
    nova.free();
});
