/** A value for a placeholder of a statement. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A condition in SQL, and the values of its placeholders. */
export interface Condition {
    readonly sql: string;
    readonly values: readonly SqlValue[];
}

export const ANY: Condition = { sql: "1 = 1", values: [] };

/** Leaves out soft-deleted rows, as Nova does by default. */
export const LIVE: Condition = { sql: "deleted = 0", values: [] };

export function equal(column: string, value: string | number): Condition {
    return { sql: `${column} = ?`, values: [value] };
}

export function oneOf(column: string, values: readonly SqlValue[]): Condition {
    return { sql: `${column} IN (${values.map(() => "?").join(", ")})`, values };
}

export function and(...conditions: Condition[]): Condition {
    return {
        sql: conditions.map(({ sql }) => `(${sql})`).join(" AND "),
        values: conditions.flatMap(({ values }) => values),
    };
}
