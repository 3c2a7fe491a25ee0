import type {
    ActionEventFinishValues,
    ActionEventStartValues,
    ActionFinishValues,
    ActionStartValues,
    BwUsage,
    Conductor,
    Context,
    Document,
    DocumentInput,
    InstanceAction,
    InstanceActionEvent,
    InstancePage,
    Integer,
    Moment,
    TaskLog,
    TaskLogKey,
    WindowQuery,
} from "nova-compute-utils";

import * as actions from "./actions.js";
import * as bwUsage from "./bw_usage.js";
import { hostError } from "./error.js";
import * as faults from "./faults.js";
import * as instances from "./instances.js";
import { readMoment } from "./moment.js";
import { readRelease, type Release } from "./release.js";
import type { BwUsageCacheRow, InstanceFaultRow, TaskLogRow, VolumeUsageCacheRow } from "./row.js";
import { INDEXES, type Store, type StoreName, type TableRows, type Transaction } from "./store.js";
import * as taskLog from "./task_log.js";
import * as volumeUsage from "./volume_usage.js";

/** What a conductor with tables may be told. */
export interface ConductorOptions {
    /** The release of Nova whose rules the tables go by: `hibiscus`, unless said otherwise. */
    release?: Release;
    /** What time it is, for the times of rows: the time of the machine, unless said otherwise. */
    now?: () => Moment;
}

/**
 * Nova's tables, and the rules of its database layer: which row is found, what is refused, what else is touched. Every
 * method is one transaction: done as a whole, or refused with an error whose `code` is Nova's exception name. Moments
 * come in any form of the contract and go out as `YYYY-MM-DDTHH:MM:SS.ffffff`.
 */
export class TableConductor implements Conductor {
    readonly #store: Store;
    readonly #release: Release;
    readonly #clock: () => Moment;

    /** @internal */
    constructor(store: Store, options: ConductorOptions = {}) {
        this.#store = store;
        this.#release = readRelease(options.release ?? "hibiscus");
        this.#clock = options.now ?? (() => new Date());
    }

    /** The first row for this task and window, whatever its state. Nova: `task_log_get`. */
    taskLogGet(task: TaskLogKey): Promise<TaskLog | null> {
        return this.#read(["task_log"], (transaction) => taskLog.get(transaction, task));
    }

    /** The rows for a task and window; of one host or all, of one state or any. Nova: `task_log_get_all`. */
    taskLogGetAll(query: taskLog.TaskLogQuery): Promise<TaskLogRow[]> {
        return this.#read(["task_log"], (transaction) => taskLog.getAll(transaction, query));
    }

    /**
     * Insert a row in state `RUNNING` with no errors; `TaskAlreadyRunning` where there is one in any state, `DBError`
     * where the message is empty. Nova: `task_log_begin_task`.
     */
    taskLogBeginTask(task: TaskLogKey & { task_items: Integer; message: string }): Promise<void> {
        return this.#write(["task_log"], (transaction, now) => taskLog.begin(transaction, task, now));
    }

    /**
     * Set the row to state `DONE` with these errors and, unless null or empty, this message; `TaskNotRunning` where
     * there is none. Nova: `task_log_end_task`.
     */
    taskLogEndTask(task: TaskLogKey & { errors: Integer; message: string | null }): Promise<void> {
        return this.#write(["task_log"], (transaction, now) => taskLog.end(transaction, task, now));
    }

    /**
     * Store instances, whole, each in the place of the one with its `project_id` and `uuid`. All are stored or none:
     * `ValueError` where one has no UUID, or a `launched_at` or `terminated_at` that is no moment.
     */
    async addInstances(documents: Iterable<DocumentInput>): Promise<void> {
        const stored = Array.from(documents, instances.readInstance);
        await this.#write(["instances"], (transaction) => transaction.putInstances(stored));
    }

    /**
     * The instances alive at any time of a window, soft-deleted ones included, ordered by `project_id`, then `uuid`: at
     * most `limit` of them, and never more than 1000, from the marker of the page before. `MarkerNotFound` on a marker
     * that is none of this query's. Nova: `instance_get_active_by_window_joined`.
     */
    instanceGetActiveByWindow(query: WindowQuery & { marker: string | null; limit: number }): Promise<InstancePage> {
        return this.#read(["instances"], (transaction) => instances.getActiveByWindow(transaction, query));
    }

    /** How many instances all those pages hold together. */
    instanceCountActiveByWindow(query: WindowQuery): Promise<number> {
        return this.#read(["instances"], (transaction) => instances.countActiveByWindow(transaction, query));
    }

    /** Always `NoNetworkApi`: there is no network here. */
    instanceGetNwInfo(_instance: Document): Promise<DocumentInput> {
        const message = "this host has no network API, and the instance no network info in its cache";
        return Promise.reject(hostError("NoNetworkApi", message));
    }

    /** Keep the counters of an interface in a period, in place of those kept before. Nova: `bw_usage_update`. */
    bwUsageUpdate(update: bwUsage.BwUsageUpdate): Promise<void> {
        return this.#write(["bw_usage_cache"], (transaction, now) => bwUsage.update(transaction, update, now));
    }

    /** The counters of an interface in a period, or null. Nova: `bw_usage_get`. */
    bwUsageGet(query: bwUsage.BwUsageQuery): Promise<BwUsageCacheRow | null> {
        return this.#read(["bw_usage_cache"], (transaction) => bwUsage.get(transaction, query));
    }

    /** What the vifs of some instances sent and received in a period. Nova: `bw_usage_get_by_uuids`. */
    bwUsageGetByUuids(query: { uuids: string[]; start_period: Moment }): Promise<BwUsage[]> {
        return this.#read(["bw_usage_cache"], (transaction) => bwUsage.getByUuids(transaction, query));
    }

    /**
     * Keep the counters of a volume, as its current ones or, with `update_totals`, in its sums; the row that came of
     * it. Nova: `vol_usage_update`.
     */
    volUsageUpdate(update: volumeUsage.VolUsageUpdate): Promise<VolumeUsageCacheRow> {
        return this.#write(["volume_usage_cache"], (transaction, now) => volumeUsage.update(transaction, update, now));
    }

    /**
     * The volumes whose counters were read, or whose sums grew, after a moment; likewise those where either never
     * happened. Nova: `vol_get_usage_by_time`.
     */
    volGetUsageByTime({ begin }: { begin: Moment }): Promise<VolumeUsageCacheRow[]> {
        return this.#read(["volume_usage_cache"], (transaction) => volumeUsage.getByTime(transaction, begin));
    }

    /** Insert a fault of an instance; `DBError` where its code is no whole number. Nova: `instance_fault_create`. */
    instanceFaultCreate(values: faults.NewInstanceFault): Promise<void> {
        return this.#write(["instance_faults"], (transaction, now) => faults.create(transaction, values, now));
    }

    /**
     * The faults of some instances by UUID, newest first, an empty list where there is none; with `latest` the newest
     * of each only. Nova: `instance_fault_get_by_instance_uuids`.
     */
    instanceFaultGetByInstanceUuids(query: {
        instance_uuids: string[];
        latest?: boolean;
    }): Promise<Record<string, InstanceFaultRow[]>> {
        const { instance_uuids, latest = false } = query;
        return this.#read(["instance_faults"], (transaction) =>
            faults.getByInstanceUuids(transaction, instance_uuids, latest),
        );
    }

    /** Insert an action. Nova: `action_start`. */
    actionStart(_context: Context, values: ActionStartValues): Promise<InstanceAction> {
        return this.#write(["instance_actions"], (transaction, now) => actions.start(transaction, values, now));
    }

    /**
     * Close the action of this instance and request: in grizzly the first one there is, in hibiscus the only one.
     * `InstanceActionNotFound` otherwise. Nova: `action_finish`.
     */
    actionFinish(_context: Context, values: ActionFinishValues): Promise<InstanceAction> {
        return this.#write(["instance_actions"], (transaction, now) =>
            actions.finish(transaction, values, now, this.#release),
        );
    }

    /** Insert an event of an action; `InstanceActionNotFound` where there is none. Nova: `action_event_start`. */
    actionEventStart(context: Context, values: ActionEventStartValues): Promise<InstanceActionEvent> {
        return this.#write(["instance_actions", "instance_actions_events"], (transaction, now) =>
            actions.eventStart(transaction, context, values, now, this.#release),
        );
    }

    /**
     * Close an event of an action; `InstanceActionNotFound` or `InstanceActionEventNotFound` where there is none. Nova:
     * `action_event_finish`.
     */
    actionEventFinish(context: Context, values: ActionEventFinishValues): Promise<InstanceActionEvent> {
        return this.#write(["instance_actions", "instance_actions_events"], (transaction, now) =>
            actions.eventFinish(transaction, context, values, now, this.#release),
        );
    }

    /** All rows of a table, oldest first; of `instances` the documents, by `project_id`, then `uuid`. */
    rows(table: "instances"): Promise<DocumentInput[]>;
    rows<Name extends keyof TableRows>(table: Name): Promise<TableRows[Name][]>;
    async rows(table: StoreName): Promise<unknown[]> {
        if (table !== "instances" && !Object.hasOwn(INDEXES, table)) {
            throw hostError("ValueError", `unknown table \`${table}\``);
        }
        return this.#read([table], (transaction): Promise<unknown[]> =>
            table === "instances" ? instances.all(transaction) : transaction.all(table),
        );
    }

    #read<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#store.read(tables, work);
    }

    async #write<T>(tables: StoreName[], work: (transaction: Transaction, now: string) => Promise<T>): Promise<T> {
        const now = readMoment(this.#clock());
        return this.#store.write(tables, (transaction) => work(transaction, now));
    }
}
