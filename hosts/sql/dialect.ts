import { hostError } from "../tables/error.js";

/** The kind of a database. */
export type DialectName = "sqlite";

/** The SQL that differs between kinds of databases. */
export interface Dialect {
    /**
     * Returns the expression for the type and the size of a value: the letter of the type and the number of bytes; `x0`
     * for a value that is larger than {@link LARGEST_VALUE}.
     */
    typeAndSize(column: string): string;
    /** Returns the expression for the bytes of several values, one after another. A null or a large value has none. */
    bytes(columns: string[]): string;
    /** Returns the expression for a text or blob parameter, or for a column, as bytes. A null becomes empty. */
    asBytes(expression: string): string;
    /** Returns the condition that {@link parseRowTime} parses the value of a column. It is never null. */
    isTimestamp(column: string): string;
    /**
     * Returns the forms that a timestamp of the tables has in a database, as parameters. Nova writes the first one. The
     * others are those of copies of other databases.
     */
    timestamps(time: string): [string, ...string[]];
    /** Returns the query for the columns of some tables: the names of the table and of the column. */
    columns(tables: readonly string[]): string;
    /** The query for the names of the first tables. */
    readonly tables: string;
}

/** The most bytes of a value. Nova's columns have at most 64 KiB or 16 MiB, but a column of SQLite has any value. */
const LARGEST_VALUE = 2 ** 24;

/** Returns the condition that a value is too large. SQLite does not read the value for it. */
function isLarge(column: string): string {
    return `octet_length(${column}) > ${LARGEST_VALUE}`;
}

const SQLITE: Dialect = {
    typeAndSize(column) {
        // A column of SQLite can contain values of any type: `null`, `integer`, `real`, `text` or `blob`.
        const typeAndSize = `substr(typeof(${column}), 1, 1) || coalesce(octet_length(${column}), 0)`;
        return `CASE WHEN ${isLarge(column)} THEN 'x0' ELSE ${typeAndSize} END`;
    },
    bytes(columns) {
        const values = columns.map((column) => {
            return `CASE WHEN ${isLarge(column)} THEN x'' ELSE ${this.asBytes(column)} END`;
        });
        // Concatenation returns text, without a change of the bytes.
        return `CAST(${["''", ...values].join(" || ")} AS BLOB)`;
    },
    asBytes(expression) {
        return `coalesce(CAST(${expression} AS BLOB), x'')`;
    },
    isTimestamp(column) {
        const date = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
        const time = "[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]";
        // `date` returns null for an hour of 25, and another day for February 31.
        return (
            `(typeof(${column}) = 'text' AND date(${column}) IS substr(${column}, 1, 10) AND ` +
            `(${column} GLOB '${date}' OR ${column} GLOB '${date}${time}' OR ` +
            `(${column} GLOB '${date}${time}.[0-9]*' AND substr(${column}, 21) NOT GLOB '*[^0-9]*')))`
        );
    },
    timestamps(time) {
        const text = time.replace("T", " ");
        // A copy of a database of MySQL has no fraction.
        return text.endsWith(".000000") ? [text, text.slice(0, -".000000".length)] : [text];
    },
    columns(tables) {
        // Views are left out: reading one of a hostile database may never end.
        return (
            "SELECT tables.name, columns.name " +
            "FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns " +
            `WHERE tables.type = 'table' AND tables.name IN ('${tables.join("', '")}')`
        );
    },
    tables: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 100",
};

const DIALECTS: Record<DialectName, Dialect> = { sqlite: SQLITE };

/** Returns the dialect; `ValueError` when it is unknown. */
export function dialectOf(name: DialectName): Dialect {
    if (!Object.hasOwn(DIALECTS, name)) {
        throw hostError("ValueError", `unknown dialect \`${name}\`: give \`sqlite\``);
    }
    return DIALECTS[name];
}
