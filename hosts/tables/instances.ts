import type { DocumentInput, InstancePage, Moment, WindowQuery } from "nova-compute-utils";

import { type HostError, hostError } from "./error.js";
import { readMoment, readOptionalMoment } from "./moment.js";
import type { InstanceKey, StoredInstance, Transaction } from "./store.js";

/** At most so many are read, and so many answered, at once. */
const LARGEST_PAGE = 1000;

/** The instances that a window asks for, page by page. */
export async function getActiveByWindow(
    transaction: Transaction,
    query: WindowQuery & { marker: string | null; limit: number },
): Promise<InstancePage> {
    const window = readWindow(query);
    // A page of none would never end.
    const limit = Math.min(Math.max(query.limit, 1), LARGEST_PAGE);
    const page: StoredInstance[] = [];
    for await (const active of activeInstances(transaction, window, readMarker(query), limit + 1)) {
        page.push(...active);
        // One more than the page holds tells that there is another.
        if (page.length > limit) {
            break;
        }
    }
    const more = page.length > limit;
    const instances = page.slice(0, limit);
    const last = instances.at(-1);
    const next_marker = more && last !== undefined ? writeMarker(last) : null;
    return { instances: instances.map((instance) => instance.document), next_marker };
}

/** How many all those pages hold. */
export async function countActiveByWindow(transaction: Transaction, query: WindowQuery): Promise<number> {
    let count = 0;
    for await (const active of activeInstances(transaction, readWindow(query), null, LARGEST_PAGE)) {
        count += active.length;
    }
    return count;
}

/** All instances, by `project_id`, then `uuid`. */
export async function all(transaction: Transaction): Promise<DocumentInput[]> {
    const range = { host: null, project_id: null, after: null };
    const instances = await transaction.instances(range, Number.MAX_SAFE_INTEGER);
    return instances.map((instance) => instance.document);
}

/** An instance and what it is found by; `ValueError` where it has no UUID, or no moment where there should be one. */
export function readInstance(document: DocumentInput): StoredInstance {
    const field = fieldsOf(document);
    const uuid = field("uuid");
    if (typeof uuid !== "string" || uuid === "") {
        throw hostError("ValueError", "the instance has no `uuid`");
    }
    return {
        project_id: textOf(field("project_id")),
        uuid,
        host: textOf(field("host")),
        launched_at: momentOf("launched_at", field("launched_at")),
        terminated_at: momentOf("terminated_at", field("terminated_at")),
        document,
    };
}

/** A query whose moments compare with those of the table. */
interface Window {
    begin: string;
    end: string | null;
    project_id: string | null;
    host: string | null;
}

function readWindow(query: WindowQuery): Window {
    const { begin, end, project_id, host } = query;
    return {
        begin: readMoment(begin),
        end: readOptionalMoment(end),
        project_id: project_id ?? null,
        host: host ?? null,
    };
}

/** The instances of a window after one, in order, as many at a time as a number of rows has. */
async function* activeInstances(
    transaction: Transaction,
    { begin, end, project_id, host }: Window,
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

/** The last instance of a page is where the next one goes on. */
function writeMarker({ project_id, uuid }: InstanceKey): string {
    return JSON.stringify({ project_id, uuid });
}

function readMarker({ marker, project_id }: { marker: string | null; project_id: string | null }): InstanceKey | null {
    if (marker === null || marker === undefined) {
        return null;
    }
    const key = parse(marker);
    const isKey = isRecord(key) && typeof key.project_id === "string" && typeof key.uuid === "string";
    // The marker of another query leads nowhere in this one.
    if (!isKey || (typeof project_id === "string" && key.project_id !== project_id)) {
        throw markerNotFound(marker);
    }
    return { project_id: String(key.project_id), uuid: String(key.uuid) };
}

function markerNotFound(marker: string): HostError {
    return hostError("MarkerNotFound", `Marker ${marker} could not be found.`);
}

function fieldsOf(document: DocumentInput): (name: string) => unknown {
    const given = typeof document === "string" ? parse(document) : document;
    if (given instanceof Map) {
        return (name) => given.get(name);
    }
    if (!isRecord(given)) {
        throw hostError("ValueError", "an instance is no object");
    }
    return (name) => given[name];
}

function parse(json: string): unknown {
    try {
        return JSON.parse(json);
    } catch {
        return undefined;
    }
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
    return typeof value === "string" ? value : "";
}

function momentOf(name: string, value: unknown): string | null {
    if (value === null || value === undefined) {
        return null;
    }
    if (typeof value !== "string" && !(value instanceof Date)) {
        throw hostError("ValueError", `\`${name}\` is ${typeof value}: give a moment as text`);
    }
    return readMoment(value satisfies Moment);
}
