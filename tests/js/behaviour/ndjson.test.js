// Many instances as bytes: what is told of them, line by line, and in whatever chunks they come.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { launch, visit } from "../support/chromium.js";
import { installed } from "../support/installed.js";
import { random } from "../support/random.js";
import { hibiscus, MAY, NOW, UUID } from "../support/samples.js";
import { run } from "../support/scratch.js";
import { serve } from "../support/serve.js";

const { library, memory, directory, remove } = await installed();
const { ComputeUtils, NovaError, existsNdjson, existsNdjsonStream } = library;
after(remove);

const encoder = new TextEncoder();
const options = (others = {}) => ({ release: "hibiscus", host: "cmp-01", window: MAY, now: NOW, ...others });
const instance = (at, others = {}) => ({
    ...hibiscus(),
    uuid: UUID.slice(0, -4) + String(at).padStart(4, "0"),
    ...others,
});
const lines = (bytes) =>
    new TextDecoder("utf-8", { fatal: true })
        .decode(bytes)
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));

/** Notifications without what is drawn anew for each. */
const common = (notifications) => notifications.map(({ message_id, context, ...others }) => others);

/** Good lines and bad ones, of one to four bytes a character, with every kind of line end. */
function mixed() {
    const good = (at, end = "\n") => encoder.encode(JSON.stringify(instance(at, { display_name: "é€😀" })) + end);
    const text = (line) => encoder.encode(line);
    const parts = [
        ...[good(1), text("\n"), good(2, "\r\n"), text("\r\n"), text("{oops\n"), text("   \t\n")],
        ...[
            new Uint8Array([0x22, 0xff, 0xfe, 0x22, 0x0a]),
            good(3),
            text("null\n[]\n42\n"),
            text('{"uuid": 42}\n'),
            good(4, ""),
        ],
    ];
    return join(parts);
}

function join(parts) {
    const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
        whole.set(part, at);
        at += part.length;
    }
    return whole;
}

/** All that a stream gives for some chunks. */
async function streamed(chunks, given = options()) {
    const out = [];
    const sink = new WritableStream({ write: (chunk) => void out.push(chunk) });
    await new ReadableStream({
        start(controller) {
            chunks.forEach((chunk) => controller.enqueue(chunk));
            controller.close();
        },
    })
        .pipeThrough(existsNdjsonStream(given))
        .pipeTo(sink);
    assert.ok(out.every((chunk) => chunk instanceof Uint8Array && chunk.length > 0));
    return join(out);
}

test("each line is told of, or says what is wrong with it, by its number", () => {
    const told = lines(existsNdjson(mixed(), options()));
    assert.deepEqual(
        told.map((line) => line.payload?.instance_id?.slice(-4) ?? `${line.line} ${line.error.code}`),
        [
            "0001",
            "0002",
            "5 ValueError",
            "7 ValueError",
            "0003",
            "9 ValueError",
            "10 ValueError",
            "11 ValueError",
            "12 ValueError",
            "0004",
        ],
    );
    assert.equal(told[0].payload.display_name, "é€😀");
    assert.match(told[3].error.message, /not UTF-8/);
    for (const [firstLine, expected] of [
        [1, 1],
        [1000, 1000],
        [2n ** 53n, 2 ** 53],
        [0, 0],
    ]) {
        assert.equal(lines(existsNdjson(encoder.encode("{oops"), options({ firstLine })))[0].line, expected);
    }
    for (const firstLine of [-1, 0.5, NaN, "1", 2 ** 53]) {
        assert.throws(() => existsNdjson(new Uint8Array(), options({ firstLine })), /^NovaError: `firstLine` is /);
        assert.throws(() => existsNdjsonStream(options({ firstLine })), /^NovaError: `firstLine` is /);
    }
    assert.equal(existsNdjson(new Uint8Array(), options()).length, 0);
    assert.equal(existsNdjson(encoder.encode("\n \r\n\n"), options()).length, 0);
    for (const bytes of [
        undefined,
        null,
        "text",
        [1],
        new ArrayBuffer(2),
        new Uint16Array(2),
        Object.create(Uint8Array.prototype),
    ]) {
        assert.throws(() => existsNdjson(bytes, options()), /^NovaError: `bytes` is .*: give a `Uint8Array`$/);
    }
});

test("what is given is not changed, and what is given back is one's own", () => {
    const bytes = mixed();
    const before = bytes.slice();
    const one = existsNdjson(bytes, options());
    const copy = one.slice();
    existsNdjson(bytes, options());
    assert.deepEqual(bytes, before);
    assert.deepEqual(one, copy);
    assert.equal(one.buffer.byteLength, one.length);
});

for (const notificationFormat of ["unversioned", "versioned", "both"]) {
    test(`the same is told as by the audit: ${notificationFormat}`, async () => {
        const instances = Array.from({ length: 30 }, (_, at) => instance(at, { metadata: { at } }));
        const conductor = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
        await conductor.addInstances(instances);
        const notifier = memory.collectingNotifier();
        const nova = new ComputeUtils({
            release: "hibiscus",
            host: "cmp-01",
            clock: () => NOW,
            notificationFormat,
            conductor,
            notifier,
        });
        await nova.runInstanceUsageAudit();
        nova.free();
        const text = instances.map((one) => JSON.stringify(one)).join("\n");
        const told = lines(existsNdjson(encoder.encode(text), options({ notificationFormat })));
        assert.equal(told.length, notificationFormat === "both" ? 60 : 30);
        assert.deepEqual(common(told), common(notifier.notifications));
    });
}

test("chunk boundaries change nothing: one at every place, and at random ones", async () => {
    const bytes = mixed();
    const told = common(lines(existsNdjson(bytes, options())));
    for (let at = 0; at <= bytes.length; at += 1) {
        const chunks = [bytes.subarray(0, at), bytes.subarray(at)];
        assert.deepEqual(common(lines(await streamed(chunks))), told, `a boundary before byte ${at}`);
    }
    const seed = Date.now();
    const next = random(seed);
    for (let round = 0; round < 100; round += 1) {
        const chunks = [];
        for (let at = 0; at < bytes.length;) {
            const length = Math.floor(next() ** 3 * 400);
            chunks.push(bytes.subarray(at, at + length));
            at += length;
        }
        assert.deepEqual(common(lines(await streamed(chunks))), told, `seed ${seed}, round ${round}`);
    }
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(common(lines(await streamed(single))), told, "byte by byte");
});

test("the stream counts on from its first line, and keeps nothing of a chunk that its owner reuses", async () => {
    const reused = new Uint8Array(1);
    const bytes = encoder.encode("{oops\n\n{oops");
    const transform = existsNdjsonStream(options({ firstLine: 2n ** 60n }));
    const writer = transform.writable.getWriter();
    const out = new Response(transform.readable).text();
    for (const byte of bytes) {
        reused[0] = byte;
        await writer.write(reused);
    }
    await writer.close();
    assert.deepEqual(
        [...(await out).matchAll(/"line":(\d+)/g)].map(([, line]) => BigInt(line)),
        [2n ** 60n, 2n ** 60n + 2n],
    );
});

test("what is wrong with the options is said at once, and with a chunk when it comes", async () => {
    for (const given of [undefined, null, 42, "text", {}, options({ window: "May" }), options({ hots: "cmp-01" })]) {
        assert.throws(
            () => existsNdjsonStream(given),
            (error) => error instanceof NovaError && error.code === "TypeError",
        );
    }
    for (const chunk of ["text", null, 42, [10], new ArrayBuffer(2), new Uint16Array(2)]) {
        await assert.rejects(streamed([chunk]), /^NovaError: a chunk of the stream is no `Uint8Array`/);
    }
});

test("one window for all of a stream, though the clock goes on", async (context) => {
    let now = Date.parse("2025-06-30T23:59:59Z");
    context.mock.method(Date, "now", () => now);
    const transform = existsNdjsonStream({ release: "hibiscus", host: "cmp-01" });
    const writer = transform.writable.getWriter();
    const out = new Response(transform.readable).arrayBuffer();
    const line = encoder.encode(`${JSON.stringify(instance(1))}\n`);
    await writer.write(line);
    now = Date.parse("2025-07-01T00:00:01Z");
    await writer.write(line);
    await writer.close();
    const windows = lines(new Uint8Array(await out)).map(({ payload }) => payload.audit_period_beginning);
    assert.deepEqual(
        windows.map((begin) => begin.slice(0, 10)),
        ["2025-05-01", "2025-05-01"],
    );
});

test("a slow sink holds the source", async () => {
    const line = encoder.encode(`${JSON.stringify(instance(1))}\n`);
    let pulled = 0;
    let release;
    const held = new Promise((resolve) => {
        release = resolve;
    });
    const source = new ReadableStream({
        pull(controller) {
            pulled += 1;
            controller.enqueue(line);
            if (pulled === 1000) {
                controller.close();
            }
        },
    });
    let written = 0;
    const sink = new WritableStream({
        async write() {
            written += 1;
            await held;
        },
    });
    const piped = source.pipeThrough(existsNdjsonStream(options())).pipeTo(sink);
    for (let turn = 0; turn < 100; turn += 1) {
        await new Promise(setImmediate);
    }
    assert.equal(written, 1);
    assert.ok(pulled <= 8, `the source was asked for ${pulled} chunks while the sink took one`);
    release();
    await piped;
    assert.deepEqual([pulled, written], [1000, 1000]);
});

test("300 MB flow through it, and the memory stays flat", async (context) => {
    const { stdout } = await run(directory, process.execPath, "--expose-gc", "large.js", "300000000");
    const seen = JSON.parse(stdout);
    context.diagnostic(stdout.trim());
    assert.ok(seen.bytes >= 300_000_000, stdout);
    assert.equal(seen.told, seen.lines);
    assert.ok(seen.wasm.end <= seen.wasm.warm, `the module's memory grew: ${stdout}`);
    const megabyte = 1 << 20;
    assert.ok(seen.rss.most <= seen.rss.warm + 64 * megabyte, `the memory grew: ${stdout}`);
});

test("in Chromium, from a file", async () => {
    const server = await serve(directory);
    const browser = await launch();
    try {
        const { result, complaints } = await visit(browser, new URL("stream.html", server.url).href);
        assert.deepEqual(complaints, []);
        assert.deepEqual(JSON.parse(result), { lines: 2001, told: 2000, bad: [2001], whole: true });
    } finally {
        await browser.close();
        await server.close();
    }
});
