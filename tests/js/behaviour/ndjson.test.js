// The bulk functions and their streams: instances in, notifications or hours out, line by line, for any split into
// chunks.

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
const { ComputeUtils, existsNdjson, existsNdjsonStream, hoursNdjson, hoursNdjsonStream } = library;
after(remove);

const MEGABYTE = 1 << 20;
const options = (others = {}) => ({
    release: "hibiscus",
    host: "cmp-01",
    windows: [MAY],
    timestamp: NOW,
    ...others,
});
const instance = (number, values = {}) => hibiscus({ uuid: uuidOf(number), ...values });
const line = (instance) => `${JSON.stringify(instance)}\n`;

/** Parses the lines of an output. */
const parse = (text) =>
    text
        .split("\n")
        .slice(0, -1)
        .map((text) => JSON.parse(text));

/** Returns notifications without members that only a line or only a record has. */
const comparable = (notifications) =>
    notifications.map(({ context: _context, versioned: _versioned, ...others }) => others);

/** Returns good and bad lines with characters of one to four bytes and every kind of line end. */
function mixedLines() {
    const good = (number, end = "\n") => JSON.stringify(instance(number, { display_name: "é€😀" })) + end;
    const bad = `null\n[]\n42\n{"uuid": 42}\n{"launched_at": "May"}\n`;
    return `${good(1)}\n${good(2, "\r\n")}\r\n{oops\n   \t\n${good(3)}${bad}${good(4, "")}`;
}

/** Returns the output of a stream for some chunks. */
async function transform(chunks, stream = existsNdjsonStream(options())) {
    const output = [];
    await ReadableStream.from(chunks)
        .pipeThrough(stream)
        .pipeTo(new WritableStream({ write: (chunk) => void output.push(chunk) }));
    assert.ok(output.every((chunk) => typeof chunk === "string" && chunk !== ""));
    return output.join("");
}

test("each line becomes a notification, or an error with the number of the line", async () => {
    const output = parse(existsNdjson(mixedLines(), options()));
    const summary = output.map(({ payload, line, error }) => payload?.instance_id.slice(-4) ?? `${line} ${error.code}`);
    // An instance that was never launched was alive in no window.
    const errors = [8, 9, 10, 12].map((number) => `${number} ValueError`);
    assert.deepEqual(summary, ["0001", "0002", "5 ValueError", "0003", ...errors, "0004"]);
    assert.equal(output[0].payload.display_name, "é€😀");
    for (const firstLine of [1, 1000, 2n ** 53n, 0]) {
        const [{ line }] = parse(existsNdjson("{oops", options({ firstLine })));
        assert.equal(line, Number(firstLine));
    }
    for (const firstLine of [-1, 0.5, NaN, "1", 2 ** 53]) {
        const invalid = options({ firstLine });
        for (const call of [() => existsNdjson("", invalid), () => existsNdjsonStream(invalid)]) {
            assertNovaError(await errorOf(call), { code: "TypeError", message: /^`firstLine` is / });
        }
    }
    for (const empty of ["", "\n \r\n\n"]) {
        assert.equal(existsNdjson(empty, options()), "");
    }
    for (const text of [undefined, null, 42, ["{}"], new Uint8Array(2), new String("{}")]) {
        for (const call of [() => existsNdjson(text, options()), () => hoursNdjson(text, { windows: [] })]) {
            assertNovaError(await errorOf(call), { code: "TypeError", message: /^`text` is .*: give a string$/ });
        }
    }
});

test("an instance has notifications and hours in each window in which it was alive, always the same ones", () => {
    const windows = library.windowsBetween({ release: "hibiscus", begin: "2025-03-01", end: "2025-08-01" });
    const lines = line(instance(1, { terminated_at: "2025-06-01T12:00:00", host: "cmp-07" }));
    const begin = ({ payload, begin }) => (begin ?? payload.audit_period_beginning).slice(0, 7);
    const begins = (output) => parse(output).map(begin);
    const output = existsNdjson(lines, options({ windows }));
    assert.deepEqual(begins(output), ["2025-04", "2025-05", "2025-06"]);
    assert.equal(output, existsNdjson(lines, options({ windows })));
    const hours = hoursNdjson(lines, { windows });
    assert.deepEqual(begins(hours), ["2025-04", "2025-05", "2025-06"]);
    const { launched_at: launchedAt, flavor } = hibiscus();
    const [, may, june] = parse(hours);
    assert.equal(may.hours, library.hoursFor({ launchedAt, window: MAY }));
    assert.deepEqual([june.hours, june.vcpus_hours, june.host], [12, 12 * flavor.vcpus, "cmp-07"]);

    const ids = (hostFromInstance) => {
        const [{ publisher_id, message_id }] = parse(existsNdjson(lines, options({ hostFromInstance })));
        const host = publisher_id.replace("compute.", "");
        const eventType = "compute.instance.exists";
        const asked = { release: "hibiscus", eventType, host, window: MAY, instanceUuid: uuidOf(1) };
        assert.equal(message_id, library.deterministicMessageId(asked));
        return host;
    };
    assert.deepEqual([ids(true), ids(false), ids(null)], ["cmp-07", "cmp-01", "cmp-01"]);
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
        await nova.runInstanceUsageAudit({ context: context(), messageIds: "deterministic" });
        nova.free();
        const output = parse(existsNdjson(instances.map(line).join(""), options({ ...common, context: context() })));
        assert.equal(output.length, notificationFormat === "both" ? 60 : 30);
        assert.deepEqual(comparable(output), comparable(notifier.notifications));
        assert.ok(output.every((notification) => !("versioned" in notification)));
    });
}

test("the output is the same for every chunk boundary, and for random ones", async () => {
    const text = mixedLines();
    const windows = [MAY];
    const expected = [existsNdjson(text, options()), hoursNdjson(text, { windows })];
    const assertSame = async (chunks, label) => {
        const hours = await transform(chunks, hoursNdjsonStream({ windows }));
        assert.deepEqual([await transform(chunks), hours], expected, label);
    };
    for (let at = 0; at <= text.length; at += 1) {
        await assertSame([text.slice(0, at), text.slice(at)], `a boundary before ${at}`);
    }
    const seed = Date.now();
    const next = random(seed);
    for (let round = 0; round < 100; round += 1) {
        const chunks = [];
        for (let at = 0; at < text.length;) {
            const length = Math.floor(next() ** 3 * 400);
            chunks.push(text.slice(at, at + length));
            at += length;
        }
        await assertSame(chunks, `seed ${seed}, round ${round}`);
    }
    await assertSame(text.split(""), "one by one");
});

test("the stream counts lines from `firstLine`", async () => {
    const output = await transform(["{oo", "ps\n\n", "{oops"], existsNdjsonStream(options({ firstLine: 2n ** 60n })));
    const numbers = [...output.matchAll(/"line":(\d+)/g)].map(([, number]) => BigInt(number));
    assert.deepEqual(numbers, [2n ** 60n, 2n ** 60n + 2n]);
});

test("bad options throw before the stream starts, and a bad chunk rejects when it arrives", async () => {
    const wrong = [{}, options({ windows: "May" }), options({ windows: [{}] }), options({ hots: "cmp-01" })];
    for (const invalid of [undefined, null, 42, "text", ...wrong]) {
        assertNovaError(await errorOf(() => existsNdjsonStream(invalid)), { code: "TypeError" });
    }
    const message = /^a chunk of the stream is not a string/;
    for (const chunk of [null, 42, ["{}"], new Uint8Array(2), new String("{}")]) {
        assertNovaError(await errorOf(transform([chunk])), { code: "TypeError", message });
    }
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
