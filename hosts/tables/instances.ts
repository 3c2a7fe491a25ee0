import type { DocumentInput, InstancePage, WindowQuery } from "nova-compute-utils";

import { hostError, markerNotFound } from "./error.js";
import { isObject, parseJson } from "./object.js";
import { LARGEST_PAGE, type Page, pageLimit, type PageQuery, readPage } from "./page.js";
import type { InstanceKey, StoredInstance, Transaction } from "./store.js";
import { readOptionalTime, readTime } from "./time.js";

export async function getActiveByWindow(
    transaction: Transaction,
    query: WindowQuery & { marker: string | null; limit: number },
): Promise<InstancePage> {
    const window = readWindow(query);
    const limit = pageLimit(query.limit);
    const found: StoredInstance[] = [];
    // One instance more than the page holds shows that another page follows.
    for await (const active of activeInstances(transaction, window, readMarker(query), limit + 1)) {
        found.push(...active);
        if (found.length > limit) {
            break;
        }
    }
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const next_marker = found.length > limit && last !== undefined ? writeMarker(last) : null;
    return { instances: page.map((instance) => instance.document), next_marker };
}

export async function countActiveByWindow(transaction: Transaction, query: WindowQuery): Promise<number> {
    let count = 0;
    for await (const active of activeInstances(transaction, readWindow(query), null, LARGEST_PAGE)) {
        count += active.length;
    }
    return count;
}

/** The names that identify an instance. */
export interface InstanceName {
    /** The project; null or `""` for an instance without one. */
    project_id: string | null;
    uuid: string;
}

export async function get(transaction: Transaction, names: InstanceName[]): Promise<(DocumentInput | null)[]> {
    const found = names.map(({ project_id, uuid }) => transaction.instance({ project_id: project_id ?? "", uuid }));
    return (await Promise.all(found)).map((instance) => instance?.document ?? null);
}

/** Returns a page of all instances; the marker of a page of a window continues it, too. */
export async function page(transaction: Transaction, query: PageQuery<string>): Promise<Page<DocumentInput, string>> {
    const after = readMarker({ marker: query.after ?? null, project_id: null });
    const read = (limit: number) => transaction.instances({ host: null, project_id: null, after }, limit);
    const { rows, next } = await readPage(query, read, writeMarker);
    return { rows: rows.map(({ document }) => document), next };
}

export async function all(transaction: Transaction): Promise<DocumentInput[]> {
    const range = { host: null, project_id: null, after: null };
    const instances = await transaction.instances(range, Number.MAX_SAFE_INTEGER);
    return instances.map((instance) => instance.document);
}

/**
 * Reads the fields by which the tables find an instance. `ValueError` when it has no UUID, or a `launched_at` or
 * `terminated_at` that is not a timestamp.
 */
export function readInstance(document: DocumentInput): StoredInstance {
    const field = fieldReader(document);
    const uuid = field("uuid");
    if (typeof uuid !== "string" || uuid === "") {
        throw hostError("ValueError", "the instance has no `uuid`");
    }
    return {
        project_id: stringOrEmpty(field("project_id")),
        uuid,
        host: stringOrEmpty(field("host")),
        launched_at: readTimeField("launched_at", field("launched_at")),
        terminated_at: readTimeField("terminated_at", field("terminated_at")),
        document,
    };
}

/** Returns the query with its timestamps in the form of the table, so that they compare as strings. */
function readWindow({ begin, end, project_id = null, host = null }: WindowQuery): WindowQuery {
    return { begin: readTime(begin), end: readOptionalTime(end), project_id, host };
}

/** Yields the active instances after the marker, in order. Each batch comes from at most `rows` stored instances. */
async function* activeInstances(
    transaction: Transaction,
    { begin, end, project_id, host }: WindowQuery,
    marker: InstanceKey | null,
    rows: number,
): AsyncGenerator<StoredInstance[]> {
    const isActive = ({ launched_at, terminated_at }: StoredInstance) =>
        (terminated_at === null || terminated_at > begin) &&
        (end === null || (launched_at !== null && launched_at < end));
    let after = marker;
    for (;;) {
        const instances = await transaction.instances({ host, project_id, after }, rows);
        yield instances.filter(isActive);
        const last = instances.at(-1);
        if (last === undefined || instances.length < rows) {
            return;
        }
        after = last;
    }
}

/** The marker of a page is the key of its last instance. */
function writeMarker({ project_id, uuid }: InstanceKey): string {
    return JSON.stringify({ project_id, uuid });
}

function readMarker({ marker, project_id }: { marker: string | null; project_id: string | null }): InstanceKey | null {
    if (marker === null || marker === undefined) {
        return null;
    }
    const key = parseJson(marker);
    if (!isObject(key) || typeof key.project_id !== "string" || typeof key.uuid !== "string") {
        throw markerNotFound(marker);
    }
    // A marker of another project is not on any page of this query.
    if (typeof project_id === "string" && key.project_id !== project_id) {
        throw markerNotFound(marker);
    }
    return { project_id: key.project_id, uuid: key.uuid };
}

function fieldReader(document: DocumentInput): (name: string) => unknown {
    const object = typeof document === "string" ? parseJson(document) : document;
    if (object instanceof Map) {
        return (name) => object.get(name);
    }
    if (!isObject(object)) {
        throw hostError("ValueError", "the instance is not an object");
    }
    return (name) => object[name];
}

function stringOrEmpty(value: unknown): string {
    return typeof value === "string" ? value : "";
}

function readTimeField(name: string, value: unknown): string | null {
    if (value === null || value === undefined) {
        return null;
    }
    if (typeof value !== "string" && !(value instanceof Date)) {
        throw hostError("ValueError", `\`${name}\` is of type \`${typeof value}\`: give a time as a string`);
    }
    return readTime(value);
}
