import type { DocumentInput } from "nova-compute-utils";

import type {
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
}

/** The Nova name of such a table. */
export type TableName = keyof TableRows;

/** The name of any table. The rows of `instances` are found by `project_id` and `uuid` instead of a number. */
export type StoreName = TableName | "instances";

/** An index of a table. Its columns are never null, and no row changes them. */
export interface Index {
    readonly columns: readonly string[];
    readonly unique?: true;
}

/** The indexes of each table, the same in every store. */
export const INDEXES = {
    task_log: {
        task: { columns: ["task_name", "host", "period_beginning", "period_ending"], unique: true },
        window: { columns: ["task_name", "period_beginning", "period_ending"] },
    },
    instance_actions: { instance: { columns: ["instance_uuid"] } },
    instance_actions_events: { action: { columns: ["action_id", "event"] } },
    instance_faults: { instance: { columns: ["instance_uuid"] } },
    bw_usage_cache: { period: { columns: ["uuid", "start_period"] } },
    volume_usage_cache: { volume: { columns: ["volume_id"], unique: true } },
} as const satisfies Record<TableName, Record<string, Index>>;

/** The names of all tables. */
export const STORE_NAMES = [...(Object.keys(INDEXES) as TableName[]), "instances"] as const;

/** The name of an index of a table. */
export type IndexName<Name extends TableName> = keyof (typeof INDEXES)[Name] & string;

/** A value for each column of an index. */
export type Key = (string | number)[];

/** The order of the instances: by `project_id`, then `uuid`. An instance without a project has `""`. */
export interface InstanceKey {
    project_id: string;
    uuid: string;
}

/** An instance, and the fields that it is found by. */
export interface StoredInstance extends InstanceKey {
    host: string;
    launched_at: string | null;
    terminated_at: string | null;
    /** The whole instance, as the caller gave it. */
    document: DocumentInput;
}

/** Which instances to read. */
export interface InstanceRange {
    /** Only those of this compute host; null means all. */
    host: string | null;
    /** Only those of this project; null means all. */
    project_id: string | null;
    /** Only those after this key; null means from the first. With a project, the key is of that project. */
    after: InstanceKey | null;
}

/**
 * One isolated, atomic transaction. The work of a transaction must await only the transaction's own methods, because
 * IndexedDB commits a transaction that has no pending request.
 */
export interface Transaction {
    /** Returns the rows that an index has for a key, oldest first. */
    find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]>;
    /** Returns all rows of a table, oldest first. */
    all<Name extends TableName>(table: Name): Promise<TableRows[Name][]>;
    /** Inserts a row and returns it with its number. */
    insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]>;
    /** Replaces the row that has this row's number. */
    update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void>;
    /** Returns the first instances of a range in order, at most `limit`. */
    instances(range: InstanceRange, limit: number): Promise<StoredInstance[]>;
    /** Inserts instances, each in place of one with the same key. */
    putInstances(instances: StoredInstance[]): Promise<void>;
}

/** The storage of the tables. */
export interface Store {
    /** Runs the reads and writes of `work` in one transaction on some tables, which rolls back when `work` fails. */
    transaction<T>(
        tables: StoreName[],
        mode: "readonly" | "readwrite",
        work: (transaction: Transaction) => Promise<T>,
    ): Promise<T>;
}

/** Returns the oldest row that an index has for a key. */
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
