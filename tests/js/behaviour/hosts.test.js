// What a host may do to the library: answer late or wrongly, throw, be missing, call back in, or go away.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { read } from "../support/declarations.js";
import { installed } from "../support/installed.js";
import { calls, conductor, grizzly, hibiscus, MAY, METHODS, NOW, UUID, volUsage } from "../support/samples.js";

const { library, declarations, remove } = await installed();
const { ComputeUtils, NovaError } = library;
after(remove);

const instanceUuid = UUID;
const eventName = "compute_reboot_instance";
const page = (instances, next_marker) => ({ instances, next_marker });

/**
 * What asks each method of a conductor, and the answers that make no sense.
 *
 * @type {Record<string, { ask: (nova: import("nova-compute-utils").ComputeUtils) => Promise<unknown>, release?: string,
 *     wrong: unknown[], others?: object }>}
 */
const METHOD = {
    taskLogGet: { ask: (nova) => nova.hasAuditBeenRun(), wrong: [42, "row", true, [], {}, { task_name: 42 }] },
    // Whatever they answer, they did it.
    taskLogBeginTask: { ask: (nova) => nova.startInstanceUsageAudit({ window: MAY, numInstances: 1 }), wrong: [] },
    taskLogEndTask: { ask: (nova) => nova.finishInstanceUsageAudit({ window: MAY, errors: 0 }), wrong: [] },
    instanceFaultCreate: {
        ask: (nova) => nova.addInstanceFaultFromExc({ instanceUuid, fault: new Error("broken") }),
        wrong: [],
    },
    instanceGetActiveByWindow: {
        ask: (nova) => nova.runInstanceUsageAudit(),
        wrong: [
            ...[undefined, null, 42, "page", [], {}],
            ...[page(null), page({}), page("[]"), page(42), page([], 42), page([], {}), page([{ n: NaN }])],
            ...[page([new Set()]), page(new Map()), page([Promise.resolve({})])],
        ],
    },
    instanceCountActiveByWindow: {
        ask: (nova) => nova.runInstanceUsageAudit(),
        others: { instanceGetActiveByWindow: ({ marker }) => page([hibiscus()], marker === null ? "more" : null) },
        wrong: [undefined, null, "1", -1, 0.5, NaN, 2 ** 53, 2n ** 63n, [], {}, true],
    },
    bwUsageGetByUuids: {
        release: "grizzly",
        ask: (nova) => nova.bandwidthUsage({ instance: networked(), auditStart: MAY.begin }),
        wrong: [undefined, null, 42, "rows", {}, [42], [null], [{}], [{ uuid: UUID }], [{ ...bw(), bw_in: "much" }]],
    },
    instanceGetNwInfo: {
        release: "grizzly",
        ask: (nova) => nova.bandwidthUsage({ instance: grizzly(), auditStart: MAY.begin }),
        wrong: [undefined, null, 42, true, "no JSON", [42], [new Set()]],
    },
    actionStart: { ask: (nova) => nova.actionStart({ instanceUuid }), wrong: rows() },
    actionFinish: { ask: (nova) => nova.actionFinish({ instanceUuid }), wrong: rows() },
    actionEventStart: { ask: (nova) => nova.eventStart({ instanceUuid, eventName }), wrong: rows() },
    actionEventFinish: { ask: (nova) => nova.eventFinish({ instanceUuid, eventName }), wrong: rows() },
};

/** An instance of grizzly whose cache has a network. */
function networked() {
    const network_info = JSON.stringify([{ address: "fa:16:3e:00:00:01", network: { label: "net", subnets: [] } }]);
    return { ...grizzly(), info_cache: { network_info } };
}

function bw() {
    return { uuid: UUID, mac: "fa:16:3e:00:00:01", start_period: MAY.begin, bw_in: 1, bw_out: 2n ** 60n };
}

function rows() {
    return [undefined, null, 42, "row", [], {}, { id: "1" }, { id: 1, deleted: false, start_time: 42 }];
}

/** A library for a host, and what the host was asked. */
function utils(host, others = {}) {
    const clock = () => NOW;
    return new ComputeUtils({
        release: "hibiscus",
        host: "cmp-01",
        clock,
        notifier: { notify() {} },
        ...others,
        conductor: host,
    });
}

/**
 * The error of a callback.
 *
 * @param {Promise<unknown>} asked
 * @param {string} callback
 */
async function failed(asked, callback, what = "") {
    const error = await asked.then(
        (value) => assert.fail(`${callback} ${what}: it gave ${JSON.stringify(value)}`),
        (thrown) => thrown,
    );
    assert.ok(error instanceof NovaError, `${callback} ${what}: no NovaError, but ${error?.stack}`);
    assert.equal(error.callback, callback, `${what}: ${error.stack}`);
    return error;
}

test("each method of a conductor is put to the test", () => {
    const [, body] = /^export interface Conductor \{\n([^]*?)^\}/m.exec(declarations.replace(/\/\*\*[^]*?\*\//g, ""));
    const names = [...body.matchAll(/^ {4}(\w+)\(/gm)].map(([, name]) => name);
    assert.deepEqual(Object.keys(METHOD).sort(), names.sort());
    assert.ok(read(declarations).methods.length > 10);
});

for (const [name, { ask, wrong, release = "hibiscus", others = {} }] of Object.entries(METHOD)) {
    const with_ = (method) => utils(conductor({ ...others, [name]: method }), { release });

    test(`${name}: at once, later, or of another kind of promise`, async () => {
        const good = conductor(others)[name];
        const answers = [];
        const thenable = (value) => ({ then: (resolve) => void resolve(value) });
        const late = (value) => new Promise((resolve) => setTimeout(resolve, 1, value));
        for (const wrap of [
            (value) => value,
            (value) => Promise.resolve(value),
            thenable,
            late,
            (value) => thenable(late(value)),
        ]) {
            answers.push(
                await ask(with_((...given) => wrap(good(...given)))).catch((error) => [error.code, error.message]),
            );
        }
        for (const answer of answers) {
            assert.deepEqual(answer, answers[0]);
        }
    });

    test(`${name}: throws or rejects`, async () => {
        for (const thrown of [
            new Error("no"),
            Object.assign(new Error("gone"), { code: "DBError" }),
            "no",
            null,
            undefined,
            42,
        ]) {
            const broken = [
                () => {
                    throw thrown;
                },
                () => Promise.reject(thrown),
                () => ({ then: (_, reject) => void reject(thrown) }),
                () => ({
                    then() {
                        throw thrown;
                    },
                }),
            ];
            for (const method of broken) {
                const error = await failed(ask(with_(method)), name, String(thrown));
                assert.equal(error.cause, thrown);
                assert.equal("cause" in error, thrown !== undefined);
                assert.equal(error.code, thrown?.code ?? "Error");
                assert.equal(error.message, thrown?.message ?? String(thrown));
            }
        }
    });

    test(`${name}: answers what makes no sense`, async () => {
        for (const value of wrong) {
            for (const answer of [value, Promise.resolve(value)]) {
                const error = await failed(ask(with_(() => answer)), name, String(value)).catch((other) => {
                    // What the library makes of a network is told by the library, and no callback is to blame.
                    if (name === "instanceGetNwInfo" && other.code === "ERR_ASSERTION" && other.expected === name) {
                        return undefined;
                    }
                    throw other;
                });
                if (error !== undefined) {
                    assert.match(error.code, /^(TypeError|ValueError)$/, error.message);
                    assert.match(error.message, new RegExp(`the answer of ${name}`), String(value));
                    assert.equal("cause" in error, false, "the host threw nothing");
                }
            }
        }
    });

    test(`${name}: is missing, or no method`, async () => {
        for (const method of [undefined, null, 42, {}]) {
            const error = await failed(ask(with_(method)), name);
            assert.equal(error.code, "NotImplementedError");
            assert.equal(error.message, `the conductor has no method \`${name}\``);
        }
    });

    test(`${name}: reading it, or its answer, throws`, async () => {
        const thrown = new Error("the getter is broken");
        const trap = () => {
            throw thrown;
        };
        const host = Object.defineProperty(conductor(others), name, { get: trap });
        assert.equal((await failed(ask(utils(host, { release })), name)).cause, thrown);
        assert.equal(
            (await failed(ask(with_(() => Object.defineProperty({}, "then", { get: trap }))), name)).cause,
            thrown,
        );
        if (wrong.length > 0) {
            const answer = new Proxy({}, { get: (_, member) => (member === "then" ? undefined : trap()) });
            const error = await failed(ask(with_(() => answer)), name).catch((other) => other);
            assert.ok(error instanceof NovaError || name === "instanceGetNwInfo", error.stack);
        }
    });
}

test("without a conductor, or a notifier", async () => {
    for (const nothing of [null, undefined]) {
        const nova = new ComputeUtils({ release: "hibiscus", host: "cmp-01", conductor: nothing, notifier: nothing });
        const asked = await failed(nova.hasAuditBeenRun(), "taskLogGet");
        assert.equal(asked.code, "NoConductor");
        assert.match(asked.message, /there is no conductor: give one to `ComputeUtils`$/);
        const told = await failed(nova.notifyUsageExists({ instance: hibiscus() }), "notify");
        assert.equal(told.code, "NoNotifier");
        assert.match(told.message, /there is no notifier: give one to `ComputeUtils`$/);
    }
});

test("a notifier that throws, or answers what makes no sense", async () => {
    const tell = (notify) => utils(conductor(), { notifier: { notify } }).notifyUsageExists({ instance: hibiscus() });
    const thrown = Object.assign(new Error("the broker is gone"), { code: "MessageDeliveryFailure" });
    for (const notify of [
        () => Promise.reject(thrown),
        () => {
            throw thrown;
        },
        () => [thrown],
        async () => [thrown],
    ]) {
        const error = await failed(tell(notify), "notify");
        assert.deepEqual([error.cause, error.code, error.message], [thrown, thrown.code, thrown.message]);
    }
    for (const [answer, says] of [
        [42, /^the answer of notify is a number: /],
        ["sent", /^the answer of notify is text: /],
        [true, /^the answer of notify is a boolean: /],
        [{ 0: null, length: 1 }, /^the answer of notify is an object: /],
        [[], /^the notifier was given 1 notifications and answered 0$/],
        [[null, null], /^the notifier was given 1 notifications and answered 2$/],
    ]) {
        for (const notify of [() => answer, async () => answer]) {
            assert.match((await failed(tell(notify), "notify")).message, says);
        }
    }
    for (const answer of [undefined, null, [null], [undefined], new Array(1)]) {
        await tell(() => answer);
    }
    const best = utils(conductor(), { notifier: { notify: () => Promise.reject(thrown) } });
    await best.notifyAboutInstanceUsage({ instance: hibiscus(), eventSuffix: "x", bestEffort: true });
});

test("methods are called as methods", async () => {
    class Host {
        #rows = 0;
        taskLogGet() {
            this.#rows += 1;
            return null;
        }
        get rows() {
            return this.#rows;
        }
    }
    const host = new Host();
    assert.equal(await utils(host).hasAuditBeenRun(), false);
    assert.equal(host.rows, 1);
});

test("a callback may call back in: free functions, and methods of the same object", async () => {
    const inner = [];
    const nova = utils(
        conductor({
            async taskLogGet() {
                inner.push(
                    library.getNextDeviceName({
                        release: "hibiscus",
                        deviceNameList: ["/dev/vda"],
                        rootDeviceName: "/dev/vda",
                    }),
                );
                inner.push((await nova.eventStart({ instanceUuid, eventName })).id);
                if (inner.length < 20) {
                    inner.push(await nova.hasAuditBeenRun());
                }
                return null;
            },
        }),
        {
            clock() {
                library.stripDev("/dev/vda");
                return NOW;
            },
            randomBytes(length) {
                library.matchDevice("/dev/vda");
                return new Uint8Array(length);
            },
            notifier: { notify: () => nova.actionStart({ instanceUuid }).then(() => undefined) },
        },
    );
    const report = await nova.runInstanceUsageAudit({ onProgress: () => library.prependDev("vda") });
    assert.deepEqual([report.instances, report.notifications, report.failures], [1, 1, []]);
    assert.equal(inner.length, 29, inner.join());
    assert.deepEqual([...new Set(inner)], ["/dev/vdb", 1, false]);
    nova.free();
});

test("getters of the options may call back in", async () => {
    const nova = utils(conductor());
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

test("an object that is freed while it is asked finishes what it began", async () => {
    const free = [(nova) => nova.free(), (nova) => nova[Symbol.dispose]()];
    for (const end of free) {
        let nova;
        const host = conductor({
            taskLogGet() {
                end(nova);
                return null;
            },
        });
        nova = utils(host);
        const early = nova.eventStart({ instanceUuid, eventName });
        const report = await nova.runInstanceUsageAudit();
        assert.equal(report.instances, 1);
        assert.equal((await early).id, 1);
        assert.throws(() => nova.hasAuditBeenRun(), Error);
        // The module is as good as before.
        assert.equal(library.stripDev("/dev/vda"), "vda");
    }
});

test("calls overlap", async () => {
    const waiting = [];
    const nova = utils(
        conductor({ actionStart: (_, { action }) => new Promise((resolve) => waiting.push([action, resolve])) }),
    );
    const asked = Array.from({ length: 50 }, (_, at) => nova.actionStart({ instanceUuid, actionName: `a${at}` }));
    // Each call begins in a turn of its own.
    await new Promise(setImmediate);
    assert.equal(waiting.length, 50);
    const row = await nova.eventStart({ instanceUuid, eventName });
    assert.equal(row.id, 1);
    const good = conductor().actionStart();
    for (const [action, resolve] of waiting.reverse()) {
        resolve({ ...good, action });
    }
    assert.deepEqual(
        (await Promise.all(asked)).map(({ action }) => action),
        asked.map((_, at) => `a${at}`),
    );
    nova.free();
});

test("without the time, or randomness, nothing is sent, and the error says so", async () => {
    const thrown = new Error("no battery");
    const broken = () => {
        throw thrown;
    };
    const clocks = [broken, () => 42, () => undefined, () => new Date(NaN), () => "noon", () => Promise.resolve(NOW)];
    const randoms = [
        ...[
            broken,
            () => undefined,
            () => "random",
            () => new Uint8Array(15),
            () => [1, 2, 3],
            () => new Uint16Array(16),
        ],
        () => Object.create(Uint8Array.prototype),
    ];
    const asks = [
        (nova) => nova.notifyUsageExists({ instance: hibiscus() }),
        (nova) => nova.runInstanceUsageAudit(),
        (nova) => nova.notifyAboutInstanceUsage({ instance: hibiscus(), eventSuffix: "x" }),
        (nova) => nova.notifyAboutInstanceUsage({ instance: hibiscus(), eventSuffix: "x", bestEffort: true }),
        (nova) => nova.notifyAboutVolumeUsage({ volUsage: volUsage() }),
    ];
    const options = [...clocks.map((clock) => ({ clock })), ...randoms.map((randomBytes) => ({ randomBytes }))];
    for (const option of options) {
        const [callback] = Object.keys(option);
        for (const [at, ask] of asks.entries()) {
            const sent = [];
            const notifier = { notify: (_, notifications) => void sent.push(...notifications) };
            const nova = utils(conductor(), { notifier, notificationFormat: "both", ...option });
            const error = await failed(ask(nova), callback, `${at}: ${option[callback]}`);
            assert.deepEqual(sent, []);
            if (option[callback] === broken) {
                assert.deepEqual([error.cause, error.message], [thrown, "no battery"]);
            } else {
                assert.match(error.message, new RegExp(`${callback}|noon`));
            }
            nova.free();
        }
    }
    // What asks for the time only tells no conductor either.
    const seen = [];
    const host = new Proxy(conductor(), { get: (target, name) => (seen.push(name), target[name]) });
    const nova = utils(host, { clock: broken });
    await failed(nova.eventStart({ instanceUuid, eventName }), "clock");
    await failed(
        nova.reportEvent({ eventName, instanceUuids: [UUID] }, () => seen.push("the work")),
        "clock",
    );
    assert.deepEqual(seen, []);
});

test("every method of the class rejects, and throws nothing", async () => {
    const nova = utils(conductor());
    for (const { name } of calls(library).filter((call) => /^ComputeUtils\.(?!constructor)/.test(call.name))) {
        const answer = nova[name.slice("ComputeUtils.".length)](42);
        assert.ok(answer instanceof Promise, name);
        await assert.rejects(answer, NovaError, name);
    }
    assert.ok(Object.keys(METHODS).length > 10);
    nova.free();
});
