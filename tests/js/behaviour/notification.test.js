// Notifications as they arrive from a bus, as JavaScript passes and gets them. The vectors cover what they contain.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { errorOf } from "../support/errors.js";
import { loadPackage } from "../support/project.js";
import { MAY, notification, UUID } from "../support/samples.js";

const { library, assertNovaError, remove } = await loadPackage();
const { readNotification } = library;
after(remove);

const text = JSON.stringify(notification());

/** Asserts that the reader throws an error with a code and a message. */
const assertRejected = async (input, code, message) =>
    assertNovaError(await errorOf(() => readNotification(input)), { code, message });

test("an object, its text and its envelope give the same notification", () => {
    const expected = readNotification(text);
    assert.equal(expected.event_type, "compute.instance.exists");
    assert.deepEqual([expected.service, expected.host, expected.format], ["compute", "cmp-01", "unversioned"]);
    assert.equal(expected.timestamp, "2025-06-01T00:17:03.250000");
    assert.equal(expected.payload, JSON.stringify(notification().payload));
    const envelope = { "oslo.version": "2.0", "oslo.message": text };
    for (const input of [notification(), envelope, JSON.stringify(text), ["notifications.info", notification()]]) {
        assert.deepEqual(readNotification(input), expected);
    }
});

test("the instance has timestamps of records, a window and documents", () => {
    const { instance } = readNotification(text);
    assert.equal(instance.uuid, UUID);
    assert.equal(instance.launched_at, "2025-04-26T12:19:14.999999");
    assert.equal(instance.deleted_at, null);
    assert.deepEqual(instance.audit_period, MAY);
    assert.deepEqual(instance.image_meta, { os_distro: "ubuntu" });
    assert.deepEqual(instance.metadata, { role: "pos" });
    assert.equal(readNotification(notification({ event_type: "volume.usage" })).instance, null);
});

test("an integer keeps every digit", () => {
    const memory = 2n ** 63n - 1n;
    const { instance, payload } = readNotification(
        notification({ payload: { instance_id: UUID, memory_mb: memory, image_meta: { size: 2n ** 70n } } }),
    );
    assert.equal(instance.memory_mb, memory);
    assert.deepEqual(instance.image_meta, { size: 2n ** 70n });
    assert.match(payload, /9223372036854775807.*1180591620717411303424/);
});

test("a versioned notification names its object", () => {
    const payload = { "nova_object.name": "ServiceStatusPayload", "nova_object.version": "1.1", "nova_object.data": {} };
    const { format } = readNotification({ event_type: "service.update", payload });
    assert.deepEqual(format, { versioned: { name: "ServiceStatusPayload", version: "1.1" } });
});

test("an error names the member and its value", async () => {
    await assertRejected({}, "KeyError", "`event_type` is missing");
    await assertRejected(notification({ payload: null }), "KeyError", "`payload` is missing");
    const message = '`timestamp` is `"soon"`: give a timestamp such as `2026-11-01T00:17:03.250000`';
    await assertRejected(notification({ timestamp: "soon" }), "ValueError", message);
    await assertRejected(7, "TypeError", "`notification` is a number: give an object or its JSON text");
});
