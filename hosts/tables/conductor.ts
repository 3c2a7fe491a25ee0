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
import { hostError } from "./error.js";
import * as faults from "./faults.js";
import * as instances from "./instances.js";
import { type DatabaseRules, databaseRules } from "./release.js";
import type { BwUsageCacheRow, InstanceFaultRow, TaskLogRow, VolumeUsageCacheRow } from "./row.js";
import { type Store, STORE_NAMES, type StoreName, type TableRows, type Transaction } from "./store.js";
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
        const message = "this host has no network API, and the instance has no network info in its cache";
        return Promise.reject(hostError("NoNetworkApi", message));
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

    /** Returns all rows of a table, oldest first. Returns documents for `instances`, by `project_id`, then `uuid`. */
    rows(table: "instances"): Promise<DocumentInput[]>;
    rows<Name extends keyof TableRows>(table: Name): Promise<TableRows[Name][]>;
    async rows(table: StoreName): Promise<unknown[]> {
        if (!STORE_NAMES.includes(table)) {
            throw hostError("ValueError", `unknown table \`${table}\`: give one of ${STORE_NAMES.join(", ")}`);
        }
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
