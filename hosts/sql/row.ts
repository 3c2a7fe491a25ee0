import type { Document, Integer, Value } from "nova-compute-utils";

import type { ColumnType } from "../tables/columns.js";
import { type HostError, hostError } from "../tables/error.js";
import { toInteger as toExact } from "../tables/integer.js";
import { parseTime } from "../tables/time.js";

/** The type of a column of SQL: also a boolean, and JSON text, which Nova also parses from bytes. */
export type SqlType = ColumnType | "boolean" | "json";

/** The columns of a table that a statement selects, and their types. */
export type SqlColumns = Readonly<Record<string, SqlType>>;

const ZERO = "0".charCodeAt(0);

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LOSSY_UTF_8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The selected columns of a row, undecoded: one bad value must not hide the other rows. */
export class SqlRow {
    readonly #table: string;
    readonly #columns: [string, SqlType][];
    /** The first letter of each value's type: of `null`, `integer`, `real`, `text` or `blob`. */
    readonly #types: string[] = [];
    /** Where each value begins in the bytes, and the end of the last one. */
    readonly #offsets: number[] = [];
    readonly #bytes: Uint8Array;
    /** All values as text, if each byte is a character; most rows are so, and one conversion of a row is quick. */
    readonly #ascii: string | undefined;

    /**
     * @param sizes the type and the size of each column, such as `t36i2n0`; `x0` for a value that is too large
     * @param bytes the values of all columns; a number is in decimal
     */
    constructor(table: string, columns: [string, SqlType][], sizes: string, bytes: Uint8Array) {
        this.#table = table;
        this.#columns = columns;
        this.#bytes = bytes;
        let [size, end] = [0, 0];
        // Each size ends before the letter of the next type. A regular expression takes twice as long.
        for (let index = 0; index < sizes.length; index += 1) {
            const digit = sizes.charCodeAt(index) - ZERO;
            if (digit >= 0 && digit <= 9) {
                size = size * 10 + digit;
            } else {
                end += size;
                size = 0;
                this.#types.push(sizes.charAt(index));
                this.#offsets.push(end);
            }
        }
        this.#offsets.push(end + size);
        const text = decode(bytes);
        this.#ascii = text?.length === bytes.length ? text : undefined;
    }

    /** Returns the undecoded value of a column; null for null. */
    bytes(name: string): Uint8Array | null {
        const index = this.#indexOf(name);
        return this.#types[index] === "n" ? null : this.#slice(index);
    }

    /** Returns the value of a column if it is UTF-8 text. */
    text(name: string): string | undefined {
        const index = this.#indexOf(name);
        return this.#types[index] === "t" ? this.#text(index) : undefined;
    }

    /** Returns the value of a column if it is an integer. */
    integer(name: string): Integer | undefined {
        const index = this.#indexOf(name);
        return this.#types[index] === "i" ? toInteger(this.#text(index), "i") : undefined;
    }

    /**
     * Returns the columns as a document, without those before the one with the index `first`. Reads what Nova reads:
     * SQLite stores any type of value in any column. Fails with `UnreadableColumn` on a value that is too large or not
     * of the type of its column.
     */
    document(first = 0): Document {
        const document: Document = {};
        this.#columns.forEach(([name, type], index) => {
            if (index >= first) {
                document[name] = this.#value(index, name, type);
            }
        });
        return document;
    }

    /** Creates the error of a column of this row. */
    unreadable(column: string, problem: string): HostError {
        const id = this.integer("id") ?? null;
        const row = id === null ? "a row" : `the row ${id}`;
        const message = `the column \`${this.#table}.${column}\` of ${row} ${problem}`;
        return hostError("UnreadableColumn", message, { arguments: { table: this.#table, column, id } });
    }

    #value(index: number, name: string, type: SqlType): Value {
        const letter = this.#types[index];
        if (letter === "n") {
            return type === "counter" ? 0 : null;
        }
        if (letter === "x") {
            throw this.unreadable(name, "is larger than 16 MiB");
        }
        const check = <T>(value: T | undefined, problem: string): T => {
            if (value === undefined) {
                throw this.unreadable(name, problem);
            }
            return value;
        };
        const text = this.#text(index);
        switch (type) {
            case "longText":
                return text ?? LOSSY_UTF_8.decode(this.#slice(index));
            case "text":
                return check(letter === "b" ? undefined : text, letter === "b" ? "is not text" : "is not UTF-8 text");
            case "json":
                return check(text, "is not UTF-8 text");
            case "integer":
            case "counter":
                return check(toInteger(text, letter), "is not an integer");
            case "timestamp":
                return check(letter === "t" ? parseRowTime(text) : undefined, "is not a timestamp");
            case "boolean":
                // As Python's `bool`, to which SQLAlchemy converts the value.
                if (letter === "b") {
                    return this.#slice(index).length > 0;
                }
                return letter === "t" ? check(text, "is not UTF-8 text") !== "" : Number(text) !== 0;
        }
    }

    #indexOf(name: string): number {
        return this.#columns.findIndex(([column]) => column === name);
    }

    #slice(index: number): Uint8Array {
        return this.#bytes.subarray(this.#offsets[index], this.#offsets[index + 1]);
    }

    #text(index: number): string | undefined {
        return this.#ascii?.slice(this.#offsets[index], this.#offsets[index + 1]) ?? decode(this.#slice(index));
    }
}

/**
 * Parses a timestamp of a row: `YYYY-MM-DD HH:MM:SS.ffffff`, with any number of digits of fraction or none. `T` may be
 * in place of the blank. A date alone is its midnight. Stricter than the timestamps of callers, so that SQL can check
 * the same form.
 */
export function parseRowTime(text: string | undefined): string | undefined {
    const isTime = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+)?)?$/.test(text ?? "");
    return isTime ? parseTime(text ?? "") : undefined;
}

function decode(bytes: Uint8Array): string | undefined {
    try {
        return UTF_8.decode(bytes);
    } catch {
        return undefined;
    }
}

/** Converts a value to an integer, as Nova does with Python's `int`, which drops the fraction. */
function toInteger(text: string | undefined, letter: string | undefined): Integer | undefined {
    switch (letter) {
        case "i":
            return Number.isSafeInteger(Number(text)) ? Number(text) : readDigits(text);
        case "t":
            return readDigits(text?.trim());
        case "r":
            return Math.abs(Number(text)) < 2 ** 63 ? readDigits(String(BigInt(Math.trunc(Number(text))))) : undefined;
        default:
            return undefined;
    }
}

/** Reads a decimal integer of up to 64 bits. */
function readDigits(text: string | undefined): Integer | undefined {
    const [, sign, digits] = /^([+-]?)0*(\d{1,19})$/.exec(text ?? "") ?? [];
    if (digits === undefined) {
        return undefined;
    }
    const integer = BigInt(sign === "-" ? `-${digits}` : digits);
    return BigInt.asIntN(64, integer) === integer ? toExact(integer) : undefined;
}
