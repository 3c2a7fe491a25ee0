import type { Awaitable } from "nova-compute-utils";

import { hostError } from "../tables/error.js";
import { LARGEST_PAGE } from "../tables/page.js";
import { and, type Condition, oneOf, type SqlValue } from "./condition.js";
import type { Dialect } from "./dialect.js";
import { type SqlColumns, SqlRow, type SqlType } from "./row.js";
import type { Tables } from "./schema.js";

/**
 * Runs one SQL statement with `?` in place of each parameter, and returns its rows, each as an array of the values in
 * the order of the columns. A blob is a `Uint8Array`. The statement only reads.
 */
export type RunSql = (sql: string, parameters: SqlValue[]) => Awaitable<ArrayLike<unknown>[]>;

/** Runs a statement; `DBError` when it fails. */
export async function runStatement(
    run: RunSql,
    sql: string,
    parameters: readonly SqlValue[] = [],
): Promise<ArrayLike<unknown>[]> {
    try {
        return await run(sql, [...parameters]);
    } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw hostError("DBError", message.replace(/\s+/g, " "), { cause: error });
    }
}

/** Reads rows of the tables of a database. */
export class TableReader {
    readonly dialect: Dialect;
    readonly tables: Tables;
    readonly #run: RunSql;

    constructor(run: RunSql, dialect: Dialect, tables: Tables) {
        this.#run = run;
        this.dialect = dialect;
        this.tables = tables;
    }

    /**
     * Reads columns of the matching rows. A column that the table lacks is null, and a table that the database lacks
     * has no rows. `order` is the end of the statement, such as `ORDER BY id`.
     */
    async select(table: string, columns: SqlColumns, condition: Condition, order: string): Promise<SqlRow[]> {
        if (!this.tables.has(table)) {
            return [];
        }
        const list = Object.entries<SqlType>(columns);
        const exists = (name: string) => this.tables.has(table, name);
        const sizes = list.map(([name]) => (exists(name) ? this.dialect.typeAndSize(name) : "'n0'")).join(" || ");
        const bytes = this.dialect.bytes(list.map(([name]) => name).filter(exists));
        const rows = await this.run(
            `SELECT ${sizes}, ${bytes} FROM ${table} WHERE ${condition.sql} ${order}`,
            condition,
        );
        return rows.map(({ 0: sizes, 1: bytes }) => {
            if (typeof sizes !== "string" || !(bytes instanceof Uint8Array)) {
                const message = "`run` must return rows as arrays, with strings for text and `Uint8Array`s for blobs";
                throw hostError("TypeError", message);
            }
            return new SqlRow(table, list, sizes, bytes);
        });
    }

    /**
     * Reads the matching rows that have one of these values in a column, with as many statements as needed: databases
     * limit the parameters of a statement. The order is that of each statement.
     */
    async selectOf(
        table: string,
        columns: SqlColumns,
        [column, values]: [column: string, values: readonly SqlValue[]],
        condition: Condition,
        order: string,
    ): Promise<SqlRow[]> {
        const unique = [...new Set(values)];
        const rows: SqlRow[] = [];
        for (let start = 0; start < unique.length; start += LARGEST_PAGE) {
            const part = oneOf(column, unique.slice(start, start + LARGEST_PAGE));
            rows.push(...(await this.select(table, columns, and(part, condition), order)));
        }
        return rows;
    }

    /** Returns the number of matching rows. */
    async count(table: string, condition: Condition): Promise<number> {
        if (!this.tables.has(table)) {
            return 0;
        }
        const [row] = await this.run(`SELECT COUNT(*) FROM ${table} WHERE ${condition.sql}`, condition);
        return Number(row?.[0]);
    }

    run(sql: string, { values }: Pick<Condition, "values">): Promise<ArrayLike<unknown>[]> {
        return runStatement(this.#run, sql, values);
    }
}
