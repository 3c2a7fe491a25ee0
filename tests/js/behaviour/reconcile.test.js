// Verifying and reconciling notifications, and their streams.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { hibiscus, MAY, notification, NOW, uuidOf } from "../support/samples.js";

const { library, assertNovaError, remove } = await loadPackage();
const { existsNdjson, reconcileInstance, reconcileNdjson, reconcileNdjsonStream, reconcileTotals } = library;
const { verifyNdjson, verifyNdjsonStream, verifyUsage } = library;
after(remove);

const options = (others = {}) => ({ release: "hibiscus", window: MAY, notificationFormat: "both", ...others });
const instance = (number) => hibiscus({ uuid: uuidOf(number) });

/** Returns the lines of the notifications that Nova emits for an instance in May. */
function emitted(instance) {
    const lines = existsNdjson(`${JSON.stringify(instance)}\n`, {
        release: "hibiscus",
        host: "cmp-01",
        windows: [MAY],
        timestamp: NOW,
        notificationFormat: "both",
    });
    return lines.trimEnd().split("\n");
}

const verdicts = ({ findings }) => findings.map(({ verdict }) => verdict);

async function transform(chunks, stream) {
    const output = [];
    await ReadableStream.from(chunks)
        .pipeThrough(stream)
        .pipeTo(new WritableStream({ write: (chunk) => void output.push(chunk) }));
    return output.join("");
}

test("what Nova emits is equal, as text and as objects", () => {
    const lines = emitted(instance(1));
    for (const notifications of [lines, lines.map((line) => JSON.parse(line)), [...lines, ...lines].reverse()]) {
        const reconciliation = reconcileInstance(options({ instance: instance(1), notifications }));
        assert.deepEqual(verdicts(reconciliation), ["equal", "equal"]);
        assert.equal(reconciliation.instance_uuid, uuidOf(1));
    }
});

test("each finding names its notifications and fields", () => {
    const [unversioned, versioned] = emitted(instance(1)).map((line) => JSON.parse(line));
    const notifications = [{ ...unversioned, message_id: "b" }, unversioned, structuredClone(versioned)];
    notifications[2].payload["nova_object.data"].flavor["nova_object.data"].vcpus = 64;
    const { findings, hours } = reconcileInstance(options({ instance: instance(1), notifications }));
    assert.deepEqual(findings, [
        {
            verdict: "doubled",
            event_type: "compute.instance.exists",
            message_ids: [unversioned.message_id, "b"].sort(),
            fields: [],
            window: null,
            hours,
        },
        {
            verdict: "different",
            event_type: "instance.exists",
            message_ids: [versioned.message_id],
            fields: [
                {
                    field: "flavor.vcpus",
                    expected: versioned.payload["nova_object.data"].flavor["nova_object.data"].vcpus,
                    received: 64,
                },
            ],
            window: null,
            hours,
        },
    ]);
    const unknown = reconcileInstance(options({ instance: null, notifications: [unversioned] }));
    assert.deepEqual(verdicts(unknown), ["unexpected"]);
});

test("bad notifications are errors", async () => {
    const reconcile = (notifications) => () => reconcileInstance(options({ instance: instance(1), notifications }));
    for (const [call, code] of [
        [reconcile([{}]), "KeyError"],
        [reconcile(emitted(instance(2))), "ValueError"],
        [() => verifyUsage({ notifications: [{ event_type: "x" }] }), "KeyError"],
        [() => reconcileTotals("{}"), "ValueError"],
    ]) {
        assertNovaError(await errorOf(call), { code });
    }
});

test("the streams give what the functions give, and the totals of any split are the same", async () => {
    const servers = [1, 2, 3, 4].map((number) => {
        const row = instance(number);
        return `${JSON.stringify({ instance: row, notifications: number === 3 ? [] : emitted(row) })}\n`;
    });
    const text = `${servers.join("")}\n{oops\n`;
    const output = reconcileNdjson(text, options());
    assert.equal(await transform(text.match(/[^]{1,999}/g), reconcileNdjsonStream(options())), output);
    const whole = JSON.parse(reconcileTotals(output));
    assert.deepEqual([whole.instances, whole.errors, whole.equal.count, whole.missing.count], [4, 1, 6, 2]);
    const parts = output.match(/.*\n/g).map((line) => reconcileTotals(line));
    assert.deepEqual(JSON.parse(reconcileTotals(parts.reverse().join("\n"))), whole);

    const exists = [notification()];
    const judged = verifyNdjson(`${JSON.stringify(exists)}\n[{}]\n`);
    const judgements = verifyUsage({ notifications: exists });
    assert.deepEqual(
        judgements.map(({ verdict }) => verdict),
        ["warnings", "verified"],
    );
    const lines = judged.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(lines.pop().line, 2);
    const { instance_id: instance_uuid } = exists[0].payload;
    assert.deepEqual(lines, judgements.map((judgement) => ({ instance_uuid, ...judgement })));
    assert.equal(await transform([JSON.stringify(exists), "\n[{}]\n"], verifyNdjsonStream()), judged);
});
