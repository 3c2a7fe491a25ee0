import type { DocumentInput } from "nova-compute-utils";

import type {
    BwUsageCacheRow,
    InstanceActionEventRow,
    InstanceActionRow,
    InstanceFaultRow,
    TaskLogRow,
    VolumeUsageCacheRow,
} from "./row.js";

/** The tables that number their rows. */
export interface TableRows {
    task_log: TaskLogRow;
    instance_actions: InstanceActionRow;
    instance_actions_events: InstanceActionEventRow;
    instance_faults: InstanceFaultRow;
    bw_usage_cache: BwUsageCacheRow;
    volume_usage_cache: VolumeUsageCacheRow;
}

/** Their names, which are Nova's. */
export type TableName = keyof TableRows;

/** An index: what rows are found by. No row changes in these columns, and none is null there. */
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

/** The names of the indexes of a table. */
export type IndexName<Name extends TableName> = keyof (typeof INDEXES)[Name] & string;

/** What is looked up in an index: a value for each of its columns. */
export type Key = (string | number)[];

/** Where an instance stands in the order of `project_id`, then `uuid`. An instance without a project has `""`. */
export interface InstanceKey {
    project_id: string;
    uuid: string;
}

/** An instance, and what it is found by. */
export interface StoredInstance extends InstanceKey {
    host: string;
    launched_at: string | null;
    terminated_at: string | null;
    /** The whole instance, as it was given. */
    document: DocumentInput;
}

/** A stretch of the instances. */
export interface InstanceRange {
    /** Those of one compute host; null: of all. */
    host: string | null;
    /** Those of one project; null: of all. */
    project_id: string | null;
    /** Those that come after; null: from the first. Where a project is given, of that project. */
    after: InstanceKey | null;
}

/**
 * All or nothing of some reads and writes, without anybody in between. In the body of one nothing may be awaited but
 * its own methods: IndexedDB ends a transaction that nothing is asked of.
 */
export interface Transaction {
    /** The rows that an index has for a key, oldest first. */
    find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]>;
    /** All rows of a table, oldest first. */
    all<Name extends TableName>(table: Name): Promise<TableRows[Name][]>;
    /** Insert a row, and number it. */
    insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]>;
    /** Put a row in the place of the one of its number. */
    update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void>;
    /** The first instances of a range, in order: at most `limit` of them. */
    instances(range: InstanceRange, limit: number): Promise<StoredInstance[]>;
    /** Store instances, each in the place of the one of its key. */
    putInstances(instances: StoredInstance[]): Promise<void>;
}

/** The names of all tables. */
export type StoreName = TableName | "instances";

/** Where the tables are kept. */
export interface Store {
    /** Read in a transaction. */
    read<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T>;
    /** Read and write in a transaction: nothing of it stays where the work fails. */
    write<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** The row of an index that has one for a key at most, or the oldest of several. */
export async function findFirst<Name extends TableName>(
    transaction: Transaction,
    table: Name,
    index: IndexName<Name>,
    key: Key,
): Promise<TableRows[Name] | undefined> {
    const [first] = await transaction.find(table, index, key);
    return first;
}
