// `existsNdjson` for input that does not fit in memory.

import { NovaError } from "./error.js";
import { existsNdjson, lastCompletedAuditPeriod } from "./nova_compute_utils_bg.js";

const NEWLINE = 0x0a;

/**
 * @param {import("./index.js").ExistsNdjsonOptions} options
 * @returns {TransformStream<Uint8Array, Uint8Array>}
 */
export function existsNdjsonStream(options) {
    // Invalid options throw here and not with the first line.
    existsNdjson(new Uint8Array(), options);
    const { release, auditPeriod, now } = options;
    // All lines share one window, even if the stream runs past the end of a period.
    const window = options.window ?? lastCompletedAuditPeriod({ release, auditPeriod, before: now });
    const common = { ...options, window };
    let line = BigInt(options.firstLine ?? 1);
    /** @type {Uint8Array[]} the pieces of the incomplete last line */
    let pieces = [];

    /**
     * @param {Uint8Array} lines
     * @param {TransformStreamDefaultController<Uint8Array>} controller
     */
    function process(lines, controller) {
        const output = existsNdjson(lines, { ...common, firstLine: line });
        for (let index = lines.indexOf(NEWLINE); index !== -1; index = lines.indexOf(NEWLINE, index + 1)) {
            line += 1n;
        }
        if (output.length > 0) {
            controller.enqueue(output);
        }
    }

    return new TransformStream({
        transform(chunk, controller) {
            if (!(chunk instanceof Uint8Array)) {
                const hint = "pipe text through a `TextEncoderStream` first";
                throw new NovaError("TypeError", `a chunk of the stream is not a \`Uint8Array\`: ${hint}`);
            }
            const end = chunk.lastIndexOf(NEWLINE) + 1;
            if (end === 0) {
                pieces.push(chunk.slice());
                return;
            }
            process(concatenate([...pieces, chunk.subarray(0, end)]), controller);
            pieces = end < chunk.length ? [chunk.slice(end)] : [];
        },
        flush(controller) {
            process(concatenate(pieces), controller);
        },
    });
}

/** @param {Uint8Array[]} pieces */
function concatenate(pieces) {
    if (pieces.length === 1) {
        return pieces[0];
    }
    const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let offset = 0;
    for (const piece of pieces) {
        whole.set(piece, offset);
        offset += piece.length;
    }
    return whole;
}
