// `existsNdjson` for what does not fit in memory.

import { NovaError } from "./error.js";
import { existsNdjson, lastCompletedAuditPeriod } from "./nova_compute_utils_bg.js";

const NEWLINE = 0x0a;

/**
 * @param {import("./index.js").ExistsNdjsonOptions} options
 * @returns {TransformStream<Uint8Array, Uint8Array>}
 */
export function existsNdjsonStream(options) {
    // What is wrong with the options is said at once, and not when the first line comes.
    existsNdjson(new Uint8Array(), options);
    const { release, auditPeriod, now } = options;
    // One window for all of the stream, even if it flows over the end of a month.
    const window = options.window ?? lastCompletedAuditPeriod({ release, auditPeriod, before: now });
    const common = { ...options, window };
    let line = BigInt(options.firstLine ?? 1);
    /** @type {Uint8Array[]} the line that is not whole yet, in the pieces that came */
    let pieces = [];

    /** @param {Uint8Array} lines */
    function tell(lines) {
        const told = existsNdjson(lines, { ...common, firstLine: line });
        for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) {
            line += 1n;
        }
        return told;
    }

    return new TransformStream({
        transform(chunk, controller) {
            if (!(chunk instanceof Uint8Array)) {
                const hint = "a `TextEncoderStream` makes them of text";
                throw new NovaError("TypeError", `a chunk of the stream is no \`Uint8Array\`: ${hint}`);
            }
            const end = chunk.lastIndexOf(NEWLINE) + 1;
            if (end === 0) {
                pieces.push(chunk.slice());
                return;
            }
            const told = tell(joined([...pieces, chunk.subarray(0, end)]));
            pieces = end < chunk.length ? [chunk.slice(end)] : [];
            if (told.length > 0) {
                controller.enqueue(told);
            }
        },
        flush(controller) {
            const told = tell(joined(pieces));
            if (told.length > 0) {
                controller.enqueue(told);
            }
        },
    });
}

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
    if (pieces.length === 1) {
        return pieces[0];
    }
    const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
    }
    return whole;
}
