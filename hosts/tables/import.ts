import type { Timestamp } from "nova-compute-utils";

import { COLUMNS, type ColumnType, type NovaTable, REQUIRED } from "./columns.js";
import { hostError } from "./error.js";
import { readInteger } from "./integer.js";
import { isObject } from "./object.js";
import type { TableRows } from "./store.js";
import { readTime } from "./time.js";

/**
 * Reads a row of one of Nova's tables as {@link TableConductor.importRows} stores it. Timestamps may have any form of
 * `Timestamp`. A column that the row lacks is null, and a member that is not a column is left out.
 *
 * `ValueError` when the row has no `id` from 1, or a value that is not of the type of its column; the error has the
 * arguments `table`, `column` and `id`.
 */
export function readRow<Name extends NovaTable>(table: Name, row: unknown): TableRows[Name] {
    if (!Object.hasOwn(COLUMNS, table)) {
        const known = Object.keys(COLUMNS).join(", ");
        throw hostError("ValueError", `unknown table \`${table}\`: give one of ${known}`);
    }
    if (!isObject(row)) {
        throw hostError("ValueError", `a row of \`${table}\` is not an object`, { arguments: { table } });
    }
    const columns = Object.entries<ColumnType>(COLUMNS[table]);
    const values = columns.map(([column, type]) => [column, readColumn(table, row, column, type)]);
    return Object.fromEntries(values) as TableRows[Name];
}

function readColumn(table: NovaTable, row: Record<string, unknown>, column: string, type: ColumnType): unknown {
    const fail = (problem: string) => {
        const id = isId(row.id) ? row.id : null;
        const message = `the column \`${table}.${column}\` of ${id === null ? "a row" : `the row ${id}`} ${problem}`;
        return hostError("ValueError", message, { arguments: { table, column, id } });
    };
    const value = row[column] ?? (type === "counter" ? 0 : null);
    if (value === null) {
        if (REQUIRED[table].includes(column)) {
            throw fail("is null");
        }
        return null;
    }
    if (column === "id" && !isId(value)) {
        throw fail("is not an integer from 1 to 2^53 - 1");
    }
    const [problem, read] = READERS[type];
    try {
        return read(value);
    } catch {
        throw fail(problem);
    }
}

/** For each type of column, what an invalid value is not, and a function that throws on one. */
const READERS: Record<ColumnType, [string, (value: unknown) => unknown]> = {
    text: ["is not text", readText],
    longText: ["is not text", readText],
    integer: ["is not an integer of 64 bits", (value) => readInteger("", value)],
    counter: ["is not an integer of 64 bits", (value) => readInteger("", value)],
    timestamp: ["is not a timestamp", (value) => readTime(value as Timestamp)],
};

function readText(value: unknown): string {
    if (typeof value !== "string") {
        throw new TypeError();
    }
    return value;
}

function isId(value: unknown): value is number {
    return Number.isSafeInteger(value) && Number(value) > 0;
}
