// The bulk functions for input that does not fit in memory.

import { NovaError } from "./error.js";
import { existsNdjson, hoursNdjson, reconcileNdjson, verifyNdjson } from "./nova_compute_utils_bg.js";

/** @param {import("./index.js").ExistsNdjsonOptions} options */
export function existsNdjsonStream(options) {
    return lineStream(existsNdjson, options);
}

/** @param {import("./index.js").HoursNdjsonOptions} options */
export function hoursNdjsonStream(options) {
    return lineStream(hoursNdjson, options);
}

/** @param {import("./index.js").ReconcileNdjsonOptions} options */
export function reconcileNdjsonStream(options) {
    return lineStream(reconcileNdjson, options);
}

/** @param {import("./index.js").VerifyNdjsonOptions | null} [options] */
export function verifyNdjsonStream(options) {
    return lineStream(verifyNdjson, options ?? {});
}

/**
 * Returns a stream that passes whole lines to a bulk function.
 *
 * @template {{ firstLine?: number | bigint | null }} Options
 * @param {(text: string, options: Options) => string} convert
 * @param {Options} options
 * @returns {TransformStream<string, string>}
 */
function lineStream(convert, options) {
    // Invalid options throw here and not with the first line.
    convert("", options);
    let line = BigInt(options.firstLine ?? 1);
    /** The incomplete last line. */
    let rest = "";

    /**
     * @param {string} lines
     * @param {TransformStreamDefaultController<string>} controller
     */
    function process(lines, controller) {
        const output = convert(lines, { ...options, firstLine: line });
        for (let index = lines.indexOf("\n"); index !== -1; index = lines.indexOf("\n", index + 1)) {
            line += 1n;
        }
        if (output !== "") {
            controller.enqueue(output);
        }
    }

    return new TransformStream({
        transform(chunk, controller) {
            if (typeof chunk !== "string") {
                const hint = "pipe bytes through a `TextDecoderStream` first";
                throw new NovaError("TypeError", `a chunk of the stream is not a string: ${hint}`);
            }
            const end = chunk.lastIndexOf("\n") + 1;
            if (end > 0) {
                process(rest + chunk.slice(0, end), controller);
                rest = "";
            }
            rest += chunk.slice(end);
        },
        flush(controller) {
            process(rest, controller);
        },
    });
}
