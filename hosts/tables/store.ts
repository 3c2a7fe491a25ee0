import type { DocumentInput } from "nova-compute-utils";

import type {
    AuditCheckpointRow,
    BwUsageCacheRow,
    InstanceActionEventRow,
    InstanceActionRow,
    InstanceFaultRow,
    TaskLogRow,
    VolumeUsageCacheRow,
} from "./row.js";

/** The tables whose rows are numbered. */
export interface TableRows {
    task_log: TaskLogRow;
    instance_actions: InstanceActionRow;
    instance_actions_events: InstanceActionEventRow;
    instance_faults: InstanceFaultRow;
    bw_usage_cache: BwUsageCacheRow;
    volume_usage_cache: VolumeUsageCacheRow;
    /** Not a table of Nova. */
    audit_checkpoints: AuditCheckpointRow;
}

/** The name of a table with numbered rows: Nova's name, or `audit_checkpoints`. */
export type TableName = keyof TableRows;

/** The name of any table. The key of a row of `instances` is its `project_id` and `uuid`. */
export type StoreName = TableName | "instances";

/** An index of a table. A row that has null in one of its columns is not in the index. */
export interface Index {
    readonly columns: readonly string[];
    readonly unique?: true;
}

/** The unique key of a task of a host and window. */
const TASK = { columns: ["task_name", "host", "period_beginning", "period_ending"], unique: true } as const;

/** The indexes of each table, the same in every store. */
export const INDEXES = {
    task_log: {
        task: TASK,
        window: { columns: ["task_name", "period_beginning", "period_ending"] },
    },
    instance_actions: { instance: { columns: ["instance_uuid"] } },
    instance_actions_events: { action: { columns: ["action_id", "event"] } },
    instance_faults: { instance: { columns: ["instance_uuid"] } },
    bw_usage_cache: { period: { columns: ["uuid", "start_period"] } },
    volume_usage_cache: { volume: { columns: ["volume_id"], unique: true } },
    audit_checkpoints: { task: TASK },
} as const satisfies Record<TableName, Record<string, Index>>;

/** The names of all tables. */
export const STORE_NAMES = [...(Object.keys(INDEXES) as TableName[]), "instances"] as const;

/** The name of an index of a table. */
export type IndexName<Name extends TableName> = keyof (typeof INDEXES)[Name] & string;

/** A value for each column of an index. */
export type Key = (string | number)[];

/** The key of an instance. Instances are ordered by `project_id`, which is `""` without a project, then by `uuid`. */
export interface InstanceKey {
    project_id: string;
    uuid: string;
}

/** An instance, and the fields by which it is found. */
export interface StoredInstance extends InstanceKey {
    host: string;
    launched_at: string | null;
    terminated_at: string | null;
    /** The whole instance, as the caller gave it. */
    document: DocumentInput;
}

/** Which instances to read. */
export interface InstanceRange {
    /** Only the instances of this compute host; null means all. */
    host: string | null;
    /** Only the instances of this project; null means all. */
    project_id: string | null;
    /** Only the instances after this key; null means all. If `project_id` is given, the key has the same one. */
    after: InstanceKey | null;
}

/**
 * One isolated, atomic transaction. Code in a transaction must await only the methods of the transaction, because
 * IndexedDB commits a transaction that has no pending request.
 */
export interface Transaction {
    /** Returns the rows that an index has for a key, or for the first columns of its keys; in the order of `id`. */
    find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]>;
    /** Returns all rows of a table in the order of `id`. */
    all<Name extends TableName>(table: Name): Promise<TableRows[Name][]>;
    /** Returns the first rows of a table whose `id` is larger than `after`, in the order of `id`, at most `limit`. */
    page<Name extends TableName>(table: Name, after: number, limit: number): Promise<TableRows[Name][]>;
    /** Returns the number of rows of a table. */
    count(table: StoreName): Promise<number>;
    /** Inserts a row and returns it with its number. */
    insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]>;
    /** Replaces the row that has this row's number. */
    update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void>;
    /** Inserts rows with their numbers, each in place of the row that has the same one. */
    put<Name extends TableName>(table: Name, rows: TableRows[Name][]): Promise<void>;
    /** Returns the instance with a key. */
    instance(key: InstanceKey): Promise<StoredInstance | undefined>;
    /** Returns the first instances of a range in order, at most `limit`. */
    instances(range: InstanceRange, limit: number): Promise<StoredInstance[]>;
    /** Inserts instances, each in place of one with the same key. */
    putInstances(instances: StoredInstance[]): Promise<void>;
}

/** The storage of the tables. */
export interface Store {
    /** Runs `work` in one transaction on the given tables. The transaction rolls back when `work` fails. */
    transaction<T>(
        tables: StoreName[],
        mode: "readonly" | "readwrite",
        work: (transaction: Transaction) => Promise<T>,
    ): Promise<T>;
}

/** Returns the oldest row that an index has for a key, or `undefined`. */
export async function findFirst<Name extends TableName>(
    transaction: Transaction,
    table: Name,
    index: IndexName<Name>,
    key: Key,
): Promise<TableRows[Name] | undefined> {
    const [first] = await transaction.find(table, index, key);
    return first;
}

/** Compares strings by code units, as IndexedDB does. */
export function compareStrings(one: string, other: string): number {
    return one < other ? -1 : Number(one > other);
}
