import type { DocumentInput, InstancePage, WindowQuery } from "nova-compute-utils";

import { type HostError, hostError } from "./error.js";
import type { InstanceKey, StoredInstance, Transaction } from "./store.js";
import { readOptionalTime, readTime } from "./time.js";

/** The most instances that are read or returned at once. */
const LARGEST_PAGE = 1000;

export async function getActiveByWindow(
    transaction: Transaction,
    query: WindowQuery & { marker: string | null; limit: number },
): Promise<InstancePage> {
    const window = readWindow(query);
    // An empty page would have no marker to continue from.
    const limit = Math.min(Math.max(query.limit, 1), LARGEST_PAGE);
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

export async function all(transaction: Transaction): Promise<DocumentInput[]> {
    const range = { host: null, project_id: null, after: null };
    const instances = await transaction.instances(range, Number.MAX_SAFE_INTEGER);
    return instances.map((instance) => instance.document);
}

/** Reads the fields that an instance is found by; `ValueError` when it has no UUID or an invalid timestamp. */
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
    const key = parse(marker);
    if (!isObject(key) || typeof key.project_id !== "string" || typeof key.uuid !== "string") {
        throw markerNotFound(marker);
    }
    // A marker of another project is not on any page of this query.
    if (typeof project_id === "string" && key.project_id !== project_id) {
        throw markerNotFound(marker);
    }
    return { project_id: key.project_id, uuid: key.uuid };
}

function markerNotFound(marker: string): HostError {
    return hostError("MarkerNotFound", `Marker ${marker} could not be found.`, { arguments: { marker } });
}

function fieldReader(document: DocumentInput): (name: string) => unknown {
    const object = typeof document === "string" ? parse(document) : document;
    if (object instanceof Map) {
        return (name) => object.get(name);
    }
    if (!isObject(object)) {
        throw hostError("ValueError", "the instance is not an object");
    }
    return (name) => object[name];
}

function parse(json: string): unknown {
    try {
        return JSON.parse(json);
    } catch {
        return undefined;
    }
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
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
