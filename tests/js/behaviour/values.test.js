// Numbers, timestamps, maps and null: the library takes every value exactly or rejects it, and returns plain values.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import {
    action,
    actionEvent,
    blockDevices,
    calls,
    conductor,
    context,
    grizzly,
    hibiscus,
    hostOptions,
    MAY,
    NOW,
    UUID,
} from "../support/samples.js";

const { library, memory, assertNovaError, remove } = await loadPackage();
const { ComputeUtils, infoFromInstance, imageMeta, hydrate, existsPayload, lastCompletedAuditPeriod } = library;
after(remove);

const release = "hibiscus";

/** Returns the payload of an instance of `hibiscus` with some other values. */
const payload = (values) => infoFromInstance({ release, instance: hibiscus(values) });

/** Yields every value inside of a value, with its path; errors have members that are not plain, and are not entered. */
function* valuesInside(value, path = "") {
    yield [path, value];
    if (typeof value === "object" && value !== null && !(value instanceof Error)) {
        for (const key of Reflect.ownKeys(value)) {
            yield* valuesInside(value[key], `${path}.${String(key)}`);
        }
    }
}

/** Freezes a value and everything inside of it. */
function deepFreeze(value) {
    for (const [, member] of valuesInside(value)) {
        if (typeof member === "object" && member !== null && !ArrayBuffer.isView(member)) {
            Object.freeze(member);
        }
    }
    return value;
}

async function assertRejected(call, code, message, expected = {}) {
    assertNovaError(await errorOf(call), { code, message, ...expected });
}

test("an integer keeps every digit, as a number if that is exact and as a bigint otherwise", () => {
    const safe = Number.MAX_SAFE_INTEGER;
    const large = [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n, 10n ** 30n];
    for (const integer of [0, 1, -1, safe, -safe, ...large]) {
        for (const input of [integer, BigInt(integer)]) {
            const { metadata } = payload({ metadata: { integer: input } });
            assert.equal(metadata.integer, integer, `${typeof input} ${input}`);
            const instance = JSON.stringify(hibiscus()).replace('"role":"pos"', `"role":${input}`);
            assert.equal(infoFromInstance({ release, instance }).metadata.role, integer, `${input} as JSON text`);
        }
    }
    for (const fraction of [0.5, -1.25, 1e-7, 1.5e15]) {
        assert.equal(payload({ metadata: { fraction } }).metadata.fraction, fraction);
    }
    // A string of digits stays a string.
    assert.equal(payload({ display_name: "90071992547409931" }).display_name, "90071992547409931");
});

test("a bigint in a document changes nothing else of the payload", () => {
    const input = { long: 2n ** 60n, text: "x", list: [1, null, { deep: true }] };
    const { metadata, ...others } = payload({ metadata: input });
    assert.deepEqual(metadata, input);
    const { metadata: _, ...plain } = payload({});
    assert.deepEqual(others, plain);
    assert.deepEqual(Object.keys(others), Object.keys(plain), "the order differs");
});

test("an error names the path of a number that may have been rounded or is not finite", async () => {
    const inFlavor = (root_gb) => () => payload({ flavor: { ...hibiscus().flavor, root_gb } });
    for (const [root_gb, message] of [
        [2 ** 53, /^`instance\.flavor\.root_gb` is 9007199254740992, .* as a bigint$/],
        [-(2 ** 60), /^`instance\.flavor\.root_gb` is -1152921504606847000, .* as a bigint$/],
        [1e300, /^`instance\.flavor\.root_gb` is 1e\+300, .* as a bigint$/],
        [NaN, /^`instance\.flavor\.root_gb` is NaN, which JSON cannot represent$/],
        [Infinity, /^`instance\.flavor\.root_gb` is Infinity, which JSON cannot represent$/],
        [-Infinity, /^`instance\.flavor\.root_gb` is -Infinity, which JSON cannot represent$/],
        [new Date(NaN), /^`instance\.flavor\.root_gb` is an invalid date$/],
    ]) {
        await assertRejected(inFlavor(root_gb), "ValueError", message);
    }
    const inList = { metadata: [{ key: "a" }, { key: NaN }] };
    await assertRejected(() => payload(inList), "ValueError", /^`instance\.metadata\[1\]\.key` is NaN/);
    const inMap = { metadata: new Map([["a", new Map([["b", NaN]])]]) };
    await assertRejected(() => payload(inMap), "ValueError", /^`instance\.metadata\.a\.b` is/);
    for (const [index, message] of [
        [2 ** 53, /^`index` is a number: .* bigint/],
        [0.5, /^`index` is a number/],
        [2n ** 63n, /^`index` is a bigint/],
    ]) {
        await assertRejected(() => library.generateDeviceLetter(index), "TypeError", message);
    }
    assert.equal(library.generateDeviceLetter(27n), library.generateDeviceLetter(27));
});

test("every timestamp can be a Date", async () => {
    const date = new Date("2025-06-22T23:22:47.250Z");
    const text = "2025-06-22T23:22:47.250000";
    const toDate = (time) => new Date(`${time.slice(0, 23)}Z`);
    assert.deepEqual(lastCompletedAuditPeriod({ release, before: date }), MAY);
    const window = { begin: toDate(MAY.begin), end: toDate(MAY.end) };
    const instance = hibiscus();
    assert.deepEqual(existsPayload({ release, instance, window }), existsPayload({ release, instance, window: MAY }));
    const launched_at = "2025-04-26T12:19:14.500000";
    assert.deepEqual(payload({ launched_at: toDate(launched_at) }), payload({ launched_at }));
    assert.equal(library.packActionFinish({ release, instanceUuid: UUID, now: date }).finish_time, text);
    const values = library.packActionStart({ release, instanceUuid: UUID, context: { timestamp: date } });
    assert.equal(values.start_time, text);
    // The clock and the rows of a conductor can have dates; the conductor gets strings.
    let received;
    const host = conductor({
        actionEventStart: (...args) => {
            received = args;
            return actionEvent({ start_time: date, created_at: date, updated_at: date, deleted_at: date });
        },
        actionStart: () => action({ start_time: date, finish_time: date, created_at: date, updated_at: date }),
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
    const nova = new ComputeUtils(hostOptions({ conductor: host, clock: () => date }));
    const event = await nova.eventStart({ context: { timestamp: date }, instanceUuid: UUID, eventName: "e" });
    for (const column of ["start_time", "created_at", "updated_at", "deleted_at"]) {
        assert.equal(event[column], text, column);
    }
    assert.deepEqual([received[0].timestamp, received[1].start_time], [text, text]);
    const { start_time, finish_time } = await nova.actionStart({ instanceUuid: UUID });
    assert.deepEqual([start_time, finish_time], [text, text]);
    assert.equal(await nova.hasAuditBeenRun({ timestamp: date }), true);
    nova.free();
});

test("an invalid timestamp is rejected", async () => {
    for (const [before, code, message] of [
        [new Date(NaN), "ValueError", /^`before` is an invalid date$/],
        [Object.create(Date.prototype), "ValueError", /^`before` is an invalid date$/],
        [new Date(8.64e15), "ValueError", /275760/],
        [42, "TypeError", /^`before` is a number: give a `Date` or a string$/],
        [{}, "TypeError", /^`before` is an object: give a `Date` or a string$/],
        ["yesterday", "ValueError", /yesterday/],
    ]) {
        await assertRejected(() => lastCompletedAuditPeriod({ release, before }), code, message);
    }
});

test("a document can contain a Map as an object, and rejects a Set, bytes and promises", async () => {
    const toMap = (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
            ? new Map(Object.entries(value).map(([key, member]) => [key, toMap(member)]))
            : value;
    for (const options of [
        { release, instance: hibiscus() },
        { release: "grizzly", instance: grizzly() },
    ]) {
        const withMaps = { ...options, instance: toMap(options.instance) };
        assert.deepEqual(infoFromInstance(withMaps), infoFromInstance(options));
    }
    const vif = { id: "x" };
    assert.deepEqual(hydrate({ release, networkInfo: [toMap(vif)] }), hydrate({ release, networkInfo: [vif] }));
    const bytes = [new Uint8Array(2), new Float64Array(1), new ArrayBuffer(2), new DataView(new ArrayBuffer(2))];
    for (const value of [...bytes, new Set(["a"]), new Set(), "text"[Symbol.iterator](), Object("text")]) {
        const inDocument = /^`instance\.metadata\.value` is not a plain object$/;
        await assertRejected(() => payload({ metadata: { value } }), "TypeError", inDocument);
        await assertRejected(() => imageMeta(value), "TypeError", /^`systemMetadata` is not a plain object$/);
    }
    const withoutJson = { toJSON: () => undefined };
    const promise = Promise.resolve({});
    await assertRejected(() => imageMeta(withoutJson), "TypeError", /^`systemMetadata` has no JSON form$/);
    await assertRejected(() => imageMeta(promise), "TypeError", /^`systemMetadata` is a promise: await it first$/);
    const inList = /^`instance\.metadata\[0\]` is a promise/;
    await assertRejected(() => payload({ metadata: [promise] }), "TypeError", inList);
});

test("a document omits the members that JSON omits, with and without a bigint", () => {
    const input = { absent: undefined, method() {}, [Symbol("s")]: 1, list: [undefined, Symbol("s"), , 1] };
    const expected = { list: [null, null, null, 1] };
    assert.deepEqual(payload({ metadata: input }).metadata, expected);
    assert.deepEqual(payload({ metadata: { ...input, long: 2n ** 60n } }).metadata, { ...expected, long: 2n ** 60n });
    const own = { toJSON: () => ({ long: 2n ** 60n }) };
    assert.deepEqual(payload({ metadata: { own } }).metadata, { own: { long: 2n ** 60n } });
});

test("the library changes no argument", async () => {
    // Signals and hosts are objects with behaviour, which cannot be cloned.
    const isData = (value) =>
        [...valuesInside(value)].every(([, inner]) => typeof inner !== "function" && !(inner instanceof AbortSignal));
    const dataOf = (args) => args.map((value) => (isData(value) ? value : undefined));
    for (const { name, call, valid } of calls(library)) {
        const args = valid();
        const before = structuredClone(dataOf(args));
        await call(...args.map((value) => (isData(value) ? deepFreeze(value) : value)));
        assert.deepEqual(dataOf(args), before, name);
    }
    const subnets = [{ cidr: "10.0.0.0/24", ips: [{ address: "10.0.0.2" }] }];
    const networkInfo = deepFreeze([{ id: "x", address: null, network: { label: "net", subnets } }]);
    infoFromInstance(deepFreeze({ release, instance: hibiscus(), networkInfo }));
    hydrate(deepFreeze({ release: "grizzly", networkInfo }));
});

test("a document can be frozen, without a prototype, or of a class", () => {
    const expected = payload({});
    class Instance {
        constructor() {
            Object.assign(this, hibiscus());
        }
        get display() {
            throw new Error("a getter of the class is called");
        }
    }
    const withoutPrototype = (value) => Object.assign(Object.create(null), value);
    for (const instance of [deepFreeze(hibiscus()), withoutPrototype(hibiscus()), new Instance()]) {
        assert.deepEqual(infoFromInstance({ release, instance }), expected);
    }
    assert.deepEqual(infoFromInstance(withoutPrototype({ release, instance: hibiscus() })), expected);
});

test("an exception while a value is read is the cause of the error", async () => {
    const cause = new Error("the getter is broken");
    const trap = () => {
        throw cause;
    };
    const failing = (name) => Object.defineProperty({}, name, { get: trap, enumerable: true });
    const traps = { get: trap, ownKeys: trap, has: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap };
    const proxy = (target) => new Proxy(target, traps);
    const { proxy: revoked, revoke } = Proxy.revocable([], {});
    revoke();
    const devices = (bdms) => () => library.getDeviceNameForInstance({ release, instance: hibiscus(), bdms });
    const nova = new ComputeUtils(hostOptions());
    for (const call of [
        () => payload({ flavor: failing("root_gb") }),
        () => imageMeta(proxy({})),
        () => infoFromInstance(proxy({})),
        () => infoFromInstance(Object.assign(failing("instance"), { release })),
        devices(proxy([{}])),
        devices([proxy({})]),
        devices([failing("device_name")]),
        () => nova.actionStart(proxy({})),
        () => nova.reportEvent({ eventName: "e", instanceUuids: proxy([]) }, () => 1),
    ]) {
        assertNovaError(await errorOf(call), { cause }, String(call));
    }
    for (const call of [
        devices(revoked),
        devices([revoked]),
        () => imageMeta(revoked),
        () => infoFromInstance(revoked),
    ]) {
        const error = await errorOf(call);
        assertNovaError(error, { code: "TypeError", cause: error.cause }, String(call));
        assert.ok(error.cause instanceof TypeError);
    }
    nova.free();
});

test("a document that contains itself or is nested too deeply is rejected", async () => {
    const own = hibiscus();
    own.metadata = { own };
    const message = /^`instance` contains itself or is nested too deeply$/;
    await assertRejected(() => infoFromInstance({ release, instance: own }), "ValueError", message);
    const nest = (depth, leaf) => Array.from({ length: depth }).reduce((inner) => ({ inner }), leaf);
    for (const depth of [200, 10_000, 100_000]) {
        for (const leaf of [1, 2n ** 60n]) {
            await assertRejected(() => payload({ metadata: nest(depth, leaf) }), "ValueError", /./);
        }
        const instance = `{"uuid":"${UUID}","metadata":${'{"inner":'.repeat(depth)}1${"}".repeat(depth)}}`;
        await assertRejected(() => infoFromInstance({ release, instance }), "ValueError", /./);
    }
    assert.deepEqual(payload({ metadata: nest(50, 2n ** 60n) }).metadata, nest(50, 2n ** 60n));
});

test("`__proto__` is an ordinary name", () => {
    const input = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": "x"}');
    for (const metadata of [input, { ...input, long: 2n ** 60n, ["__proto__"]: input["__proto__"] }]) {
        const result = payload({ metadata }).metadata;
        assert.deepEqual(Object.getOwnPropertyDescriptor(result, "__proto__")?.value, { polluted: true });
        assert.equal(Object.getPrototypeOf(result), Object.prototype);
        assert.equal(result.polluted, undefined);
        assert.equal({}.polluted, undefined);
    }
});

test("a lone surrogate passes through, except in a name", async () => {
    const text = "a\ud800b\udc00";
    const { instance_id, display_name, metadata } = payload({ display_name: text, metadata: { key: text } });
    assert.deepEqual([instance_id, display_name, metadata.key], [UUID, text, text]);
    // A Rust string cannot hold a surrogate, and the library reads the names.
    for (const named of [{ [text]: 1 }, { [text]: 2n ** 60n }]) {
        await assertRejected(() => payload({ metadata: named }), "ValueError", /^not the JSON expected here: /);
    }
    assert.equal(library.stripDev(text).length, text.length);
    assert.equal(library.safeTruncate({ value: "😀😀", length: 5 }), "😀");
});

test("every result and callback argument is a plain value without undefined", async () => {
    const outputs = [];
    for (const { name, call, valid } of calls(library)) {
        outputs.push([name, await call(...valid())]);
    }
    const record =
        (name, answer) =>
        (...args) => {
            outputs.push([`the arguments of ${name}`, args]);
            return answer();
        };
    const recording = (methods) =>
        Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, record(name, method)]));
    const notifier = recording({ notify: () => undefined });
    for (const release of ["grizzly", "hibiscus"]) {
        const host = { release, notificationFormat: "both", conductor: recording(conductor()), notifier };
        const nova = new ComputeUtils(hostOptions(host));
        const onProgress = record("onProgress", () => undefined);
        outputs.push(["a report", await nova.runInstanceUsageAudit({ onProgress })]);
        await nova.eventFinishWithFailure({ instanceUuid: UUID, eventName: "e", excVal: new Error("x"), excTb: "y" });
        await nova.addInstanceFaultFromExc({ instanceUuid: UUID, fault: new Error("x") });
        await nova.notifyAboutVolumeUsage({ context: context(), volUsage: {} }).catch(() => undefined);
        nova.free();
    }
    const refused = { release, instance: hibiscus(), bdms: blockDevices(), device: "/dev/vdb" };
    outputs.push(["an error", (await errorOf(() => library.getDeviceNameForInstance(refused))).arguments]);
    assert.ok(outputs.length > 60, `${outputs.length}`);
    for (const [name, output] of outputs) {
        if (output === undefined || output instanceof TransformStream || output instanceof Uint8Array) {
            continue;
        }
        for (const [path, value] of valuesInside(output)) {
            const label = `${name}${path}`;
            assert.notEqual(value, undefined, `${label} is undefined`);
            if (!(value instanceof Error || ArrayBuffer.isView(value))) {
                const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : null;
                const isPlain = [null, Object.prototype, Array.prototype].includes(prototype);
                assert.ok(isPlain || path.endsWith("length"), `${label} is a ${prototype}`);
                assert.ok(["object", "string", "number", "bigint", "boolean"].includes(typeof value), label);
            }
        }
    }
});

test("the hosts of the package take the same values", async () => {
    const tables = memory.memoryConductor({ release, now: () => new Date("2025-06-22T23:22:47Z") });
    const notifier = memory.collectingNotifier();
    const launched_at = new Date("2025-04-26T12:19:14Z");
    await tables.addInstances([hibiscus({ launched_at, metadata: new Map([["n", 2n ** 60n]]) })]);
    const clock = () => new Date(`${NOW.slice(0, 23)}Z`);
    const nova = new ComputeUtils(hostOptions({ conductor: tables, notifier, clock }));
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual(report.failures, []);
    assert.deepEqual(notifier.notifications[0].payload.metadata, { n: 2n ** 60n });
    nova.free();
});
