import type { InstancePage, WindowQuery } from "nova-compute-utils";

import { markerNotFound } from "../tables/error.js";
import { toInteger } from "../tables/integer.js";
import { isObject, parseJson } from "../tables/object.js";
import { pageLimit } from "../tables/page.js";
import { readOptionalTime, readTime } from "../tables/time.js";
import { and, ANY, type Condition, equal, type SqlValue } from "./condition.js";
import type { Dialect } from "./dialect.js";
import { type DocumentOptions, INSTANCE, readDocuments } from "./documents.js";
import type { TableReader } from "./reader.js";
import type { SqlRow } from "./row.js";

export async function getActiveByWindow(
    reader: TableReader,
    options: DocumentOptions,
    query: WindowQuery & { marker: string | null; limit: number },
): Promise<InstancePage> {
    const order = orderOf(reader.dialect);
    const condition = and(isActive(reader.dialect, query), isAfter(order, reader.dialect, query.marker ?? null));
    const limit = pageLimit(query.limit);
    // One instance more than the page holds shows that another page follows.
    const end = `ORDER BY ${order.join(", ")} LIMIT ${limit + 1}`;
    const rows = await reader.select("instances", INSTANCE, condition, end);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_marker = rows.length > limit && last !== undefined ? writeMarker(last) : null;
    return { ...(await readDocuments(reader, page, options)), next_marker };
}

export function countActiveByWindow(reader: TableReader, query: WindowQuery): Promise<number> {
    return reader.count("instances", isActive(reader.dialect, query));
}

/**
 * Selects the instances that existed at any time of a window, soft-deleted ones included. An unreadable timestamp can
 * be in any window, so it leaves out no instance.
 */
function isActive(dialect: Dialect, { begin, end, project_id, host }: WindowQuery): Condition {
    const isReadable = (column: string) => dialect.isTimestamp(column);
    const conditions: Condition[] = [
        {
            sql: `terminated_at IS NULL OR terminated_at > ? OR NOT ${isReadable("terminated_at")}`,
            values: [dialect.timestamps(readTime(begin))[0]],
        },
    ];
    const before = readOptionalTime(end);
    if (before !== null) {
        conditions.push({
            sql: `launched_at IS NOT NULL AND (launched_at < ? OR NOT ${isReadable("launched_at")})`,
            // As strings, the shortest form of a time is the first of all its forms.
            values: [dialect.timestamps(before).at(-1) ?? before],
        });
    }
    const equals = Object.entries({ project_id, host }).flatMap(([name, value]) => (value ? [equal(name, value)] : []));
    return and(...conditions, ...equals);
}

/**
 * Returns the expressions that order instances: those without a project first, then by project and UUID. They need no
 * readable text.
 */
function orderOf(dialect: Dialect): string[] {
    return ["project_id IS NOT NULL", dialect.asBytes("project_id"), dialect.asBytes("uuid"), "id"];
}

/** The text of a column, or its bytes where they are not text. */
type MarkerValue = string | number[];

/** The marker of a page: the position of its last instance. */
function writeMarker(row: SqlRow): string {
    const valueOf = (name: string): MarkerValue => row.text(name) ?? [...(row.bytes(name) ?? [])];
    const project_id = row.bytes("project_id") === null ? null : valueOf("project_id");
    return JSON.stringify({ project_id, uuid: valueOf("uuid"), id: String(row.integer("id") ?? 0) });
}

/** Selects the instances after those of the page with this marker. */
function isAfter(order: string[], dialect: Dialect, marker: string | null): Condition {
    if (marker === null) {
        return ANY;
    }
    const key = parseJson(marker);
    if (!isObject(key) || typeof key.id !== "string" || !/^-?\d{1,19}$/.test(key.id)) {
        throw markerNotFound(marker);
    }
    const valueOf = (value: unknown): SqlValue => {
        if (typeof value === "string") {
            return value;
        }
        if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte))) {
            return Uint8Array.from(value);
        }
        throw markerNotFound(marker);
    };
    const project_id = key.project_id === null ? "" : valueOf(key.project_id);
    const parameter = dialect.asBytes("?");
    return {
        sql: `(${order.join(", ")}) > (?, ${parameter}, ${parameter}, ?)`,
        values: [key.project_id === null ? 0 : 1, project_id, valueOf(key.uuid), toInteger(BigInt(key.id))],
    };
}
