// `existsNdjson` and `existsNdjsonStream`: instances in, notifications out, line by line, for any split into chunks.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";

import { launch, visitOnce } from "../support/chromium.js";
import { errorOf } from "../support/errors.js";
import { loadPackage, run } from "../support/project.js";
import { random } from "../support/random.js";
import { context, hibiscus, hostOptions, MAY, NOW, uuidOf } from "../support/samples.js";
import { serve, writePage } from "../support/web-server.js";

const { library, memory, assertNovaError, directory, remove } = await loadPackage();
const { ComputeUtils, existsNdjson, existsNdjsonStream } = library;
after(remove);

const MEGABYTE = 1 << 20;
const encode = (text) => new TextEncoder().encode(text);
const options = (others = {}) => ({ release: "hibiscus", host: "cmp-01", window: MAY, now: NOW, ...others });
const instance = (number, values = {}) => hibiscus({ uuid: uuidOf(number), ...values });
const line = (instance) => encode(`${JSON.stringify(instance)}\n`);

/** Parses the lines of an output. */
const parse = (bytes) =>
    new TextDecoder("utf-8", { fatal: true })
        .decode(bytes)
        .split("\n")
        .slice(0, -1)
        .map((text) => JSON.parse(text));

/** Returns notifications without their random ids, and without members that only a line or only a record has. */
const comparable = (notifications) =>
    notifications.map(({ message_id: _id, context: _context, versioned: _versioned, ...others }) => others);

/** Returns good and bad lines with characters of one to four bytes and every kind of line end. */
function mixedLines() {
    const good = (number, end = "\n") => JSON.stringify(instance(number, { display_name: "é€😀" })) + end;
    return concat([
        encode(`${good(1)}\n${good(2, "\r\n")}\r\n{oops\n   \t\n`),
        Uint8Array.of(0x22, 0xff, 0xfe, 0x22, 0x0a),
        encode(`${good(3)}null\n[]\n42\n{"uuid": 42}\n${good(4, "")}`),
    ]);
}

const concat = (parts) => new Uint8Array(Buffer.concat(parts));

/** Returns the output of the stream for some chunks. */
async function transform(chunks) {
    const output = [];
    await ReadableStream.from(chunks)
        .pipeThrough(existsNdjsonStream(options()))
        .pipeTo(new WritableStream({ write: (chunk) => void output.push(chunk) }));
    assert.ok(output.every((chunk) => chunk instanceof Uint8Array && chunk.length > 0));
    return concat(output);
}

test("each line becomes a notification, or an error with the number of the line", async () => {
    const output = parse(existsNdjson(mixedLines(), options()));
    const summary = output.map(({ payload, line, error }) => payload?.instance_id.slice(-4) ?? `${line} ${error.code}`);
    const errors = [9, 10, 11, 12].map((number) => `${number} ValueError`);
    assert.deepEqual(summary, ["0001", "0002", "5 ValueError", "7 ValueError", "0003", ...errors, "0004"]);
    assert.equal(output[0].payload.display_name, "é€😀");
    assert.match(output[3].error.message, /not UTF-8/);
    for (const firstLine of [1, 1000, 2n ** 53n, 0]) {
        const [{ line }] = parse(existsNdjson(encode("{oops"), options({ firstLine })));
        assert.equal(line, Number(firstLine));
    }
    for (const firstLine of [-1, 0.5, NaN, "1", 2 ** 53]) {
        const invalid = options({ firstLine });
        for (const call of [() => existsNdjson(encode(""), invalid), () => existsNdjsonStream(invalid)]) {
            assertNovaError(await errorOf(call), { code: "TypeError", message: /^`firstLine` is / });
        }
    }
    for (const empty of ["", "\n \r\n\n"]) {
        assert.equal(existsNdjson(encode(empty), options()).length, 0);
    }
    const others = [[1], new ArrayBuffer(2), new Uint16Array(2), Object.create(Uint8Array.prototype)];
    for (const bytes of [undefined, null, "text", ...others]) {
        const error = await errorOf(() => existsNdjson(bytes, options()));
        assertNovaError(error, { code: "TypeError", message: /^`bytes` is .*: give a `Uint8Array`$/ });
    }
});

test("the input is unchanged, and the caller owns the output", () => {
    const bytes = mixedLines();
    const before = bytes.slice();
    const output = existsNdjson(bytes, options());
    const copy = output.slice();
    existsNdjson(bytes, options());
    assert.deepEqual(bytes, before);
    assert.deepEqual(output, copy);
    assert.equal(output.buffer.byteLength, output.length);
});

for (const notificationFormat of ["unversioned", "versioned", "both"]) {
    test(`the output equals the notifications of the audit: ${notificationFormat}`, async () => {
        const devices = { block_devices: [{ device_name: "/dev/vdb", volume_id: "v" }], shares: [] };
        const instances = Array.from({ length: 30 }, (_, n) => instance(n, { metadata: { n }, ...devices }));
        const conductor = memory.memoryConductor({ release: "hibiscus", now: () => NOW });
        await conductor.addInstances(instances);
        const notifier = memory.collectingNotifier();
        const common = { notificationFormat, bdmsInNotifications: true, includeShareMapping: true };
        const nova = new ComputeUtils(hostOptions({ ...common, conductor, notifier }));
        await nova.runInstanceUsageAudit({ context: context() });
        nova.free();
        const output = parse(existsNdjson(concat(instances.map(line)), options({ ...common, context: context() })));
        assert.equal(output.length, notificationFormat === "both" ? 60 : 30);
        assert.deepEqual(comparable(output), comparable(notifier.notifications));
        assert.ok(output.every((notification) => !("versioned" in notification)));
    });
}

test("the output is the same for every chunk boundary, and for random ones", async () => {
    const bytes = mixedLines();
    const expected = comparable(parse(existsNdjson(bytes, options())));
    const assertSame = async (chunks, label) =>
        assert.deepEqual(comparable(parse(await transform(chunks))), expected, label);
    for (let at = 0; at <= bytes.length; at += 1) {
        await assertSame([bytes.subarray(0, at), bytes.subarray(at)], `a boundary before byte ${at}`);
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
        await assertSame(chunks, `seed ${seed}, round ${round}`);
    }
    await assertSame(
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        "byte by byte",
    );
});

test("the stream counts lines from `firstLine`, and copies a chunk that its owner reuses", async () => {
    const reused = new Uint8Array(1);
    const transformer = existsNdjsonStream(options({ firstLine: 2n ** 60n }));
    const writer = transformer.writable.getWriter();
    const output = new Response(transformer.readable).text();
    for (const byte of encode("{oops\n\n{oops")) {
        reused[0] = byte;
        await writer.write(reused);
    }
    await writer.close();
    const numbers = [...(await output).matchAll(/"line":(\d+)/g)].map(([, number]) => BigInt(number));
    assert.deepEqual(numbers, [2n ** 60n, 2n ** 60n + 2n]);
});

test("bad options throw before the stream starts, and a bad chunk rejects when it arrives", async () => {
    for (const invalid of [undefined, null, 42, "text", {}, options({ window: "May" }), options({ hots: "cmp-01" })]) {
        assertNovaError(await errorOf(() => existsNdjsonStream(invalid)), { code: "TypeError" });
    }
    const message = /^a chunk of the stream is not a `Uint8Array`/;
    for (const chunk of ["text", null, 42, [10], new ArrayBuffer(2), new Uint16Array(2)]) {
        assertNovaError(await errorOf(transform([chunk])), { code: "TypeError", message });
    }
});

test("a stream has one window, even if the clock passes its end", async (test) => {
    let now = Date.parse("2025-06-30T23:59:59Z");
    test.mock.method(Date, "now", () => now);
    const transformer = existsNdjsonStream({ release: "hibiscus", host: "cmp-01" });
    const writer = transformer.writable.getWriter();
    const output = new Response(transformer.readable).arrayBuffer();
    await writer.write(line(instance(1)));
    now = Date.parse("2025-07-01T00:00:01Z");
    await writer.write(line(instance(1)));
    await writer.close();
    const windows = parse(new Uint8Array(await output)).map(({ payload }) => payload.audit_period_beginning);
    assert.deepEqual(
        windows.map((begin) => begin.slice(0, 10)),
        ["2025-05-01", "2025-05-01"],
    );
});

test("a slow sink holds back the source", async () => {
    let pulled = 0;
    const source = new ReadableStream({
        pull(controller) {
            pulled += 1;
            controller.enqueue(line(instance(1)));
            if (pulled === 1000) {
                controller.close();
            }
        },
    });
    let release;
    const held = new Promise((resolve) => {
        release = resolve;
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
    assert.ok(pulled <= 8, `the stream pulled ${pulled} chunks while the sink accepted one`);
    release();
    await piped;
    assert.deepEqual([pulled, written], [1000, 1000]);
});

test("300 MB flow through the stream, and the memory does not grow", async (test) => {
    const { stdout } = await run(directory, process.execPath, "--expose-gc", "large.js", "300000000");
    const { bytes, linesRead, linesWritten, wasm, rss } = JSON.parse(stdout);
    test.diagnostic(stdout.trim());
    assert.ok(bytes >= 300_000_000, stdout);
    assert.equal(linesWritten, linesRead);
    assert.ok(wasm.end <= wasm.warm, `the module's memory grew: ${stdout}`);
    assert.ok(rss.peak <= rss.warm + 64 * MEGABYTE, `the memory grew: ${stdout}`);
});

test("the stream works in Chromium on a file", async () => {
    await writePage(join(directory, "stream.js"));
    const server = await serve(directory);
    const browser = await launch();
    try {
        const { result, problems } = await visitOnce(browser, new URL("stream.html", server.url).href);
        assert.deepEqual(problems, []);
        const expected = { lines: 2001, notifications: 2000, errorLines: [2001], equalsWhole: true };
        assert.deepEqual(JSON.parse(result), expected);
    } finally {
        await browser.close();
        await server.close();
    }
});
