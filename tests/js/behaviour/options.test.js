// The options of every function and method, as the declarations list them: an unknown, missing or mistyped option is
// an error that names it, and null is the same as absent.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { readDeclarations } from "../support/declarations.js";
import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { calls, FUNCTIONS, hibiscus, hostOptions, METHODS } from "../support/samples.js";

const { library, assertNovaError, declarations, remove } = await loadPackage();
after(remove);

const release = "hibiscus";
const { interfaces, functions, methods } = readDeclarations(declarations);
const declared = [...functions, ...methods.map((method) => ({ ...method, name: `ComputeUtils.${method.name}` }))];
const callable = new Map(calls(library).map((call) => [call.name, call]));
const withoutNull = (type) => type.replace(/ \| null$/, "");

/** Returns the message of the TypeError that a call throws or rejects with. */
async function refusal(call, args, label) {
    const error = await errorOf(() => call(...args), label);
    // A Rust type in the message is of no use to the caller.
    assertNovaError(error, { code: "TypeError", message: /^(?![^]*(\n|[A-Z]\w+Input|Option<|&str|JsValue))/ }, label);
    return error.message;
}

/** Returns a value that an option of this type cannot have; `undefined` if the option takes any value. */
function mistyped(type) {
    const [first] = withoutNull(type).split(" | ");
    if (type === "unknown") {
        return undefined;
    }
    return /^(string|Release|Timestamp|NotificationFormat|MessageIds|UsageKey|DocumentInput)$/.test(first) ? 42 : "wrong";
}

test("the samples have all functions and methods, with all of their options", () => {
    const names = (signatures) => signatures.map(({ name }) => name).sort();
    assert.deepEqual(Object.keys(FUNCTIONS).sort(), names(functions));
    assert.deepEqual(Object.keys(METHODS).sort(), names(methods));
    assert.ok(declared.length >= 45, `the declarations were misread: only ${declared.length} functions`);
    for (const { name, parameters } of declared) {
        const valid = callable.get(name).valid();
        assert.equal(valid.length, parameters.length, name);
        for (const [index, { type }] of parameters.entries()) {
            const members = interfaces.get(withoutNull(type));
            if (members !== undefined && /Options/.test(type)) {
                assert.deepEqual(Object.keys(valid[index]).sort(), names(members), name);
            }
        }
    }
});

for (const { name, parameters } of declared) {
    const { call, valid } = callable.get(name);
    const position = parameters.findIndex(({ type }) => /Options( \| null)?$/.test(type));
    /** Returns the valid arguments with other options. */
    const withOptions = (options) => valid().with(position, options);
    const withChanges = (changes) => withOptions({ ...valid()[position], ...changes });

    test(`${name}: takes valid arguments`, async () => {
        await call(...valid());
    });

    if (position === -1) {
        test(`${name}: rejects a mistyped argument`, async () => {
            for (const value of [undefined, null, true, {}.absent, Symbol("s"), () => 1]) {
                assert.match(await refusal(call, [value], String(value)), /^`\w+` is /, name);
            }
        });
        continue;
    }
    const { type: optionsType, optional } = parameters[position];
    const members = interfaces.get(withoutNull(optionsType));

    test(`${name}: rejects options that are no object`, async () => {
        for (const value of [null, 42, "text", true, [], () => 1, Symbol("s"), 1n]) {
            if (value !== null || !optional) {
                const message = await refusal(call, withOptions(value), String(value));
                assert.match(message, /^the options are .*: give an object$/);
            }
        }
        if (!optional) {
            const message = await refusal(call, withOptions(undefined), "absent");
            assert.match(message, /^the options are missing: give an object$/);
        }
    });

    test(`${name}: rejects unknown options`, async () => {
        for (const { name: known } of members) {
            const snake = known.replace(/[A-Z]/, (letter) => `_${letter}`);
            for (const unknown of [`${known}s`, known.toUpperCase(), snake]) {
                if (!members.some((member) => member.name === unknown)) {
                    const message = await refusal(call, withChanges({ [unknown]: null }), unknown);
                    assert.equal(message, `unknown option \`${unknown}\`: did you mean \`${known}\`?`);
                }
            }
        }
        // A member that is not enumerable is ignored.
        const hidden = Object.defineProperty({ ...valid()[position], [Symbol("s")]: 1 }, "hidden", { value: 1 });
        await call(...withOptions(hidden));
    });

    test(`${name}: rejects mistyped and missing options`, async () => {
        for (const { name: member, type, optional: mayBeAbsent } of members) {
            const value = mistyped(type);
            if (value !== undefined) {
                const error = await errorOf(() => call(...withChanges({ [member]: value })), member);
                // Any string is of the right type, even for an option that takes a few strings only.
                const isString = /^(string|Release|NotificationFormat|MessageIds|UsageKey)( \| null)?$/.test(type);
                const message = isString ? /is a number: give a string/ : /: give /;
                assertNovaError(error, { code: "TypeError", message }, member);
                assert.ok(error.message.startsWith(`\`${member}`), `${member} is not named: ${error.message}`);
            }
            if (mayBeAbsent) {
                await call(...withChanges({ [member]: null }));
                await call(...withChanges({ [member]: undefined }));
                const { [member]: _, ...others } = valid()[position];
                await call(...withOptions(others));
            } else if (type !== "unknown") {
                for (const absent of [null, undefined]) {
                    const message = await refusal(call, withChanges({ [member]: absent }), `${member}: ${absent}`);
                    assert.match(message, new RegExp(`^\`${member}\` is (missing|null): give `));
                }
            }
        }
    });
}

test("an error names the path of a value inside of an option", async () => {
    const device = (bdms) => library.getDeviceNameForInstance({ release, instance: {}, bdms });
    const payload = (window) => library.existsPayload({ release, instance: {}, window });
    const start = (context) => library.packActionStart({ release, instanceUuid: "u", context });
    const names = (blockDeviceLists) => library.defaultDeviceNamesForInstance({ release, blockDeviceLists });
    for (const [path, call, value] of [
        ["bdms[1].device_name", device, [{}, { device_name: 42 }]],
        ["bdms[0].no_device", device, [{ no_device: "yes" }]],
        ["bdms[2]", device, [{}, {}, 42]],
        ["bdms[0]", device, [[]]],
        ["window.begin", payload, { end: new Date(0) }],
        ["window.end", payload, { begin: new Date(0), end: 42 }],
        ["window", payload, "May"],
        ["context.user_id", start, { user_id: 42 }],
        ["context.timestamp", start, { timestamp: 42 }],
        ["context.glance_endpoint", start, { glance_endpoint: 42 }],
        ["context", start, []],
        ["blockDeviceLists[1][2]", names, [[], ["/dev/vda", null, 42]]],
        ["blockDeviceLists[0]", names, ["/dev/vda"]],
    ]) {
        const message = await refusal(call, [value], path);
        assert.ok(message.startsWith(`\`${path}\` is `), `\`${path}\` is not named: ${message}`);
    }
});

test("an unknown release, unit or format is a ValueError", async () => {
    for (const call of [
        () => library.lastCompletedAuditPeriod({ release: "havana" }),
        () => library.lastCompletedAuditPeriod({ release: "grizzly", unit: "fortnight" }),
        () => new library.ComputeUtils(hostOptions({ notificationFormat: "loud" })),
    ]) {
        assertNovaError(await errorOf(call), { code: "ValueError" });
    }
});

test("`glanceEndpoint` is an option of the payload functions only", async () => {
    const instance = hibiscus();
    const glanceEndpoint = "http://glance.example:9292";
    const info = library.infoFromInstance({ release, instance, populateImageRefUrl: true, glanceEndpoint });
    assert.equal(info.image_ref_url, `${glanceEndpoint}/images/1`);
    const refused = () => new library.ComputeUtils(hostOptions({ glanceEndpoint }));
    assertNovaError(await errorOf(refused), { code: "TypeError", message: /^unknown option `glanceEndpoint`/ });
});
