// What is thrown: a NovaError, with Nova's name for it, the callback to blame, and the very value that the host threw.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { read } from "../support/declarations.js";
import { installed } from "../support/installed.js";
import { conductor, FUNCTIONS, hibiscus, METHODS, NOW, UUID } from "../support/samples.js";
import { run } from "../support/scratch.js";

const { library, directory, declarations, remove } = await installed();
const { ComputeUtils, NovaError } = library;
after(remove);

/** Values that a host may throw, and what is said of them. */
const THROWN = [
    [new Error("plain"), "Error", "plain"],
    [new TypeError("typed"), "TypeError", "typed"],
    [Object.assign(new Error("coded"), { code: "TaskAlreadyRunning" }), "TaskAlreadyRunning", "coded"],
    [Object.assign(new Error("numbered"), { code: 42 }), "Error", "numbered"],
    [Object.assign(new Error("unnamed"), { code: "", name: "" }), "Error", "unnamed"],
    [Object.freeze(new Error("frozen")), "Error", "frozen"],
    [new NovaError("DBError", "ours"), "DBError", "ours"],
    [new DOMException("stop", "AbortError"), "AbortError", "stop"],
    [{ code: "Odd", message: "no error" }, "Odd", "no error"],
    [{}, "Error", "[object Object]"],
    [Object.create(null), "Error", "the host threw something that says nothing of itself"],
    ["text", "Error", "text"],
    ["", "Error", ""],
    [0, "Error", "0"],
    [false, "Error", "false"],
    [null, "Error", "null"],
    [2n ** 60n, "Error", String(2n ** 60n)],
    [Symbol("s"), "Error", "Symbol(s)"],
    [() => 1, "Error", "() => 1"],
    [["a", "b"], "Error", "a,b"],
    [
        {
            get message() {
                throw new Error("not even that");
            },
        },
        "Error",
        "the host threw something that says nothing of itself",
    ],
    [
        new Proxy(
            {},
            {
                get() {
                    throw new Error("a trap");
                },
            },
        ),
        "Error",
        "the host threw something that says nothing of itself",
    ],
];

test("a NovaError is an Error with a code, a message and a stack", () => {
    const error = new NovaError("DBError", "no such table", { callback: "taskLogGet", cause: 42 });
    assert.ok(error instanceof Error);
    assert.deepEqual(
        [error.name, error.code, error.message, error.callback, error.cause, String(error)],
        ["NovaError", "DBError", "no such table", "taskLogGet", 42, "NovaError: no such table"],
    );
    assert.match(error.stack, /errors\.test\.js/);
    const bare = new NovaError("DBError", "no such table");
    assert.deepEqual([bare.callback, "cause" in bare, "body" in bare], [undefined, false, false]);
    assert.equal("cause" in new NovaError("a", "b", { cause: undefined }), true);
});

test("Nova's own errors have Nova's name and message, and nobody to blame", () => {
    const bdms = [{ device_name: "/dev/vdb", source_type: "volume", destination_type: "volume" }];
    const options = { release: "hibiscus", instance: hibiscus(), bdms, device: "/dev/vdb" };
    assert.throws(
        () => library.getDeviceNameForInstance(options),
        (error) => {
            assert.ok(error instanceof NovaError);
            assert.deepEqual([error.code, error.callback, "cause" in error], ["DevicePathInUse", undefined, false]);
            assert.equal(error.message, "The supplied device path (/dev/vdb) is in use.");
            // It comes from where it was called.
            return /errors\.test\.js/.test(error.stack);
        },
    );
    const { error, device_name } = library.explainDeviceNameForInstance(options);
    assert.ok(error instanceof NovaError && error instanceof Error);
    assert.deepEqual([device_name, error.code], [null, "DevicePathInUse"]);
    const { stopped } = library.defaultDeviceNamesForInstance({
        release: "hibiscus",
        rootDeviceName: "/dev/vda",
        blockDeviceLists: [[null]],
        maxDiskDevicesToAttach: 0,
    });
    assert.ok(stopped instanceof NovaError);
    assert.equal(stopped.code, "TooManyDiskDevices");
});

test("the cause is the very value that the host threw", async () => {
    for (const [thrown, code, message] of THROWN) {
        const nova = new ComputeUtils({
            release: "hibiscus",
            host: "cmp-01",
            conductor: { taskLogGet: () => Promise.reject(thrown) },
        });
        const error = await nova.hasAuditBeenRun().catch((caught) => caught);
        assert.ok(error instanceof NovaError);
        assert.equal(error.cause, thrown);
        assert.deepEqual([error.code, error.message, error.callback], [code, message, "taskLogGet"]);
        nova.free();
    }
});

test("what a notifier refuses with is the cause of the failure in the report", async () => {
    const refusals = THROWN.filter(([thrown]) => thrown !== null);
    const instances = refusals.map((_, at) => ({
        ...hibiscus(),
        uuid: UUID.slice(0, -2) + String(at).padStart(2, "0"),
    }));
    const nova = new ComputeUtils({
        release: "hibiscus",
        host: "cmp-01",
        clock: () => NOW,
        conductor: conductor({
            instanceGetActiveByWindow: () => ({ instances: [...instances, "no JSON", { uuid: 42 }] }),
        }),
        notifier: { notify: (_, { length }) => Array.from({ length }, (_, at) => refusals[at]?.[0]) },
    });
    const report = await nova.runInstanceUsageAudit();
    assert.deepEqual([report.instances, report.notifications], [instances.length + 2, 0]);
    assert.equal(report.failures.length, instances.length + 2);
    for (const [at, [thrown, code, message]] of refusals.entries()) {
        const { instance_uuid, error } = report.failures[at];
        assert.ok(error instanceof NovaError);
        assert.equal(error.cause, thrown);
        assert.deepEqual([instance_uuid, error.code, error.message], [instances[at].uuid, code, message]);
        assert.equal(error.callback, "notify");
    }
    // An instance that cannot be read is one failure, and stops nothing.
    for (const { instance_uuid, error } of report.failures.slice(-2)) {
        assert.deepEqual(
            [instance_uuid, error.code, error.callback, "cause" in error],
            [null, "ValueError", undefined, false],
        );
    }
    nova.free();
});

test("every function that is called before the module is loaded says so", async () => {
    const { functions } = read(declarations);
    const seen = await early(functions.map(({ name }) => name));
    assert.deepEqual(
        seen.names,
        functions.map(({ name }) => name),
    );
    for (const [at, { code, message, right }] of seen.errors.entries()) {
        assert.deepEqual([code, right], ["NotInitialized", true], seen.names[at]);
        assert.match(message, /call `await init\(\)` first/);
    }
    assert.deepEqual(seen.constructor, { code: "NotInitialized", right: true });
    assert.deepEqual(seen.after, "vda");
});

/** A program of its own: what one entry has loaded is loaded for the other one, too. */
async function early(names) {
    const good = Object.fromEntries(
        names.map((name) => [name, FUNCTIONS[name]().filter((given) => !ArrayBuffer.isView(given))]),
    );
    const program = `
        import { readFile } from "node:fs/promises";
        import * as library from "./node_modules/nova-compute-utils/browser.js";
        const names = ${JSON.stringify(names)};
        const good = ${JSON.stringify(good)};
        const tried = (call) => {
            try {
                return { code: "nothing", message: String(call()) };
            } catch (error) {
                return { code: error.code, message: error.message, right: error instanceof library.NovaError };
            }
        };
        const errors = names.map((name) => tried(() => library[name](...good[name])));
        const { code, right } = tried(() => new library.ComputeUtils(${JSON.stringify(METHODS.constructor()[0])}));
        const wasm = new URL("./node_modules/nova-compute-utils/nova_compute_utils_bg.wasm", import.meta.url);
        await library.init(readFile(wasm));
        const after = library.stripDev("/dev/vda");
        console.log(JSON.stringify({ names, errors, constructor: { code, right }, after }));
    `;
    await writeFile(join(directory, "early.js"), program);
    return JSON.parse((await run(directory, process.execPath, "early.js")).stdout);
}
