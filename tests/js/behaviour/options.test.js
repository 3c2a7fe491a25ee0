// The options of every function and method, as the declarations tell of them: what is unknown, of the wrong type or
// missing is refused with its name, and null is as good as absent.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { read } from "../support/declarations.js";
import { installed } from "../support/installed.js";
import { calls, FUNCTIONS, METHODS } from "../support/samples.js";

const { library, declarations, remove } = await installed();
const { NovaError } = library;
after(remove);

const { interfaces, functions, methods } = read(declarations);
const declared = [
    ...functions,
    ...methods.map((signature) => ({ ...signature, name: `ComputeUtils.${signature.name}` })),
];
const callable = new Map(calls(library).map((call) => [call.name, call]));

/**
 * What a call with these arguments throws, or rejects with.
 *
 * @param {(...given: unknown[]) => unknown} call
 * @param {unknown[]} given
 */
async function refusal(call, given) {
    try {
        await call(...given);
    } catch (error) {
        return error;
    }
    return undefined;
}

/** @returns {Promise<string>} the message */
async function refused(call, given, what) {
    const error = await refusal(call, given);
    assert.ok(
        error instanceof NovaError,
        `${what}: a NovaError was expected, and it gave ${error?.stack ?? "an answer"}`,
    );
    assert.equal(error.code, "TypeError", `${what}: ${error.message}`);
    assert.equal(error.callback, undefined, `${what}: no callback is to blame`);
    assert.doesNotMatch(error.message, /\n|[A-Z]\w+Input|Option<|&str|JsValue/, what);
    return error.message;
}

/** Something that a member of this type cannot be; nothing where it may be anything. */
function wrong(type) {
    const [first] = type.replace(/ \| null$/, "").split(" | ");
    if (type === "unknown") {
        return undefined;
    }
    return {
        value: first === "string" || /^(Release|Moment|NotificationFormat|DocumentInput)$/.test(first) ? 42 : "wrong",
    };
}

test("the samples are those of all functions and methods, with all of their options", () => {
    const names = (signatures) => signatures.map(({ name }) => name).sort();
    assert.deepEqual(Object.keys(FUNCTIONS).sort(), names(functions));
    assert.deepEqual(Object.keys(METHODS).sort(), names(methods));
    assert.ok(declared.length >= 45, `${declared.length} are too few: the declarations were misread`);
    for (const { name, parameters } of declared) {
        const good = callable.get(name).good();
        assert.equal(good.length, parameters.length, name);
        for (const [at, { type }] of parameters.entries()) {
            const members = interfaces.get(type.replace(/ \| null$/, ""));
            if (members !== undefined && /Options/.test(type)) {
                assert.deepEqual(Object.keys(good[at]).sort(), members.map((member) => member.name).sort(), name);
            }
        }
    }
});

for (const { name, parameters } of declared) {
    const { call, good } = callable.get(name);
    const place = parameters.findIndex(({ type }) => /Options( \| null)?$/.test(type));
    const options = place === -1 ? undefined : parameters[place];
    /** The good arguments, with others in place of the options. */
    const given = (others) => good().with(place, others);
    const changed = (changes) => given({ ...good()[place], ...changes });

    test(`${name}: what is good`, async () => {
        await call(...good());
    });

    if (options === undefined) {
        test(`${name}: not its argument`, async () => {
            for (const value of [undefined, null, true, {}.nothing, Symbol("s"), () => 1]) {
                const message = await refused(call, [value], String(value));
                assert.match(message, /^`\w+` is /, name);
            }
        });
        continue;
    }
    const members = interfaces.get(options.type.replace(/ \| null$/, ""));

    test(`${name}: not its options`, async () => {
        for (const value of [null, 42, "text", true, [], () => 1, Symbol("s"), 1n]) {
            if (value === null && options.optional) {
                continue;
            }
            const message = await refused(call, given(value), String(value));
            assert.match(message, /^the options are .*: give an object$/);
        }
        if (!options.optional) {
            assert.match(await refused(call, given(undefined), "absent"), /^the options are missing: give an object$/);
        }
    });

    test(`${name}: unknown options`, async () => {
        for (const { name: known } of members) {
            for (const unknown of [
                `${known}s`,
                known.toUpperCase(),
                known.replace(/[A-Z]/, (letter) => `_${letter}`),
            ]) {
                if (members.some((member) => member.name === unknown)) {
                    continue;
                }
                const message = await refused(call, changed({ [unknown]: null }), unknown);
                assert.match(message, new RegExp(`^unknown option \`${unknown}\`: did you mean \`(\\w+)\`\\?$`));
                const [, nearest] = /`(\w+)`\?$/.exec(message);
                assert.equal(nearest, known, unknown);
            }
        }
        // What nobody lists is nobody's mistake.
        const hidden = Object.defineProperty({ ...good()[place], [Symbol("s")]: 1 }, "hidden", { value: 1 });
        await call(...given(hidden));
    });

    test(`${name}: options of the wrong type, or missing`, async () => {
        for (const { name: member, type, optional } of members) {
            const value = wrong(type);
            if (value !== undefined) {
                const error = await refusal(call, changed({ [member]: value.value }));
                assert.ok(error instanceof NovaError, `${member}: ${error?.stack ?? "it was taken"}`);
                // A release and a format are asked for among texts.
                const says = /^(string|Release|NotificationFormat)( \| null)?$/.test(type)
                    ? /is a number: give text/
                    : /: give /;
                assert.match(error.message, says, member);
                assert.ok(error.message.startsWith(`\`${member}`), `${member} is not named: ${error.message}`);
                assert.equal(error.code, "TypeError", member);
            }
            if (optional) {
                await call(...changed({ [member]: null }));
                await call(...changed({ [member]: undefined }));
                const { [member]: _, ...others } = good()[place];
                await call(...given(others));
            } else if (type !== "unknown") {
                for (const nothing of [null, undefined]) {
                    const message = await refused(call, changed({ [member]: nothing }), `${member}: ${nothing}`);
                    assert.match(message, new RegExp(`^\`${member}\` is (missing|null): give `));
                }
            }
        }
    });
}

test("what is inside of an option is named by its path", async () => {
    const device = (bdms) => callable.get("getDeviceNameForInstance").call({ release: "hibiscus", instance: {}, bdms });
    const window = (given) => callable.get("existsPayload").call({ release: "hibiscus", instance: {}, window: given });
    const start = (context) =>
        callable.get("packActionStart").call({ release: "hibiscus", instanceUuid: "u", context });
    const names = (lists) =>
        callable.get("defaultDeviceNamesForInstance").call({ release: "hibiscus", blockDeviceLists: lists });
    for (const [path, call, given] of [
        ["bdms[1].device_name", device, [[{}, { device_name: 42 }]]],
        ["bdms[0].no_device", device, [[{ no_device: "yes" }]]],
        ["bdms[2]", device, [[{}, {}, 42]]],
        ["bdms[0]", device, [[[]]]],
        ["window.begin", window, [{ end: new Date(0) }]],
        ["window.end", window, [{ begin: new Date(0), end: 42 }]],
        ["window", window, ["May"]],
        ["context.user_id", start, [{ user_id: 42 }]],
        ["context.timestamp", start, [{ timestamp: 42 }]],
        ["context", start, [[]]],
        ["blockDeviceLists[1][2]", names, [[[], ["/dev/vda", null, 42]]]],
        ["blockDeviceLists[0]", names, [["/dev/vda"]]],
    ]) {
        const message = await refused(call, given, path);
        assert.ok(message.startsWith(`\`${path}\` is `), `\`${path}\` is not named: ${message}`);
    }
});

test("an unknown release, format or period says which there are", () => {
    const codes = (call) => assert.throws(call, (error) => error instanceof NovaError && error.code === "ValueError");
    codes(() => library.lastCompletedAuditPeriod({ release: "havana" }));
    codes(() => library.lastCompletedAuditPeriod({ release: "grizzly", unit: "fortnight" }));
    const options = { release: "hibiscus", host: "cmp-01", notificationFormat: "loud" };
    codes(() => new library.ComputeUtils(options));
});
