// The types of the packed package, with the strictest options of TypeScript and every module resolution.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { readDeclarations } from "../support/declarations.js";
import { createProject, run } from "../support/project.js";
import {
    blockDevices,
    conductor,
    FUNCTIONS,
    grizzly,
    hibiscus,
    hostOptions,
    METHODS,
    runningTask,
    UUID,
    volUsage,
} from "../support/samples.js";

const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const TYPES = fileURLToPath(new URL("../node_modules/@types", import.meta.url));
const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"];

/** The options of programs for browsers, which lack the types of Node, and for Node, which lack those of the DOM. */
const BUNDLED = [..."--module esnext --moduleResolution bundler --lib es2022,dom --types".split(" "), ""];
const BROWSER = [..."--module nodenext --moduleResolution nodenext --lib es2022,dom --types".split(" "), ""];
const NODE = [
    ..."--module nodenext --moduleResolution nodenext --lib es2022 --types node --typeRoots".split(" "),
    TYPES,
];

const { directory, packageDirectory, load, remove } = await createProject(new URL("fixtures/", import.meta.url));
after(remove);

const readPackageFile = (file) => readFile(join(packageDirectory, file), "utf8");
const declarations = `${await readPackageFile("index.d.ts")}\n${await readPackageFile("nova_compute_utils.d.ts")}`;
const { interfaces, functions, methods, callbacks } = readDeclarations(declarations);

/** Type-checks a file of the project, and the declarations of the package. */
function check(file, options = BUNDLED) {
    const all = ["--ignoreConfig", "--noEmit", "--skipLibCheck", "false", ...STRICT, ...options, file];
    return run(directory, process.execPath, TSC, ...all);
}

/** Writes a program to the project, and type-checks it. */
async function checkProgram(file, program) {
    await writeFile(join(directory, "types", file), program);
    await check(`types/${file}`);
}

for (const options of [BUNDLED, BROWSER, NODE]) {
    for (const file of ["use.ts", "sql.ts"]) {
        test(`${file}: ${options.slice(1, 6).join(" ")}`, () => check(`types/${file}`, options));
    }
}

test("the hosts for browsers", () => check("types/browser.ts"));

test("use.ts uses every declared name", async () => {
    const program = await readFile(join(directory, "types/use.ts"), "utf8");
    const exported = declarations.matchAll(/^export (?:declare )?(?:interface|type|function|class) (\w+)/gm);
    const names = [...exported].map(([, name]) => name);
    const members = [...interfaces.values(), methods].flat().map(({ name }) => name);
    const unused = [...names, ...members].filter((name) => !new RegExp(`\\b${name}\\b`).test(program));
    assert.ok(names.length > 100, `the declarations were misread: only ${names.length} names`);
    assert.deepEqual(
        unused.filter((name) => name !== "constructor"),
        [],
    );
});

test("no declaration uses `any`", async () => {
    const files = (await readdir(packageDirectory, { recursive: true })).filter((file) => file.endsWith(".d.ts"));
    assert.ok(files.length > 5, files.join());
    for (const file of files) {
        const code = (await readPackageFile(file)).replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
        assert.doesNotMatch(code, /\bany\b/, file);
    }
});

test("every value at run time has exactly the declared members", async () => {
    const values = await observedValues();
    assert.ok(values.length > 80, `only ${values.length} values`);
    const lines = values.map(({ type, value }, n) => `export const value${n}: ${type} = ${literal(value)};`);
    const imports = 'import { NovaError } from "nova-compute-utils"; import type * as nova from "nova-compute-utils";';
    await checkProgram("values.ts", `${imports}\n${lines.join("\n")}`);
    // The check fails for a missing, an additional and a mistyped member.
    for (const wrong of ['{ begin: "" }', '{ begin: "", end: "", middle: "" }', '{ begin: 1, end: "" }']) {
        const program = `import type { Window } from "nova-compute-utils"; export const window: Window = ${wrong};`;
        await assert.rejects(checkProgram("wrong.ts", program), /error TS/, wrong);
    }
});

/**
 * Returns the results of all functions and methods and the arguments of all callbacks, with their declared types.
 *
 * @returns {Promise<{ type: string, value: unknown }[]>}
 */
async function observedValues() {
    const library = await load("node.js");
    const values = [];
    const add = (type, value) => {
        const isGlobal = (name) => /^(Promise|Record|NovaError)$/.test(name);
        values.push({ type: type.replace(/\b[A-Z]\w+/g, (name) => (isGlobal(name) ? name : `nova.${name}`)), value });
    };
    for (const { name, result } of functions) {
        if (name !== "init" && !name.endsWith("Stream") && result !== "void") {
            add(result, library[name](...FUNCTIONS[name]()));
        }
    }
    const release = "hibiscus";
    const xen = { release: "grizzly", computeDriver: "xenapi.XenAPIDriver", instance: grizzly(), bdms: [] };
    add("Explanation", library.explainDeviceNameForInstance(xen));
    const inUse = { release, instance: hibiscus(), bdms: blockDevices(), device: "/dev/vdb" };
    add("Explanation", library.explainDeviceNameForInstance(inUse));
    const unnamed = { release, blockDeviceLists: [[null]] };
    add("DefaultDeviceNames", library.defaultDeviceNamesForInstance(unnamed));
    add("DeviceMatch | null", library.matchDevice("no name"));

    const payload = { "nova_object.name": "ServiceStatusPayload", "nova_object.version": "1.1" };
    add("ReceivedNotification", library.readNotification({ event_type: "service.update", payload }));

    const called = new Set();
    const observe =
        (name, answer) =>
        (...args) => {
            called.add(name);
            args.forEach((value, index) => add(callbacks.get(name)[index].type, value));
            return answer(...args);
        };
    const observed = (methods) =>
        Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, observe(name, method)]));
    const refuseFirst = (_, batch) => batch.map((_, index) => (index === 0 ? new Error("refused") : null));
    for (const [release, instance] of Object.entries({ grizzly: grizzly(), hibiscus: hibiscus() })) {
        const host = conductor({
            instanceGetActiveByWindow: (_, { marker }) => ({
                instances: [instance],
                next_marker: marker === null ? "more" : null,
            }),
            instanceCountActiveByWindow: () => 2,
        });
        const notifier = observed({ notify: refuseFirst, position: () => "7", resumeAt: () => undefined });
        const common = { release, notificationFormat: "both", conductor: observed(host), notifier };
        const nova = new library.ComputeUtils(hostOptions(common));
        for (const { name, result } of methods) {
            if (name === "constructor" || name === "reportEvent") {
                continue;
            }
            const [options] = METHODS[name]();
            if ("instance" in options) {
                options.instance = instance;
            }
            if ("onProgress" in options) {
                options.onProgress = (progress) => add("AuditProgress", progress);
            }
            const value = await nova[name](options).catch(() => undefined);
            const [, type] = /^Promise<(.*)>$/.exec(result);
            if (type !== "void" && value !== undefined) {
                add(type, value);
            }
        }
        await nova.addInstanceFaultFromExc({ instanceUuid: UUID, fault: new Error("broken") });
        await nova.notifyAboutVolumeUsage({ volUsage: volUsage() }).catch(() => undefined);
        nova.free();
    }
    const interrupted = observed(conductor({ taskLogGet: runningTask }));
    const notifier = observed({ notify: refuseFirst, resumeAt: () => undefined });
    const resuming = new library.ComputeUtils(hostOptions({ conductor: interrupted, notifier }));
    add("AuditReport | null", await resuming.runInstanceUsageAudit({ resume: true }));
    resuming.free();
    const uncalled = [...callbacks.keys()].filter((name) => !called.has(name));
    assert.deepEqual(uncalled, [], "callbacks that are never called");
    return values;
}

/** Returns a value as TypeScript source. */
function literal(value) {
    if (value instanceof Error) {
        return `new NovaError(${JSON.stringify(value.code)}, ${JSON.stringify(value.message)})`;
    }
    if (typeof value === "bigint") {
        return `${value}n`;
    }
    if (ArrayBuffer.isView(value)) {
        return `new ${value.constructor.name}([${value}])`;
    }
    if (Array.isArray(value)) {
        return `[${value.map(literal).join()}]`;
    }
    if (typeof value === "object" && value !== null) {
        const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${literal(member)}`);
        return `{ ${members.join()} }`;
    }
    return value === undefined ? "undefined" : JSON.stringify(value);
}

test("the declarations list exactly the exports of both loaders", async () => {
    const exportsOf = async (file) => Object.keys(await load(file)).sort();
    const names = await exportsOf("node.js");
    assert.deepEqual(await exportsOf("browser.js"), names);
    // A missing and an additional name are errors.
    const program = `import * as library from "nova-compute-utils";
        export const names: Record<keyof typeof library, true> = { ${names.map((name) => `${name}: true`)} };`;
    await checkProgram("exports.ts", program);
});
