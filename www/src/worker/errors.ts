// Errors that cross the border keep their code and cause: comlink itself passes only name, message and stack. Both sides
// import this file.

import { transferHandlers } from "comlink";

import type { Problem } from "./api.js";

/** An error with the fields of a `Problem`. */
export class ConsoleError extends Error implements Problem {
    readonly code: string;
    override readonly cause: string | null;
    readonly remedy: string | null;

    constructor({ code, message, cause = null, remedy = null }: Pick<Problem, "code" | "message"> & Partial<Problem>) {
        super(message);
        this.name = "ConsoleError";
        this.code = code;
        this.cause = cause;
        this.remedy = remedy;
    }
}

/** What to do about an error, by its code. */
const REMEDIES: Record<string, string> = {
    QuotaExceededError: "Free room under Data, or go on in memory.",
    DBError: "Close other tabs of this console and reload, or go on in memory.",
    UnknownSchema: "Drop the database of a Nova cell, such as `nova_cell1`. The API database (`nova_api`) has no servers.",
    InitFailed: "Reload the page. If it fails again, the web server does not serve all files of the console.",
};

/** Returns an error of any kind as a `Problem`, which can be cloned. */
export function problemOf(error: unknown): Problem {
    if (error instanceof ConsoleError) {
        const { code, message, cause, remedy } = error;
        return { code, message, cause, remedy };
    }
    const { code: given, name, message, cause } = (
        typeof error === "object" && error !== null ? error : { message: String(error) }
    ) as { code?: unknown; name?: unknown; message?: unknown; cause?: unknown };
    const inner = cause === undefined || cause === null ? null : problemOf(cause);
    // A full disk is reported by the outermost layer under another name.
    const quota = inner?.code === "QuotaExceededError" || name === "QuotaExceededError";
    const code = quota ? "QuotaExceededError" : typeof given === "string" ? given : String(name ?? "Error");
    return {
        code,
        message: String(message ?? error),
        cause: inner === null ? null : `${inner.code}: ${inner.message}`,
        remedy: REMEDIES[code] ?? inner?.remedy ?? null,
    };
}

const inherited = transferHandlers.get("throw");
transferHandlers.set("throw", {
    // Only comlink's own handler knows its marker of a thrown value.
    canHandle: (value): value is { value: unknown } => inherited?.canHandle(value) ?? false,
    serialize: ({ value }: { value: unknown }) => [problemOf(value), []],
    deserialize: (problem: Problem) => {
        throw new ConsoleError(problem);
    },
});
