import type { Document, UnreadableInstance, Value } from "nova-compute-utils";

import { isHostError } from "../tables/error.js";
import type { RowsAhead } from "./ahead.js";
import { ANY, type Condition, LIVE, type SqlValue } from "./condition.js";
import type { TableReader } from "./reader.js";
import type { SqlColumns, SqlRow } from "./row.js";

/**
 * The columns of `instances` that a document contains. Columns that Nova no longer uses and those that may contain
 * secrets (`user_data`, `key_data`) are left out.
 */
export const INSTANCE = {
    project_id: "text",
    uuid: "text",
    id: "integer",
    created_at: "timestamp",
    updated_at: "timestamp",
    deleted_at: "timestamp",
    deleted: "integer",
    user_id: "text",
    image_ref: "text",
    kernel_id: "text",
    ramdisk_id: "text",
    hostname: "text",
    launch_index: "integer",
    key_name: "text",
    power_state: "integer",
    vm_state: "text",
    task_state: "text",
    memory_mb: "integer",
    vcpus: "integer",
    root_gb: "integer",
    ephemeral_gb: "integer",
    host: "text",
    node: "text",
    compute_id: "integer",
    instance_type_id: "integer",
    reservation_id: "text",
    launched_at: "timestamp",
    terminated_at: "timestamp",
    availability_zone: "text",
    display_name: "text",
    display_description: "text",
    locked: "boolean",
    locked_by: "text",
    os_type: "text",
    architecture: "text",
    vm_mode: "text",
    root_device_name: "text",
    default_ephemeral_device: "text",
    default_swap_device: "text",
    config_drive: "text",
    access_ip_v4: "text",
    access_ip_v6: "text",
    auto_disk_config: "boolean",
    progress: "integer",
    cell_name: "text",
    hidden: "boolean",
} as const satisfies SqlColumns;

/** A member of a document that comes from the rows of another table. */
interface Child {
    member: string;
    table: string;
    columns: SqlColumns;
    /** Whether soft-deleted rows are left out. */
    liveOnly?: true;
    /** Converts the rows of an instance, oldest first, to the value of the member. */
    value: (rows: Document[]) => Value;
}

/** The first columns of every child table. They are not in the documents. */
const OF_CHILD = { instance_uuid: "text", id: "integer" } as const;

const COLUMNS_OF_CHILD = Object.keys(OF_CHILD).length;

const METADATA = { ...OF_CHILD, key: "text", value: "text", deleted: "integer" } as const;

const list = (rows: Document[]) => rows;

/** The members that every document has. */
const ALWAYS: Child[] = [
    { member: "metadata", table: "instance_metadata", columns: METADATA, value: list },
    { member: "system_metadata", table: "instance_system_metadata", columns: METADATA, value: list },
    {
        member: "info_cache",
        table: "instance_info_caches",
        columns: { ...OF_CHILD, network_info: "json" },
        value: ([row]) => row ?? null,
    },
    {
        member: "flavor",
        table: "instance_extra",
        columns: { ...OF_CHILD, flavor: "json" },
        value: ([row]) => row?.flavor ?? null,
    },
];

const BLOCK_DEVICES: Child = {
    member: "block_devices",
    table: "block_device_mapping",
    // Only the columns that a payload reads: `connection_info` holds credentials.
    columns: {
        ...OF_CHILD,
        device_name: "text",
        boot_index: "integer",
        delete_on_termination: "boolean",
        volume_id: "text",
        tag: "text",
    },
    liveOnly: true,
    value: list,
};

const SHARES: Child = {
    member: "shares",
    table: "share_mapping",
    // Only the columns that a payload reads: `export_location` may be sensitive.
    columns: { ...OF_CHILD, uuid: "text", share_id: "text", status: "text", tag: "text" },
    value: list,
};

/** The tables other than `instances` from which documents come. */
export const CHILDREN: Child[] = [...ALWAYS, BLOCK_DEVICES, SHARES];

/** What documents contain beside what an audit always reads. */
export interface DocumentOptions {
    /**
     * Whether the documents of instances contain `block_devices`, which the option `bdmsInNotifications` of an audit
     * needs. They cost a query per page. Default: no.
     */
    blockDevices?: boolean;
    /**
     * Whether the documents of instances contain `shares`, which the option `includeShareMapping` of an audit needs.
     * They cost a query per page. Has no effect on a database without the table `share_mapping`. Default: no.
     */
    shares?: boolean;
}

/** The instances of a page. */
export interface Documents {
    instances: Document[];
    unreadable: UnreadableInstance[];
}

/** A document, or the error of an instance that has none. */
type Readable<T> = T | Error;

/**
 * Reads the documents of rows of `instances`. A bad value makes one instance unreadable. `ahead` knows where the rows of
 * the other tables are; null: they are looked up.
 */
export async function readDocuments(
    reader: TableReader,
    rows: SqlRow[],
    { blockDevices = false, shares = false }: DocumentOptions,
    ahead: RowsAhead | null = null,
): Promise<Documents> {
    const read = rows.map((row) => ({ row, document: readable(() => readInstance(row)) }));
    const uuids = read.flatMap(({ document }) => (document instanceof Error ? [] : [String(document.uuid)]));
    const children = [...ALWAYS, ...(blockDevices ? [BLOCK_DEVICES] : []), ...(shares ? [SHARES] : [])];
    for (const child of children.filter(({ table }) => reader.tables.has(table))) {
        const found = await readChildren(reader, child, uuids, ahead);
        for (const instance of read) {
            if (instance.document instanceof Error) {
                continue;
            }
            const rows = found.get(String(instance.document.uuid)) ?? [];
            if (rows instanceof Error) {
                instance.document = rows;
            } else {
                instance.document[child.member] = child.value(rows);
            }
        }
    }
    const documents: Documents = { instances: [], unreadable: [] };
    for (const { row, document } of read) {
        if (document instanceof Error) {
            const instance_uuid = row.text("uuid") ?? null;
            documents.unreadable.push({ instance_uuid, instance_id: row.integer("id") ?? null, error: document });
        } else {
            documents.instances.push(document);
        }
    }
    return documents;
}

function readInstance(row: SqlRow): Document {
    const document = row.document();
    if (document.uuid === null) {
        throw row.unreadable("uuid", "is null");
    }
    return document;
}

/** Reads the matching rows of a table that belong to these instances, oldest first. */
export async function selectOfInstances(
    reader: TableReader,
    table: string,
    columns: SqlColumns,
    uuids: readonly string[],
    condition: Condition,
    ahead: RowsAhead | null,
): Promise<SqlRow[]> {
    const ids = (await ahead?.idsOf(table, uuids)) ?? null;
    const key: [string, readonly SqlValue[]] = ids === null ? ["instance_uuid", uuids] : ["id", ids];
    return reader.selectOf(table, columns, key, condition, "ORDER BY id");
}

/** Returns the rows of a child table by the UUID of their instance, or why those of an instance cannot be read. */
async function readChildren(
    reader: TableReader,
    { table, columns, liveOnly }: Child,
    uuids: string[],
    ahead: RowsAhead | null,
): Promise<Map<string, Readable<Document[]>>> {
    const condition = liveOnly ? LIVE : ANY;
    const rows = await selectOfInstances(reader, table, columns, uuids, condition, ahead);
    const children = new Map<string, Readable<Document[]>>();
    for (const row of rows) {
        const uuid = row.text("instance_uuid");
        const others = children.get(uuid ?? "") ?? [];
        if (uuid === undefined || others instanceof Error) {
            continue;
        }
        const document = readable(() => row.document(COLUMNS_OF_CHILD));
        if (document instanceof Error) {
            children.set(uuid, document);
        } else {
            others.push(document);
            children.set(uuid, others);
        }
    }
    return children;
}

/** Runs a function that reads a row, and returns the error of a bad value. */
function readable<T>(read: () => T): Readable<T> {
    try {
        return read();
    } catch (error) {
        if (isHostError(error)) {
            return error;
        }
        throw error;
    }
}
