// Sources: what is inside a file, and its lines or elements, within the limits.

import { type ImportSource, LIMITS, type SourceInfo, type SourceKind } from "./api.js";
import { ConsoleError, problemOf } from "./errors.js";
import { parseJson } from "./json.js";

/** How many bytes are looked at to find the kind. */
const LOOK_BYTES = 64 * 1024;

const SQLITE_MAGIC = "SQLite format 3\0";

/** One line or element of a source. */
export interface Line {
    /** Counted from 1. */
    number: number;
    text: string;
    /** Whether it is longer than the limit; then `text` has only its start. */
    tooLong: boolean;
}

/** Looks inside a source. The name decides nothing. */
export async function inspect({ name, blob }: ImportSource): Promise<SourceInfo> {
    const gzip = await isGzip(blob);
    const info: SourceInfo = { kind: null, gzip, bytes: blob.size, cell: null, notes: [], problem: null, fits: null };
    const refuse = (found: string): SourceInfo => ({
        ...info,
        problem: {
            code: "UnknownSource",
            message: `\`${name}\` ${found}`,
            cause: null,
            remedy: "Drop a cell database of Nova (SQLite), instances as NDJSON or a JSON list, or a cell that this console exported.",
        },
    });
    if (blob.size === 0) {
        return refuse("is empty");
    }
    let start: Uint8Array;
    try {
        start = await readStart(blob, gzip);
    } catch (error) {
        return refuse(`begins like gzip, but cannot be unpacked: ${String((error as Error).message)}`);
    }
    if (new TextDecoder("latin1").decode(start.subarray(0, 16)) === SQLITE_MAGIC) {
        // Bytes 18 and 19 are 2 in a file in WAL mode.
        info.notes = start[18] === 2 ? ["The file is in WAL mode: what is still in its `-wal` file is not seen."] : [];
        return { ...info, kind: "sqlite", ...(gzip ? {} : await inspectDatabase(blob, info.notes)) };
    }
    const text = new TextDecoder().decode(start).replace(/^\uFEFF/, "");
    if (text.includes("\0")) {
        return refuse("is neither a SQLite database nor text");
    }
    if (LIST_START.test(text)) {
        return { ...info, kind: "instances-json" };
    }
    const first = text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "";
    const isCut = text.length >= LOOK_BYTES && !text.trimStart().includes("\n");
    const parsed = isCut ? undefined : parse(first);
    if (isObject(parsed) && parsed["nova_compute_utils"] === "cell") {
        if (parsed["version"] !== 1) {
            return refuse(`is a cell file of version ${String(parsed["version"])}: this console reads version 1`);
        }
        return { ...info, kind: "cell", cell: typeof parsed["cell"] === "string" ? parsed["cell"] : null };
    }
    if (first.startsWith("{") && (isCut || isObject(parsed) || text.includes('"uuid"'))) {
        if (isObject(parsed) && !("uuid" in parsed)) {
            return refuse("has JSON objects without `uuid`: they are no instances of Nova");
        }
        return { ...info, kind: "instances-ndjson" };
    }
    return refuse("is neither a SQLite database, nor NDJSON, nor a JSON list of instances");
}

/** Checks the tables of a database before it is imported. */
async function inspectDatabase(blob: Blob, notes: string[]): Promise<Pick<SourceInfo, "notes" | "problem">> {
    const { openCellDatabase } = await import("./sqlite.js");
    try {
        const database = await openCellDatabase(blob);
        database.close();
        return { notes: [...notes, ...database.notes], problem: null };
    } catch (error) {
        return { notes, problem: problemOf(error) };
    }
}

async function isGzip(blob: Blob): Promise<boolean> {
    const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
    return first === 0x1f && second === 0x8b;
}

async function readStart(blob: Blob, gzip: boolean): Promise<Uint8Array> {
    if (!gzip) {
        return new Uint8Array(await blob.slice(0, LOOK_BYTES).arrayBuffer());
    }
    const reader = unpack(blob).getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (length < LOOK_BYTES) {
        const { value, done } = await reader.read();
        if (done) {
            break;
        }
        chunks.push(value);
        length += value.length;
    }
    // The rest is not wanted: its error, if there is one, is reported by the import.
    void reader.cancel().catch(() => undefined);
    return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()).subarray(0, LOOK_BYTES);
}

function unpack(blob: Blob): ReadableStream<Uint8Array> {
    return blob.stream().pipeThrough(new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>);
}

/**
 * Returns the bytes of a source, unpacked. `onBytes` receives how many bytes of the packed source are read. Fails with
 * `TooLarge` on a source that unpacks to more than the limits allow.
 */
export function bytesOf(blob: Blob, gzip: boolean, onBytes: (read: number) => void): ReadableStream<Uint8Array> {
    let read = 0;
    const counted = blob.stream().pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
                read += chunk.length;
                onBytes(read);
                controller.enqueue(chunk);
            },
        }),
    );
    if (!gzip) {
        return counted;
    }
    let unpacked = 0;
    return counted.pipeThrough(new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>).pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
                unpacked += chunk.length;
                const isBomb = unpacked > 64 * 1024 ** 2 && unpacked > read * LIMITS.ratio;
                if (isBomb || unpacked > LIMITS.unpackedBytes) {
                    throw new ConsoleError({
                        code: "TooLarge",
                        message: `the source unpacks to more than ${isBomb ? `${LIMITS.ratio} times its size` : "16 GiB"}`,
                        remedy: "Unpack it yourself, look at it, and drop the unpacked file.",
                    });
                }
                controller.enqueue(chunk);
            },
        }),
    );
}

/** Yields the lines or elements of a source in groups, one group per chunk. */
export async function* linesOf(bytes: ReadableStream<Uint8Array>, kind: SourceKind): AsyncGenerator<Line[]> {
    const splitter = kind === "instances-json" ? new ListSplitter() : new LineSplitter();
    const decoder = new TextDecoder();
    const reader = bytes.getReader();
    try {
        for (;;) {
            const { value, done } = await reader.read();
            const lines = done ? splitter.end(decoder.decode()) : splitter.push(decoder.decode(value, { stream: true }));
            if (lines.length > 0) {
                yield lines;
            }
            if (done) {
                return;
            }
        }
    } finally {
        void reader.cancel().catch(() => undefined);
    }
}

/** Collects the pieces of one line or element up to the limit. */
class Collector {
    #pieces: string[] = [];
    #length = 0;

    add(piece: string): void {
        this.#length += piece.length;
        if (this.#length <= LIMITS.lineChars) {
            this.#pieces.push(piece);
        } else if (this.#length - piece.length < LIMITS.unreadableText) {
            this.#pieces.push(piece.slice(0, LIMITS.unreadableText));
        }
    }

    get isEmpty(): boolean {
        return this.#length === 0;
    }

    take(number: number): Line {
        const tooLong = this.#length > LIMITS.lineChars;
        const text = this.#pieces.join("");
        this.#pieces = [];
        this.#length = 0;
        return { number, text: tooLong ? text.slice(0, LIMITS.unreadableText) : text, tooLong };
    }
}

class LineSplitter {
    readonly #line = new Collector();
    #number = 1;

    push(text: string): Line[] {
        const pieces = text.split("\n");
        const lines: Line[] = [];
        pieces.forEach((piece, place) => {
            this.#line.add(piece);
            if (place < pieces.length - 1) {
                lines.push(this.#line.take(this.#number));
                this.#number += 1;
            }
        });
        return lines.filter(({ text }) => text.trim() !== "");
    }

    end(text: string): Line[] {
        const lines = this.push(text);
        const last = this.#line.take(this.#number);
        return last.text.trim() === "" ? lines : [...lines, last];
    }
}

/** The start of a list, alone or as the member `servers` or `instances` of an object. */
const LIST_START = /^\s*(?:\{\s*"(?:servers|instances)"\s*:\s*)?\[/;

/** Cuts a JSON list into the text of its elements, which keeps what `JSON.parse` would round. */
class ListSplitter {
    readonly #element = new Collector();
    #start = "";
    #state: "before" | "list" | "after" = "before";
    #number = 1;
    #depth = 0;
    #inString = false;
    #escaped = false;

    push(text: string): Line[] {
        if (this.#state === "before") {
            const start = this.#start + text;
            const match = LIST_START.exec(start.replace(/^\uFEFF/, " "));
            if (match === null) {
                this.#start = start.slice(0, 4096);
                return [];
            }
            this.#state = "list";
            return this.#scan(start.slice(match[0].length));
        }
        return this.#state === "list" ? this.#scan(text) : [];
    }

    end(text: string): Line[] {
        const lines = this.push(text);
        // A list without its end: what is left of the last element is unreadable, and is reported as such.
        if (this.#state === "list") {
            const last = this.#element.take(this.#number);
            return [...lines, { ...last, text: last.text.trim() === "" ? "the list has no end" : last.text }];
        }
        return lines;
    }

    #scan(text: string): Line[] {
        const lines: Line[] = [];
        let from = 0;
        const finish = (to: number) => {
            this.#element.add(text.slice(from, to));
            const line = this.#element.take(this.#number);
            if (line.text.trim() !== "" || line.tooLong) {
                lines.push(line);
            }
            this.#number += 1;
            from = to + 1;
        };
        for (let place = 0; place < text.length; place += 1) {
            const code = text.charCodeAt(place);
            if (this.#inString) {
                if (this.#escaped) {
                    this.#escaped = false;
                } else if (code === 0x5c) {
                    this.#escaped = true;
                } else if (code === 0x22) {
                    this.#inString = false;
                }
            } else if (code === 0x22) {
                this.#inString = true;
            } else if (code === 0x7b || code === 0x5b) {
                this.#depth += 1;
            } else if ((code === 0x7d || code === 0x5d) && this.#depth > 0) {
                this.#depth -= 1;
            } else if (code === 0x5d) {
                finish(place);
                this.#state = "after";
                return lines;
            } else if (code === 0x2c && this.#depth === 0) {
                finish(place);
            }
        }
        this.#element.add(text.slice(from));
        return lines;
    }
}

/** Parses JSON, or returns why it cannot be read. */
export function parseLine({ text, tooLong }: Line): { value: unknown } | { reason: string } {
    if (tooLong) {
        return { reason: `longer than ${LIMITS.lineChars / 1024 ** 2} Mi characters` };
    }
    let value: unknown;
    try {
        value = parseJson(text);
    } catch (error) {
        return { reason: `not JSON: ${String((error as Error).message).slice(0, 200)}` };
    }
    return isDeeper(value, LIMITS.depth) ? { reason: `nested deeper than ${LIMITS.depth} levels` } : { value };
}

function isDeeper(value: unknown, levels: number): boolean {
    if (typeof value !== "object" || value === null) {
        return false;
    }
    return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
