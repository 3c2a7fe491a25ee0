import type {
    ActionEventFinishValues,
    ActionEventStartValues,
    ActionFinishValues,
    ActionStartValues,
    AuditCheckpoint,
    BwUsage,
    Conductor,
    Context,
    Document,
    DocumentInput,
    InstanceAction,
    InstanceActionEvent,
    InstancePage,
    Integer,
    Timestamp,
    Release,
    TaskLog,
    TaskLogKey,
    WindowQuery,
} from "nova-compute-utils";

import * as actions from "./actions.js";
import * as auditCheckpoints from "./audit_checkpoints.js";
import * as bwUsage from "./bw_usage.js";
import type { NovaTable } from "./columns.js";
import { hostError, noNetworkApi } from "./error.js";
import * as faults from "./faults.js";
import { readRow } from "./import.js";
import * as instances from "./instances.js";
import { readInteger } from "./integer.js";
import { type Page, type PageQuery, readPage } from "./page.js";
import { type DatabaseRules, databaseRules } from "./release.js";
import type {
    BwUsageCacheRow,
    InstanceActionEventRow,
    InstanceActionRow,
    InstanceFaultRow,
    TaskLogRow,
    VolumeUsageCacheRow,
} from "./row.js";
import { type Store, STORE_NAMES, type StoreName, type TableName, type TableRows, type Transaction } from "./store.js";
import * as taskLog from "./task_log.js";
import { readTime } from "./time.js";
import * as volumeUsage from "./volume_usage.js";

/** The options of a {@link TableConductor}. */
export interface ConductorOptions {
    /** The release of Nova whose rules the tables follow; `hibiscus` by default. */
    release?: Release;
    /** Returns the current time, for the timestamps of rows; by default, it reads the clock of the machine. */
    now?: () => Timestamp;
}

/**
 * Nova's tables with the rules of its database layer: which rows a call finds and changes, and when it fails; and a
 * table of audit checkpoints, which Nova does not have. `Conductor` documents the methods that have no description here.
 *
 * Every method is one transaction. A method that fails changes no row; its error has the name of Nova's exception as
 * `code` and Nova's arguments as `arguments`. Methods accept timestamps in every form of `Timestamp` and return them
 * as `YYYY-MM-DDTHH:MM:SS.ffffff`.
 */
export class TableConductor implements Conductor {
    readonly #store: Store;
    readonly #rules: DatabaseRules;
    readonly #clock: () => Timestamp;

    /** @internal */
    constructor(store: Store, options: ConductorOptions = {}) {
        this.#store = store;
        this.#rules = databaseRules(options.release ?? "hibiscus");
        this.#clock = options.now ?? (() => new Date());
    }

    taskLogGet(_context: Context, task: TaskLogKey): Promise<TaskLog | null> {
        return this.#read(["task_log"], (transaction) => taskLog.get(transaction, task));
    }

    /** Returns the rows for a task and window, of one host or all, in one state or any. Nova: `task_log_get_all`. */
    taskLogGetAll(query: taskLog.TaskLogQuery): Promise<TaskLogRow[]> {
        return this.#read(["task_log"], (transaction) => taskLog.getAll(transaction, query));
    }

    /**
     * Inserts a row in state `RUNNING` without errors. Fails with `TaskAlreadyRunning` when a row with this key exists
     * in any state, and with `DBError` when the message is empty. Nova: `task_log_begin_task`.
     */
    taskLogBeginTask(_context: Context, task: TaskLogKey & { task_items: Integer; message: string }): Promise<void> {
        return this.#write(["task_log"], (transaction, now) => taskLog.begin(transaction, now, task));
    }

    taskLogEndTask(_context: Context, task: TaskLogKey & { errors: Integer; message: string | null }): Promise<void> {
        return this.#write(["task_log"], (transaction, now) => taskLog.end(transaction, now, task));
    }

    auditCheckpointGet(_context: Context, task: TaskLogKey): Promise<AuditCheckpoint | null> {
        return this.#read(["audit_checkpoints"], (transaction) => auditCheckpoints.get(transaction, task));
    }

    /** Stores the checkpoint of an audit in place of the previous one, and returns true. */
    async auditCheckpointPut(_context: Context, task: TaskLogKey & { checkpoint: AuditCheckpoint }): Promise<boolean> {
        await this.#write(["audit_checkpoints"], (transaction, now) => auditCheckpoints.put(transaction, now, task));
        return true;
    }

    /**
     * Stores whole instances, each in place of one with the same `project_id` and `uuid`. Fails with `ValueError` when
     * an instance has no UUID, or a `launched_at` or `terminated_at` that is not a timestamp.
     */
    async addInstances(documents: Iterable<DocumentInput>): Promise<void> {
        const stored = Array.from(documents, instances.readInstance);
        await this.#write(["instances"], (transaction) => transaction.putInstances(stored));
    }

    /** Returns the instances with these keys, in the order of the keys; null for a missing one. */
    getInstances(keys: Iterable<instances.InstanceName>): Promise<(DocumentInput | null)[]> {
        const list = Array.from(keys);
        return this.#read(["instances"], (transaction) => instances.get(transaction, list));
    }

    /**
     * Returns at most `limit` of the instances that the query selects, and never more than 1000, ordered by
     * `project_id` and then `uuid`. Fails with `MarkerNotFound` on a marker that no page of this query has. Nova:
     * `instance_get_active_by_window_joined`.
     */
    instanceGetActiveByWindow(
        _context: Context,
        query: WindowQuery & { marker: string | null; limit: number },
    ): Promise<InstancePage> {
        return this.#read(["instances"], (transaction) => instances.getActiveByWindow(transaction, query));
    }

    instanceCountActiveByWindow(_context: Context, query: WindowQuery): Promise<number> {
        return this.#read(["instances"], (transaction) => instances.countActiveByWindow(transaction, query));
    }

    /** Always fails with `NoNetworkApi`, because this host has no network. */
    instanceGetNwInfo(_context: Context, _instance: Document): Promise<DocumentInput> {
        return Promise.reject(noNetworkApi());
    }

    /** Inserts or replaces the counters of a vif in a period. Nova: `bw_usage_update`. */
    bwUsageUpdate(update: bwUsage.BwUsageUpdate): Promise<void> {
        return this.#write(["bw_usage_cache"], (transaction, now) => bwUsage.update(transaction, now, update));
    }

    /** Returns the counters of a vif in a period, or null. Nova: `bw_usage_get`. */
    bwUsageGet(query: bwUsage.BwUsageQuery): Promise<BwUsageCacheRow | null> {
        return this.#read(["bw_usage_cache"], (transaction) => bwUsage.get(transaction, query));
    }

    bwUsageGetByUuids(_context: Context, query: { uuids: string[]; start_period: Timestamp }): Promise<BwUsage[]> {
        return this.#read(["bw_usage_cache"], (transaction) => bwUsage.getByUuids(transaction, query));
    }

    /**
     * Stores the counters of a volume as the current ones or, with `update_totals`, adds them to the totals. If a
     * counter is below the current one, the volume's counters were reset, and the current ones are added to the totals
     * first. Returns the row. Nova: `vol_usage_update`.
     */
    volUsageUpdate(update: volumeUsage.VolUsageUpdate): Promise<VolumeUsageCacheRow> {
        return this.#write(["volume_usage_cache"], (transaction, now) => volumeUsage.update(transaction, now, update));
    }

    /**
     * Returns the volumes whose `tot_last_refreshed` or `curr_last_refreshed` is null or later than `begin`. Nova:
     * `vol_get_usage_by_time`.
     */
    volGetUsageByTime({ begin }: { begin: Timestamp }): Promise<VolumeUsageCacheRow[]> {
        return this.#read(["volume_usage_cache"], (transaction) => volumeUsage.getByTime(transaction, begin));
    }

    /**
     * Inserts a fault of an instance. Fails with `DBError` when its code is neither an integer nor a string that
     * contains one. Nova: `instance_fault_create`.
     */
    instanceFaultCreate(_context: Context, values: faults.NewInstanceFault): Promise<void> {
        return this.#write(["instance_faults"], (transaction, now) => faults.create(transaction, now, values));
    }

    /**
     * Returns the faults of each instance, newest first; with `latest` only the newest one. An instance without faults
     * has an empty list. Nova: `instance_fault_get_by_instance_uuids`.
     */
    instanceFaultGetByInstanceUuids(query: {
        instance_uuids: string[];
        latest?: boolean;
    }): Promise<Record<string, InstanceFaultRow[]>> {
        return this.#read(["instance_faults"], (transaction) => faults.getByInstanceUuids(transaction, query));
    }

    /** Returns the actions of an instance, newest first. Nova: `actions_get`. */
    actionsGet({ instance_uuid }: { instance_uuid: string }): Promise<InstanceActionRow[]> {
        return this.#read(["instance_actions"], (transaction) => actions.getByInstance(transaction, instance_uuid));
    }

    /** Returns the events of an action, newest first. Nova: `action_events_get`. */
    actionEventsGet({ action_id }: { action_id: number }): Promise<InstanceActionEventRow[]> {
        return this.#read(["instance_actions_events"], (transaction) => actions.getEvents(transaction, action_id));
    }

    actionStart(_context: Context, values: ActionStartValues): Promise<InstanceAction> {
        return this.#write(["instance_actions"], (transaction, now) => actions.start(transaction, now, values));
    }

    actionFinish(_context: Context, values: ActionFinishValues): Promise<InstanceAction> {
        return this.#write(["instance_actions"], (transaction, now) =>
            actions.finish(transaction, now, this.#rules, values),
        );
    }

    actionEventStart(context: Context, values: ActionEventStartValues): Promise<InstanceActionEvent> {
        return this.#write(["instance_actions", "instance_actions_events"], (transaction, now) =>
            actions.eventStart(transaction, now, this.#rules, context, values),
        );
    }

    actionEventFinish(context: Context, values: ActionEventFinishValues): Promise<InstanceActionEvent> {
        return this.#write(["instance_actions", "instance_actions_events"], (transaction, now) =>
            actions.eventFinish(transaction, now, this.#rules, context, values),
        );
    }

    /**
     * Stores rows of one of Nova's tables as they are, each in place of one with the same `id`; rows that are inserted
     * later get larger ids. Fails with `ValueError`, as {@link readRow} does, and with `DBError` when a row has the
     * unique key of another row.
     */
    async importRows(table: NovaTable, rows: Iterable<object>): Promise<void> {
        const read = Array.from(rows, (row) => readRow(table, row));
        await this.#write([table], (transaction) => transaction.put(table, read));
    }

    /**
     * Returns a page of a table in the order of `id`. For `instances`, returns documents by `project_id`, then `uuid`,
     * and fails with `MarkerNotFound` when `after` is not the `next` of a page.
     */
    rowsPage(table: "instances", query?: PageQuery<string>): Promise<Page<DocumentInput, string>>;
    rowsPage<Name extends TableName>(table: Name, query?: PageQuery<number>): Promise<Page<TableRows[Name], number>>;
    async rowsPage(table: StoreName, query: PageQuery<string> | PageQuery<number> = {}): Promise<unknown> {
        checkTable(table);
        if (table === "instances") {
            return this.#read([table], (transaction) => instances.page(transaction, query as PageQuery<string>));
        }
        const ids = query as PageQuery<number>;
        const after = Number(readInteger("after", ids.after ?? 0));
        return this.#read([table], (transaction) =>
            readPage(
                ids,
                (limit) => transaction.page(table, after, limit),
                (row) => row.id,
            ),
        );
    }

    /** Returns the number of rows of a table. */
    async count(table: StoreName): Promise<number> {
        checkTable(table);
        return this.#read([table], (transaction) => transaction.count(table));
    }

    /** Returns all rows of a table as {@link rowsPage} does, at once. */
    rows(table: "instances"): Promise<DocumentInput[]>;
    rows<Name extends keyof TableRows>(table: Name): Promise<TableRows[Name][]>;
    async rows(table: StoreName): Promise<unknown[]> {
        checkTable(table);
        return this.#read([table], (transaction): Promise<unknown[]> =>
            table === "instances" ? instances.all(transaction) : transaction.all(table),
        );
    }

    #read<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#store.transaction(tables, "readonly", work);
    }

    async #write<T>(tables: StoreName[], work: (transaction: Transaction, now: string) => Promise<T>): Promise<T> {
        const now = readTime(this.#clock());
        return this.#store.transaction(tables, "readwrite", (transaction) => work(transaction, now));
    }
}

function checkTable(table: StoreName): void {
    if (!STORE_NAMES.includes(table)) {
        throw hostError("ValueError", `unknown table \`${table}\`: give one of ${STORE_NAMES.join(", ")}`);
    }
}
