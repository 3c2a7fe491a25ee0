// Errors: their code, message and arguments, the callback that failed, and the value that the host threw.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { readDeclarations } from "../support/declarations.js";
import { errorOf } from "../support/errors.js";
import { loadPackage, run } from "../support/project.js";
import {
    blockDevices,
    conductor,
    context,
    FUNCTIONS,
    hibiscus,
    hostOptions,
    MAY,
    METHODS,
    UUID,
    uuidOf,
} from "../support/samples.js";

const { library, memory, assertNovaError, directory, declarations, remove } = await loadPackage();
const { ComputeUtils, NovaError } = library;
after(remove);

const release = "hibiscus";
const fail = (thrown) => () => {
    throw thrown;
};
const failingGetter = Object.defineProperty({}, "message", { get: fail(new Error("the getter is broken")) });
const failingProxy = new Proxy({}, { get: fail(new Error("the trap is broken")) });
const ARGUMENTS = { marker: "a", count: 2n ** 60n };
const UNREADABLE = "the host threw a value that cannot be described";

/** Values that a host can throw, with the code, the message and the arguments of the resulting error. */
const THROWN = [
    [new Error("plain"), "Error", "plain"],
    [new TypeError("typed"), "TypeError", "typed"],
    [Object.assign(new Error("coded"), { code: "TaskAlreadyRunning" }), "TaskAlreadyRunning", "coded"],
    [Object.assign(new Error("numbered"), { code: 42 }), "Error", "numbered"],
    [Object.assign(new Error("unnamed"), { code: "", name: "" }), "Error", "unnamed"],
    [Object.freeze(new Error("frozen")), "Error", "frozen"],
    [new NovaError("DBError", "from the library"), "DBError", "from the library"],
    [new DOMException("stop", "AbortError"), "AbortError", "stop"],
    [{ code: "Odd", message: "not an error" }, "Odd", "not an error"],
    [Object.assign(new Error("no such marker"), { arguments: ARGUMENTS }), "Error", "no such marker", ARGUMENTS],
    [Object.assign(new Error("odd arguments"), { arguments: 42 }), "Error", "odd arguments"],
    [{}, "Error", "[object Object]"],
    [Object.create(null), "Error", UNREADABLE],
    ["text", "Error", "text"],
    ["", "Error", ""],
    [0, "Error", "0"],
    [false, "Error", "false"],
    [null, "Error", "null"],
    [2n ** 60n, "Error", String(2n ** 60n)],
    [Symbol("s"), "Error", "Symbol(s)"],
    [() => 1, "Error", "() => 1"],
    [["a", "b"], "Error", "a,b"],
    [failingGetter, "Error", UNREADABLE],
    [failingProxy, "Error", UNREADABLE],
];

test("a NovaError is an Error with a code, a message and a stack", () => {
    const error = new NovaError("DBError", "no such table", { callback: "taskLogGet", cause: 42, arguments: { a: 1 } });
    const { code, message, callback, cause } = error;
    assert.deepEqual([code, message, callback, cause], ["DBError", "no such table", "taskLogGet", 42]);
    assert.deepEqual([error.arguments, String(error)], [{ a: 1 }, "NovaError: no such table"]);
    assert.match(error.stack, /errors\.test\.js/);
    const bare = new NovaError("DBError", "no such table");
    assertNovaError(bare, { code: "DBError", message: "no such table", arguments: {} });
    assert.equal("body" in bare, false);
    assert.equal("cause" in new NovaError("a", "b", { cause: undefined }), true);
});

test("an error of Nova has Nova's name and message, and no callback", () => {
    const options = { release, instance: hibiscus(), bdms: blockDevices(), device: "/dev/vdb" };
    const code = "DevicePathInUse";
    assert.throws(
        () => library.getDeviceNameForInstance(options),
        (error) => {
            assertNovaError(error, { code, message: "The supplied device path (/dev/vdb) is in use." });
            // The stack starts at the caller.
            return /errors\.test\.js/.test(error.stack);
        },
    );
    const { error, device_name } = library.explainDeviceNameForInstance(options);
    assertNovaError(error, { code });
    assert.equal(device_name, null);
});

test("an error has the arguments of Nova's exception", async () => {
    const named = (device) => ({ release, instance: hibiscus(), bdms: blockDevices(), device });
    const inUse = { code: "DevicePathInUse", arguments: { path: "/dev/vdb" } };
    assertNovaError(await errorOf(() => library.getDeviceNameForInstance(named("/dev/vdb"))), inUse);
    assertNovaError(library.explainDeviceNameForInstance(named("/dev/vdb")).error, inUse);
    const path = "no device";
    const invalid = await errorOf(() => library.getDeviceNameForInstance(named(path)));
    assertNovaError(invalid, { code: "InvalidDevicePath", arguments: { path } });
    const { stopped } = library.defaultDeviceNamesForInstance({
        release,
        rootDeviceName: "/dev/vda",
        blockDeviceLists: [[null]],
        maxDiskDevicesToAttach: 0,
    });
    assertNovaError(stopped, { code: "TooManyDiskDevices", arguments: { maximum: 0 } });
    const name = await errorOf(() => library.validateDeviceName("no device"));
    const details = "Device name contains spaces.";
    assertNovaError(name, { code: "InvalidBDMFormat", arguments: { details } });
    const networkInfo = [{ network: { subnets: [{ ips: [{ address: "no address" }] }] } }];
    const address = await errorOf(() => library.hydrate({ release, networkInfo }));
    assertNovaError(address, { code: "InvalidIpAddressError", arguments: {} });
    // Python's exceptions have no keyword arguments.
    const unknown = await errorOf(() => library.lastCompletedAuditPeriod({ release: "grizzly", unit: "fortnight" }));
    assertNovaError(unknown, { code: "ValueError", arguments: {} });
});

test("an error of the conductor in memory has the arguments of Nova's exception", async () => {
    const tables = memory.memoryConductor({ release });
    const task = { task_name: "instance_usage_audit", host: "cmp-01" };
    const key = { ...task, period_beginning: MAY.begin, period_ending: MAY.end };
    const begin = () => tables.taskLogBeginTask(context(), { ...key, task_items: 1, message: "m" });
    const absent = { ...key, host: "cmp-02", errors: 0, message: null };
    const action = { release, context: context(), instanceUuid: UUID };
    const other = { ...action, instanceUuid: uuidOf(1) };
    const missing = { request_id: context().request_id, instance_uuid: other.instanceUuid };
    const event = library.packActionEventFinish({ ...action, eventName: "e" });
    const query = { ...MAY, project_id: null, host: null, marker: "m", limit: 1 };
    await begin();
    const { id } = await tables.actionStart(context(), library.packActionStart(action));
    for (const [call, code, args] of [
        [begin, "TaskAlreadyRunning", task],
        [() => tables.taskLogEndTask(context(), absent), "TaskNotRunning", { ...task, host: "cmp-02" }],
        [() => tables.actionFinish(context(), library.packActionFinish(other)), "InstanceActionNotFound", missing],
        [
            () => tables.actionEventFinish(context(), event),
            "InstanceActionEventNotFound",
            { event: "e", action_id: id },
        ],
        [() => tables.instanceGetActiveByWindow(context(), query), "MarkerNotFound", { marker: "m" }],
    ]) {
        const error = await errorOf(call, code);
        assert.deepEqual([error.code, error.arguments], [code, args]);
    }
});

test("the cause is the value that the host threw", async () => {
    for (const [thrown, code, message, args = {}] of THROWN) {
        const nova = new ComputeUtils(hostOptions({ conductor: { taskLogGet: () => Promise.reject(thrown) } }));
        const error = await errorOf(nova.hasAuditBeenRun());
        assertNovaError(error, { code, message, callback: "taskLogGet", cause: thrown, arguments: args });
        nova.free();
    }
});

test("the error of a refused notification is the cause of a failure in the report", async () => {
    const refusals = THROWN.filter(([thrown]) => thrown !== null);
    const instances = refusals.map((_, index) => hibiscus({ uuid: uuidOf(index) }));
    const page = () => ({ instances: [...instances, "no JSON", { uuid: 42 }] });
    const notify = (_, { length }) => Array.from({ length }, (_, index) => refusals[index]?.[0]);
    const host = conductor({ instanceGetActiveByWindow: page });
    const nova = new ComputeUtils(hostOptions({ conductor: host, notifier: { notify } }));
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual([report.instances, report.notifications], [instances.length + 2, 0]);
    assert.equal(report.failures.length, instances.length + 2);
    for (const [index, [thrown, code, message, args = {}]] of refusals.entries()) {
        const { instance_uuid, error } = report.failures[index];
        assert.equal(instance_uuid, instances[index].uuid);
        assertNovaError(error, { code, message, callback: "notify", cause: thrown, arguments: args });
    }
    // An unreadable instance is one failure, and the audit continues.
    for (const { instance_uuid, error } of report.failures.slice(-2)) {
        assert.equal(instance_uuid, null);
        assertNovaError(error, { code: "ValueError" });
    }
    nova.free();
});

test("every function throws NotInitialized before the module is loaded", async () => {
    const names = readDeclarations(declarations).functions.map(({ name }) => name);
    const { errors, constructor, afterInit } = await callBeforeInit(names);
    assert.equal(errors.length, names.length);
    for (const [index, { code, message, isNovaError }] of errors.entries()) {
        assert.deepEqual([code, isNovaError], ["NotInitialized", true], names[index]);
        assert.match(message, /call `await init\(\)` first/);
    }
    assert.deepEqual([constructor.code, constructor.isNovaError], ["NotInitialized", true]);
    assert.deepEqual(afterInit, "vda");
});

/** Runs a separate program, because the entries for Node and for browsers share one module, which is loaded here. */
async function callBeforeInit(names) {
    const isOptions = (value) => !ArrayBuffer.isView(value);
    const valid = Object.fromEntries(names.map((name) => [name, FUNCTIONS[name]().filter(isOptions)]));
    const program = `
        import { readFile } from "node:fs/promises";
        import * as library from "./node_modules/nova-compute-utils/browser.js";
        const valid = ${JSON.stringify(valid)};
        const errorOf = (call) => {
            try {
                return { code: "no error", message: String(call()) };
            } catch (error) {
                return { code: error.code, message: error.message, isNovaError: error instanceof library.NovaError };
            }
        };
        const errors = Object.keys(valid).map((name) => errorOf(() => library[name](...valid[name])));
        const constructor = errorOf(() => new library.ComputeUtils(${JSON.stringify(METHODS.constructor()[0])}));
        const wasm = new URL("./node_modules/nova-compute-utils/nova_compute_utils_bg.wasm", import.meta.url);
        await library.init(readFile(wasm));
        console.log(JSON.stringify({ errors, constructor, afterInit: library.stripDev("/dev/vda") }));
    `;
    await writeFile(join(directory, "before-init.js"), program);
    return JSON.parse((await run(directory, process.execPath, "before-init.js")).stdout);
}
