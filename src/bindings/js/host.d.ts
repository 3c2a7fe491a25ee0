/**
 * A moment, UTC: a `Date`, ISO 8601 text with or without zone (`2026-11-01T00:17:03.25`), or the way Python prints one
 * (`2026-11-01 00:17:03.250000`). What comes out is text, with six digits of a second.
 */
export type Moment = Date | string;

/** A whole number of up to 64 bits: a `bigint` where a `number` would round it. */
export type Integer = number | bigint;

/** What a JSON document may hold, and `bigint` for whole numbers that a `number` would round. */
export type Value = null | boolean | number | bigint | string | Value[] | Document;

/** An object of Nova's, such as an instance or a payload: open-ended, under Nova's own names. */
export interface Document {
    [name: string]: Value;
}

/**
 * An object of Nova's as it is given: a plain object, where a `Date` may stand for a moment, a `Map` for an object and a
 * `bigint` for a whole number; or its JSON text, which is taken digit by digit. It is never changed.
 */
export type DocumentInput = object | string;

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A row whose moments may also be `Date`s. */
export type Row<T> = {
    [Name in keyof T]: Name extends `${string}_at` | `${string}_time` | `period_${string}` | "start_period"
        ? T[Name] | Date
        : T[Name];
};

/** What makes a row of the table `task_log` the one that is meant. */
export interface TaskLogKey {
    /** `instance_usage_audit` for audits. */
    task_name: string;
    /** Begin of the window. */
    period_beginning: string;
    /** End of the window. */
    period_ending: string;
    /** The compute host. */
    host: string;
}

/** Which instances to list. */
export interface WindowQuery {
    /** They were not terminated by then. */
    begin: string;
    /** They were launched before; null: whenever, and also never. */
    end: string | null;
    /** Those of one project only. */
    project_id: string | null;
    /** Those of one compute host only. */
    host: string | null;
}

/** Some of the instances that were asked for. */
export interface InstancePage {
    /** One document per instance. */
    instances: DocumentInput[];
    /** Handed back for the page that follows; null or absent on the last page. */
    next_marker?: string | null;
}

/**
 * The host's persistence: what Nova asks its conductor and database layer for. A method may return its answer or a
 * promise of it; it says no by throwing, or rejecting with, an error whose `code` is Nova's exception name.
 */
export interface Conductor {
    /** The first row for this task and window, whatever its state. Nova: `task_log_get`. */
    taskLogGet(task: TaskLogKey): Awaitable<Row<TaskLog> | null | undefined>;
    /**
     * Insert a row in state `RUNNING` with no errors; `TaskAlreadyRunning` where there is one in any state. Nova:
     * `task_log_begin_task`.
     */
    taskLogBeginTask(task: TaskLogKey & { task_items: Integer; message: string }): Awaitable<void>;
    /**
     * Set the row to state `DONE` with these errors and, unless null or empty, this message; `TaskNotRunning` where
     * there is none. Nova: `task_log_end_task`.
     */
    taskLogEndTask(task: TaskLogKey & { errors: Integer; message: string | null }): Awaitable<void>;
    /**
     * The instances alive at any time of a window, soft-deleted ones included, ordered by `project_id`, then `uuid`: at
     * most `limit` of them, from the marker of the page before. Nova: `instance_get_active_by_window_joined`.
     */
    instanceGetActiveByWindow(query: WindowQuery & { marker: string | null; limit: number }): Awaitable<InstancePage>;
    /** How many instances all those pages hold together. Asked only where one page does not hold them all. */
    instanceCountActiveByWindow(query: WindowQuery): Awaitable<Integer>;
    /**
     * What the vifs of some instances sent and received, of the periods that began at `start_period`. Asked in grizzly
     * only. Nova: `bw_usage_get_by_uuids`.
     */
    bwUsageGetByUuids(query: { uuids: string[]; start_period: string }): Awaitable<Row<BwUsage>[]>;
    /**
     * The network info of an instance from whoever runs the network: a list of vifs. Asked in grizzly only, where the
     * instance's cache has none. Nova: `get_instance_nw_info` of the network API.
     */
    instanceGetNwInfo(instance: Document): Awaitable<DocumentInput>;
    /** Insert a fault of an instance. Nova: `instance_fault_create`. */
    instanceFaultCreate(values: InstanceFaultValues): Awaitable<void>;
    /** Insert an action. Nova: `action_start`. */
    actionStart(context: Context, values: ActionStartValues): Awaitable<Row<InstanceAction>>;
    /**
     * Close the action of this instance and request: in grizzly the first one there is, in hibiscus the only one.
     * `InstanceActionNotFound` otherwise. Nova: `action_finish`.
     */
    actionFinish(context: Context, values: ActionFinishValues): Awaitable<Row<InstanceAction>>;
    /** Insert an event of an action. Nova: `action_event_start`. */
    actionEventStart(context: Context, values: ActionEventStartValues): Awaitable<Row<InstanceActionEvent>>;
    /** Close an event of an action. Nova: `action_event_finish`. */
    actionEventFinish(context: Context, values: ActionEventFinishValues): Awaitable<Row<InstanceActionEvent>>;
}

/** The host's emission. */
export interface Notifier {
    /**
     * Send a batch, in order. One answer per notification: nothing where it was sent, an error where it was refused.
     * No answer at all says that all were sent; throwing says that none was, and that trying more is pointless.
     */
    notify(context: Context, notifications: Notification[]): Awaitable<(Error | null | undefined)[] | null | void>;
}

export interface ComputeUtils {
    /**
     * Do something and report it: an event per instance opens before and closes after it, with its outcome. Nova:
     * `EventReporter`.
     *
     * What the body gives comes back; what it throws is reported as `Error` and thrown again, unchanged. Where closing
     * the events fails, that error comes, as in Nova, with what the body threw as its `body`.
     */
    reportEvent<T>(options: ReportEventOptions, body: () => T): Promise<Awaited<T>>;
}
