// `existsNdjson` for what does not fit in memory.

import { existsNdjson } from "./nova_compute_utils_bg.js";

const NEWLINE = 0x0a;

/**
 * @param {import("./index.js").ExistsNdjsonOptions} options
 * @returns {TransformStream<Uint8Array, Uint8Array>}
 */
export function existsNdjsonStream(options) {
    const { firstLine, ...common } = options;
    let line = Number(firstLine ?? 1);
    /** @type {Uint8Array[]} the line that is not whole yet, in the pieces that came */
    let pieces = [];

    /** @param {Uint8Array} lines */
    function tell(lines) {
        const told = existsNdjson(lines, { ...common, firstLine: line });
        for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) {
            line += 1;
        }
        return told;
    }

    return new TransformStream({
        // What is wrong with the options is said at once, and not when the first line comes.
        start() {
            tell(new Uint8Array());
        },
        transform(chunk, controller) {
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
