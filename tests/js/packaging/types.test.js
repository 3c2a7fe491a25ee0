// The types of the packed package, as strict as TypeScript can be, in each way in which it finds them.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { read } from "../support/declarations.js";
import { conductor, grizzly, hibiscus, METHODS, FUNCTIONS, NOW, UUID, volUsage } from "../support/samples.js";
import { run, scratch } from "../support/scratch.js";

const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const TYPES = fileURLToPath(new URL("../node_modules/@types", import.meta.url));

/** A program for browsers has no types of Node's, and one for Node none of the DOM. */
const PROGRAMS = [
    ["--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", "--types", ""],
    ["--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom", "--types", ""],
    [
        "--module",
        "nodenext",
        "--moduleResolution",
        "nodenext",
        "--lib",
        "es2022",
        "--types",
        "node",
        "--typeRoots",
        TYPES,
    ],
];

/** @type {Awaited<ReturnType<typeof scratch>>} */
let project;

before(async () => {
    project = await scratch(new URL("fixtures/", import.meta.url));
});

after(() => project?.remove());

/**
 * Type-check a file of the project; the declarations of the package are checked, too.
 *
 * @param {string} file
 * @param {string[]} options
 */
function check(file, options) {
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"];
    const all = ["--ignoreConfig", "--noEmit", "--skipLibCheck", "false", ...strict, ...options, file];
    return run(project.directory, process.execPath, TSC, ...all);
}

for (const options of PROGRAMS) {
    test(options.slice(1, 6).join(" "), () => check("types/use.ts", options));
}

test("the hosts for browsers", () => check("types/browser.ts", PROGRAMS[0]));

test("what is used above is everything", async () => {
    const text = await declarations();
    const used = await readFile(join(project.directory, "types/use.ts"), "utf8");
    const { interfaces, methods } = read(text);
    const names = [...text.matchAll(/^export (?:declare )?(?:interface|type|function|class) (\w+)/gm)].map(
        ([, name]) => name,
    );
    const members = [...interfaces.values()].flat().map(({ name }) => name);
    const forgotten = [...names, ...members, ...methods.map(({ name }) => name)].filter(
        (name) => name !== "constructor" && !new RegExp(`\\b${name}\\b`).test(used),
    );
    assert.ok(names.length > 100, `${names.length} are too few: the declarations were misread`);
    assert.deepEqual(forgotten, []);
});

test("nothing is declared as anything", async () => {
    const root = join(project.directory, "node_modules/nova-compute-utils");
    const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith(".d.ts"));
    assert.ok(files.length > 5, files.join());
    for (const file of files) {
        const code = (await readFile(join(root, file), "utf8")).replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
        assert.doesNotMatch(code, /\bany\b/, file);
    }
});

test("what comes out at run time is what is declared, member by member", async () => {
    const outputs = await observed();
    assert.ok(outputs.length > 80, `${outputs.length} are too few`);
    const lines = outputs.map(({ type, value }, at) => `export const output${at}: ${type} = ${literal(value)};`);
    const program = `import { NovaError } from "nova-compute-utils";
        import type * as nova from "nova-compute-utils";
        ${lines.join("\n")}`;
    await writeFile(join(project.directory, "types/outputs.ts"), program);
    await check("types/outputs.ts", PROGRAMS[0]);
    // A member too few and one too many are seen: this is no empty exercise.
    for (const wrong of ['{ begin: "" }', '{ begin: "", end: "", middle: "" }', '{ begin: 1, end: "" }']) {
        const wrongly = `import type { Window } from "nova-compute-utils"; export const window: Window = ${wrong};`;
        await writeFile(join(project.directory, "types/wrong.ts"), wrongly);
        await assert.rejects(check("types/wrong.ts", PROGRAMS[0]), /error TS/, wrong);
    }
});

async function declarations() {
    const root = join(project.directory, "node_modules/nova-compute-utils");
    const files = ["index.d.ts", "nova_compute_utils.d.ts"].map((file) => readFile(join(root, file), "utf8"));
    return (await Promise.all(files)).join("\n");
}

/**
 * What every function and method gives, and every callback is given, with the type that is declared for it.
 *
 * @returns {Promise<{ type: string, value: unknown }[]>}
 */
async function observed() {
    const library = await import(
        pathToFileURL(join(project.directory, "node_modules/nova-compute-utils/node.js")).href
    );
    const text = await declarations();
    const { functions, methods } = read(text);
    const seen = [];
    const see = (type, value) => {
        const ours = type.replace(/\b[A-Z]\w+/g, (name) =>
            /^(Promise|Record|NovaError)$/.test(name) ? name : `nova.${name}`,
        );
        seen.push({ type: ours, value });
    };
    for (const { name, result } of functions) {
        if (!["init", "existsNdjson", "existsNdjsonStream"].includes(name) && result !== "void") {
            see(result, library[name](...FUNCTIONS[name]()));
        }
    }
    const xen = { release: "grizzly", computeDriver: "xenapi.XenAPIDriver", instance: grizzly(), bdms: [] };
    see("Explanation", library.explainDeviceNameForInstance(xen));
    const taken = [{ device_name: "/dev/vdb", source_type: "volume", destination_type: "volume" }];
    const refused = { release: "hibiscus", instance: hibiscus(), bdms: taken, device: "/dev/vdb" };
    see("Explanation", library.explainDeviceNameForInstance(refused));
    see(
        "DefaultDeviceNames",
        library.defaultDeviceNamesForInstance({ release: "hibiscus", blockDeviceLists: [[null]] }),
    );
    see("DeviceMatch | null", library.matchDevice("no name"));

    const parameters = new Map();
    for (const role of ["Conductor", "Notifier"]) {
        const [, body] = new RegExp(`^export interface ${role} \\{\\n([^]*?)^\\}`, "m").exec(
            text.replace(/\/\*\*[^]*?\*\//g, ""),
        );
        for (const [, name, list] of body.matchAll(/^ {4}(\w+)\((.*)\): Awaitable/gm)) {
            // A comma, unless it stands inside of a type.
            parameters.set(
                name,
                list.split(/, (?=\w+: [A-Z])/).map((parameter) => parameter.replace(/^\w+: /, "")),
            );
        }
    }
    const called = new Set();
    const watched =
        (name, answer) =>
        (...given) => {
            called.add(name);
            given.forEach((value, at) => see(parameters.get(name)[at], value));
            return answer(...given);
        };
    const asked = (host) =>
        Object.fromEntries(Object.entries(host).map(([name, answer]) => [name, watched(name, answer)]));
    const notify = watched("notify", (_, batch) => batch.map((_, at) => (at === 0 ? new Error("refused") : null)));
    for (const release of ["grizzly", "hibiscus"]) {
        const instance = release === "grizzly" ? grizzly() : hibiscus();
        const page = ({ marker }) => ({ instances: [instance], next_marker: marker === null ? "more" : null });
        const host = asked(conductor({ instanceGetActiveByWindow: page, instanceCountActiveByWindow: () => 2 }));
        const options = { release, host: "cmp-01", notificationFormat: "both", clock: () => NOW, conductor: host };
        const nova = new library.ComputeUtils({ ...options, notifier: { notify } });
        for (const { name, result } of methods) {
            if (name === "constructor" || name === "reportEvent") {
                continue;
            }
            const [given] = METHODS[name]();
            if (given.instance !== undefined) {
                given.instance = instance;
            }
            const onProgress = (progress) => see("AuditProgress", progress);
            if (name === "runInstanceUsageAudit") {
                given.onProgress = onProgress;
            }
            const value = await nova[name](given).catch(() => undefined);
            const [, type] = /^Promise<(.*)>$/.exec(result);
            if (type !== "void" && value !== undefined) {
                see(type, value);
            }
        }
        await nova.addInstanceFaultFromExc({ instanceUuid: UUID, fault: new Error("broken") });
        await nova.notifyAboutVolumeUsage({ volUsage: volUsage() }).catch(() => undefined);
        nova.free();
    }
    assert.deepEqual(
        [...parameters.keys()].filter((name) => !called.has(name)),
        [],
        "callbacks that were never called",
    );
    return seen;
}

/** @param {unknown} value */
function literal(value) {
    if (value instanceof Error) {
        return `new NovaError(${JSON.stringify(value.code)}, ${JSON.stringify(value.message)})`;
    }
    if (typeof value === "bigint") {
        return `${value}n`;
    }
    if (typeof value !== "object" || value === null) {
        return value === undefined ? "undefined" : JSON.stringify(value);
    }
    const members = Array.isArray(value)
        ? value.map(literal)
        : Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${literal(member)}`);
    return Array.isArray(value) ? `[${members.join()}]` : `{ ${members.join()} }`;
}

test("what is declared is what is exported, by both loaders", async () => {
    const names = async (file) => {
        const path = join(project.directory, "node_modules/nova-compute-utils", file);
        return Object.keys(await import(pathToFileURL(path).href)).sort();
    };
    const exported = await names("node.js");
    assert.deepEqual(await names("browser.js"), exported);
    // A name too many is an error, and so is one too few.
    const program = `import * as library from "nova-compute-utils";
        export const names: Record<keyof typeof library, true> = { ${exported.map((name) => `${name}: true`)} };`;
    await writeFile(join(project.directory, "types/exports.ts"), program);
    await check("types/exports.ts", PROGRAMS[0]);
});
