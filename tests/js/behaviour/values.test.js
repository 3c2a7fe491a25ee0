// Numbers, moments, maps, null: what goes in is taken to the digit or refused, and what comes out is plain.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { installed } from "../support/installed.js";
import {
    action,
    actionEvent,
    calls,
    conductor,
    context,
    grizzly,
    hibiscus,
    MAY,
    NOW,
    UUID,
} from "../support/samples.js";

const { library, memory, remove } = await installed();
const { ComputeUtils, NovaError, infoFromInstance, imageMeta, hydrate, existsPayload, lastCompletedAuditPeriod } =
    library;
after(remove);

const release = "hibiscus";

/** The payload of an instance with some changes. */
const payload = (changes) => infoFromInstance({ release, instance: { ...hibiscus(), ...changes } });

/** Everything inside of a value, with its path; errors are looked into elsewhere. */
function* inside(value, path = "") {
    yield [path, value];
    if (typeof value === "object" && value !== null && !(value instanceof Error)) {
        for (const key of Reflect.ownKeys(value)) {
            yield* inside(value[key], `${path}.${String(key)}`);
        }
    }
}

function frozen(value) {
    for (const [, member] of inside(value)) {
        if (typeof member === "object" && member !== null && !ArrayBuffer.isView(member)) {
            Object.freeze(member);
        }
    }
    return value;
}

/** @param {() => unknown} call */
function refused(call, code, message) {
    assert.throws(call, (error) => {
        assert.ok(error instanceof NovaError, `a NovaError was expected: ${error.stack}`);
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
    });
}

test("whole numbers keep every digit: a number while that is exact, a bigint beyond", () => {
    const safe = Number.MAX_SAFE_INTEGER;
    const wholes = [
        0,
        1,
        -1,
        safe,
        -safe,
        2n ** 53n,
        -(2n ** 53n),
        2n ** 63n - 1n,
        -(2n ** 63n),
        2n ** 64n,
        10n ** 30n,
    ];
    for (const whole of wholes) {
        for (const given of [whole, BigInt(whole)]) {
            assert.equal(payload({ metadata: { whole: given } }).metadata.whole, whole, `${typeof given} ${given}`);
            const text = JSON.stringify(hibiscus()).replace('"role":"pos"', `"role":${given}`);
            assert.equal(infoFromInstance({ release, instance: text }).metadata.role, whole, `${given} as JSON text`);
        }
    }
    for (const part of [0.5, -1.25, 1e-7, 1.5e15]) {
        assert.equal(payload({ metadata: { part } }).metadata.part, part);
    }
    // Digits in a text are no number.
    assert.equal(payload({ display_name: "90071992547409931" }).display_name, "90071992547409931");
});

test("a document with one long number has the same members as without", () => {
    const { metadata, ...others } = payload({
        metadata: { long: 2n ** 60n, text: "x", list: [1, null, { deep: true }] },
    });
    assert.deepEqual(metadata, { long: 2n ** 60n, text: "x", list: [1, null, { deep: true }] });
    const { metadata: _, ...plain } = payload({});
    assert.deepEqual(others, plain);
    assert.deepEqual(Object.keys(others), Object.keys(plain), "the order is another one");
});

test("a number that may have been rounded, or is none, is refused by its path", () => {
    const flavor = hibiscus().flavor;
    for (const [root_gb, message] of [
        [2 ** 53, /^`instance\.flavor\.root_gb` is 9007199254740992, .* as a bigint$/],
        [-(2 ** 60), /^`instance\.flavor\.root_gb` is -1152921504606847000, .* as a bigint$/],
        [1e300, /^`instance\.flavor\.root_gb` is 1e\+300, .* as a bigint$/],
        [NaN, /^`instance\.flavor\.root_gb` is NaN, which JSON cannot hold$/],
        [Infinity, /^`instance\.flavor\.root_gb` is Infinity, which JSON cannot hold$/],
        [-Infinity, /^`instance\.flavor\.root_gb` is -Infinity, which JSON cannot hold$/],
        [new Date(NaN), /^`instance\.flavor\.root_gb` is an invalid date$/],
    ]) {
        refused(() => payload({ flavor: { ...flavor, root_gb } }), "ValueError", message);
    }
    refused(
        () => payload({ metadata: [{ key: "a" }, { key: NaN }] }),
        "ValueError",
        /^`instance\.metadata\[1\]\.key` is NaN/,
    );
    refused(
        () => payload({ metadata: new Map([["a", new Map([["b", NaN]])]]) }),
        "ValueError",
        /^`instance\.metadata\.a\.b` is/,
    );
    refused(() => library.generateDeviceLetter(2 ** 53), "TypeError", /^`index` is a number: .* bigint/);
    refused(() => library.generateDeviceLetter(0.5), "TypeError", /^`index` is a number/);
    refused(() => library.generateDeviceLetter(2n ** 63n), "TypeError", /^`index` is a bigint/);
    assert.equal(library.generateDeviceLetter(27n), library.generateDeviceLetter(27));
});

test("a Date stands for a moment wherever there is one", async () => {
    const before = new Date("2025-06-22T23:22:47.250Z");
    const text = "2025-06-22T23:22:47.250000";
    assert.deepEqual(lastCompletedAuditPeriod({ release, before }), MAY);
    const date = (moment) => new Date(`${moment.slice(0, 23)}Z`);
    const window = { begin: date(MAY.begin), end: date(MAY.end) };
    const instance = hibiscus();
    assert.deepEqual(existsPayload({ release, instance, window }), existsPayload({ release, instance, window: MAY }));
    const launched_at = "2025-04-26T12:19:14.500000";
    assert.deepEqual(payload({ launched_at: date(launched_at) }), payload({ launched_at }));
    assert.equal(library.packActionFinish({ release, instanceUuid: UUID, now: before }).finish_time, text);
    const started = library.packActionStart({ release, instanceUuid: UUID, context: { timestamp: before } });
    assert.equal(started.start_time, text);
    // Of a clock, of a conductor's rows, and on the way to it.
    const seen = [];
    const rows = conductor({
        actionEventStart: (...given) => {
            seen.push(given);
            return actionEvent({ start_time: before, created_at: before, updated_at: before, deleted_at: before });
        },
        actionStart: () => action({ start_time: before, finish_time: before, created_at: before, updated_at: before }),
        taskLogGet: () => ({
            task_name: "instance_usage_audit",
            state: "DONE",
            host: "cmp-01",
            period_beginning: window.begin,
            period_ending: window.end,
            message: "",
            task_items: 0n,
            errors: 2n ** 60n,
        }),
    });
    const nova = new ComputeUtils({ release, host: "cmp-01", conductor: rows, clock: () => before });
    const event = await nova.eventStart({ context: { timestamp: before }, instanceUuid: UUID, eventName: "e" });
    assert.deepEqual(
        [event.start_time, event.created_at, event.updated_at, event.deleted_at],
        [text, text, text, text],
    );
    assert.deepEqual([seen[0][0].timestamp, seen[0][1].start_time], [text, text]);
    const started2 = await nova.actionStart({ instanceUuid: UUID });
    assert.deepEqual([started2.start_time, started2.finish_time], [text, text]);
    assert.equal(await nova.hasAuditBeenRun({ timestamp: before }), true);
    nova.free();
});

test("what only looks like a moment is refused", () => {
    const at = (before) => () => lastCompletedAuditPeriod({ release, before });
    refused(at(new Date(NaN)), "ValueError", /^`before` is an invalid date$/);
    refused(at(Object.create(Date.prototype)), "ValueError", /^`before` is an invalid date$/);
    refused(at(new Date(8.64e15)), "ValueError", /275760/);
    refused(at(NOW.length), "TypeError", /^`before` is a number: give a `Date` or text$/);
    refused(at({}), "TypeError", /^`before` is an object: give a `Date` or text$/);
    refused(at("yesterday"), "ValueError", /yesterday/);
});

test("a Map is as good as an object, a Set and bytes are none", () => {
    const map = (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
            ? new Map(Object.entries(value).map(([key, member]) => [key, map(member)]))
            : value;
    const instance = hibiscus();
    assert.deepEqual(infoFromInstance({ release, instance: map(instance) }), infoFromInstance({ release, instance }));
    assert.deepEqual(
        infoFromInstance({ release: "grizzly", instance: map(grizzly()) }),
        infoFromInstance({ release: "grizzly", instance: grizzly() }),
    );
    assert.deepEqual(
        hydrate({ release, networkInfo: [map({ id: "x" })] }),
        hydrate({ release, networkInfo: [{ id: "x" }] }),
    );
    const hidden = [
        new Set(["a"]),
        new Uint8Array(2),
        new Float64Array(1),
        new ArrayBuffer(2),
        new DataView(new ArrayBuffer(2)),
    ];
    for (const value of [...hidden, new Set(), "text"[Symbol.iterator](), Object("text")]) {
        refused(
            () => payload({ metadata: { value } }),
            "TypeError",
            /^`instance\.metadata\.value` is no plain object$/,
        );
        refused(() => imageMeta(value), "TypeError", /^`systemMetadata` is no plain object$/);
    }
    refused(
        () => imageMeta({ toJSON: () => undefined }),
        "TypeError",
        /^`systemMetadata` is nothing that JSON could show$/,
    );
    refused(() => imageMeta(Promise.resolve({})), "TypeError", /^`systemMetadata` is a promise: wait for it$/);
    refused(() => payload({ metadata: [Promise.resolve({})] }), "TypeError", /^`instance\.metadata\[0\]` is a promise/);
});

test("what JSON leaves out is left out, beside a bigint too", () => {
    const odd = { gone: undefined, method() {}, [Symbol("s")]: 1, list: [undefined, Symbol("s"), , 1] };
    const left = { list: [null, null, null, 1] };
    assert.deepEqual(payload({ metadata: odd }).metadata, left);
    assert.deepEqual(payload({ metadata: { ...odd, long: 2n ** 60n } }).metadata, { ...left, long: 2n ** 60n });
    assert.deepEqual(payload({ metadata: { own: { toJSON: () => ({ shown: 2n ** 60n }) } } }).metadata, {
        own: { shown: 2n ** 60n },
    });
});

test("nothing that is given is changed", async () => {
    for (const { name, call, good } of calls(library)) {
        // A signal and a host are not the caller's data.
        const given = good();
        const before = structuredClone(given.map((value) => (isData(value) ? value : undefined)));
        await call(...given.map((value) => (isData(value) ? frozen(value) : value)));
        assert.deepEqual(
            given.map((value) => (isData(value) ? value : undefined)),
            before,
            name,
        );
    }
    const nw = frozen([{ id: "x", network: { subnets: [{ cidr: "10.0.0.0/24", ips: [{ address: "10.0.0.2" }] }] } }]);
    infoFromInstance(frozen({ release, instance: hibiscus(), networkInfo: nw }));
    hydrate(frozen({ release: "grizzly", networkInfo: nw }));
});

function isData(value) {
    return [...inside(value)].every(([, member]) => typeof member !== "function" && !(member instanceof AbortSignal));
}

test("any kind of object is a document: frozen, without a prototype, of a class", () => {
    const plain = payload({});
    class Instance {
        constructor() {
            Object.assign(this, hibiscus());
        }
        get display() {
            throw new Error("nobody asks a getter of the class");
        }
    }
    for (const instance of [frozen(hibiscus()), Object.assign(Object.create(null), hibiscus()), new Instance()]) {
        assert.deepEqual(infoFromInstance({ release, instance }), plain);
    }
    assert.deepEqual(infoFromInstance(Object.assign(Object.create(null), { release, instance: hibiscus() })), plain);
});

test("what throws while it is read comes as the cause", async () => {
    const thrown = new Error("the getter is broken");
    const broken = {
        get root_gb() {
            throw thrown;
        },
    };
    const trap = () => {
        throw thrown;
    };
    const proxy = (target) =>
        new Proxy(target, {
            get: trap,
            ownKeys: trap,
            has: trap,
            getPrototypeOf: trap,
            getOwnPropertyDescriptor: trap,
        });
    const { proxy: revoked, revoke } = Proxy.revocable([], {});
    revoke();
    const caused = (error) => error instanceof NovaError && error.cause === thrown;
    assert.throws(() => payload({ flavor: broken }), caused);
    assert.throws(() => imageMeta(proxy({})), caused);
    assert.throws(() => infoFromInstance(proxy({})), caused);
    assert.throws(
        () =>
            infoFromInstance({
                release,
                get instance() {
                    throw thrown;
                },
            }),
        caused,
    );
    const bdms = (given) => () => library.getDeviceNameForInstance({ release, instance: hibiscus(), bdms: given });
    assert.throws(bdms(proxy([{}])), caused);
    assert.throws(bdms([proxy({})]), caused);
    assert.throws(
        bdms([
            {
                get device_name() {
                    throw thrown;
                },
            },
        ]),
        caused,
    );
    for (const call of [bdms(revoked), bdms([revoked]), () => imageMeta(revoked), () => infoFromInstance(revoked)]) {
        assert.throws(call, (error) => error instanceof NovaError && error.code === "TypeError");
    }
    const nova = new ComputeUtils({ release, host: "cmp-01", conductor: conductor() });
    await assert.rejects(nova.actionStart(proxy({})), caused);
    await assert.rejects(
        nova.reportEvent({ eventName: "e", instanceUuids: proxy([]) }, () => 1),
        caused,
    );
    nova.free();
});

test("documents that hold themselves, or are nested without end", () => {
    const own = hibiscus();
    own.metadata = { own };
    refused(
        () => infoFromInstance({ release, instance: own }),
        "ValueError",
        /^`instance` holds itself, or is nested too deeply$/,
    );
    const nest = (depth, leaf) => Array.from({ length: depth }).reduce((inner) => ({ inner }), leaf);
    for (const depth of [200, 10_000, 100_000]) {
        for (const leaf of [1, 2n ** 60n]) {
            assert.throws(
                () => payload({ metadata: nest(depth, leaf) }),
                (error) => {
                    assert.ok(error instanceof NovaError, `${depth}: ${error}`);
                    return error.code === "ValueError";
                },
            );
        }
        const text = `{"uuid":"${UUID}","metadata":${'{"inner":'.repeat(depth)}1${"}".repeat(depth)}}`;
        assert.throws(
            () => infoFromInstance({ release, instance: text }),
            (error) => error.code === "ValueError",
        );
    }
    assert.deepEqual(payload({ metadata: nest(50, 2n ** 60n) }).metadata, nest(50, 2n ** 60n));
});

test("`__proto__` is a name like any other", () => {
    const odd = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": "x"}');
    for (const metadata of [odd, { ...odd, long: 2n ** 60n, ["__proto__"]: odd["__proto__"] }]) {
        const out = payload({ metadata }).metadata;
        assert.deepEqual(Object.getOwnPropertyDescriptor(out, "__proto__")?.value, { polluted: true });
        assert.equal(Object.getPrototypeOf(out), Object.prototype);
        assert.equal(out.polluted, undefined);
        assert.equal({}.polluted, undefined);
    }
});

test("lone surrogates do no harm", () => {
    const odd = "a\ud800b\udc00";
    const out = payload({ display_name: odd, metadata: { key: odd } });
    assert.deepEqual([out.instance_id, out.display_name, out.metadata.key], [UUID, odd, odd]);
    // Rust has no such text; a name must be one.
    for (const metadata of [{ [odd]: 1 }, { [odd]: 2n ** 60n }]) {
        refused(() => payload({ metadata }), "ValueError", /^not the JSON expected here: /);
    }
    assert.equal(library.stripDev(odd).length, odd.length);
    assert.equal(library.safeTruncate({ value: "😀😀", length: 5 }), "😀");
});

test("what comes out is plain: objects, arrays and values, and nothing is undefined", async () => {
    const outputs = [];
    for (const { name, call, good } of calls(library)) {
        outputs.push([name, await call(...good())]);
    }
    const keep =
        (method, answer) =>
        (...given) => {
            outputs.push([`the arguments of ${method}`, given]);
            return answer();
        };
    const asked = Object.fromEntries(Object.entries(conductor()).map(([name, method]) => [name, keep(name, method)]));
    const notifier = { notify: keep("notify", () => undefined) };
    const clock = () => NOW;
    for (const of of ["grizzly", "hibiscus"]) {
        const host = { release: of, host: "cmp-01", notificationFormat: "both", clock, conductor: asked, notifier };
        const nova = new ComputeUtils(host);
        const onProgress = keep("onProgress", () => undefined);
        outputs.push(["a report", await nova.runInstanceUsageAudit({ onProgress })]);
        await nova.eventFinishWithFailure({ instanceUuid: UUID, eventName: "e", excVal: new Error("x"), excTb: "y" });
        await nova.addInstanceFaultFromExc({ instanceUuid: UUID, fault: new Error("x") });
        await nova.notifyAboutVolumeUsage({ context: context(), volUsage: {} }).catch(() => undefined);
        nova.free();
    }
    assert.ok(outputs.length > 60, `${outputs.length}`);
    for (const [name, output] of outputs) {
        if (output === undefined || output instanceof TransformStream || output instanceof Uint8Array) {
            continue;
        }
        for (const [path, value] of inside(output)) {
            const where = `${name}${path}`;
            assert.notEqual(value, undefined, `${where} is undefined`);
            if (value instanceof Error) {
                continue;
            }
            const kind = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : null;
            assert.ok(
                [null, Object.prototype, Array.prototype].includes(kind) || path.endsWith("length"),
                `${where} is a ${kind}`,
            );
            assert.ok(["object", "string", "number", "bigint", "boolean"].includes(typeof value), where);
        }
    }
});

test("the hosts of the package take the same values", async () => {
    const rows = memory.memoryConductor({ release, now: () => new Date("2025-06-22T23:22:47Z") });
    const notifier = memory.collectingNotifier();
    const instance = {
        ...hibiscus(),
        launched_at: new Date("2025-04-26T12:19:14Z"),
        metadata: new Map([["n", 2n ** 60n]]),
    };
    await rows.addInstances([instance]);
    const nova = new ComputeUtils({
        release,
        host: "cmp-01",
        conductor: rows,
        notifier,
        clock: () => new Date(`${NOW.slice(0, 23)}Z`),
    });
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual(report.failures, []);
    assert.deepEqual(notifier.notifications[0].payload.metadata, { n: 2n ** 60n });
    nova.free();
});
