/**
 * A timestamp in UTC: a `Date`, an ISO 8601 string with or without zone (`2026-11-01T00:17:03.25`), or Python's
 * `str(datetime)` (`2026-11-01 00:17:03.250000`). Timestamps come out as strings with microseconds.
 */
export type Timestamp = Date | string;

/** An integer of up to 64 bits: a `bigint` where a `number` would round it. */
export type Integer = number | bigint;

/** A value of a JSON document, with a `bigint` for an integer that a `number` would round. */
export type Value = null | boolean | number | bigint | string | Value[] | Document;

/** One of Nova's objects, such as an instance or a payload: open-ended, under Nova's own names. */
export interface Document {
    [name: string]: Value;
}

/**
 * A document that the caller passes in: a plain object, which may contain a `Date` for a timestamp, a `Map` for an
 * object and a `bigint` for an integer; or its JSON text, whose numbers keep every digit. It is never changed.
 */
export type DocumentInput = object | string;

/** A value or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A row whose timestamps may also be `Date`s. */
export type Row<T> = {
    [Name in keyof T]: Name extends `${string}_at` | `${string}_time` | `period_${string}` | "start_period"
        ? T[Name] | Date
        : T[Name];
};

/** The columns that identify a row of the table `task_log`. */
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

/** Which instances to list: those alive at any time of a window. */
export interface WindowQuery {
    /** `terminated_at` is null or later than this. */
    begin: string;
    /** `launched_at` is earlier than this. Null also includes instances that were never launched. */
    end: string | null;
    /** Only instances of this project; null means all projects. */
    project_id: string | null;
    /** Only instances of this compute host; null means all hosts. */
    host: string | null;
}

/** One page of the instances that a `WindowQuery` selects. */
export interface InstancePage {
    /** One document per instance. */
    instances: DocumentInput[];
    /** The marker that requests the next page; null or absent on the last page. */
    next_marker?: string | null;
}

/**
 * The host's persistence: the calls that Nova makes to its conductor and database layer. Each method gets the context
 * of the caller's request first, and returns its answer or a promise of it. It fails by throwing or rejecting with an
 * error whose `code` is Nova's exception name; an `arguments` object of that error is kept.
 *
 * The four action methods return the row that they wrote, or nothing. The library only passes that row on to its
 * caller.
 */
export interface Conductor {
    /** Returns the first row with this key in any state. Nova: `task_log_get`. */
    taskLogGet(context: Context, task: TaskLogKey): Awaitable<Row<TaskLog> | null | void>;
    /**
     * Inserts a row in state `RUNNING` without errors. Fails with `TaskAlreadyRunning` when a row with this key exists
     * in any state. Nova: `task_log_begin_task`.
     */
    taskLogBeginTask(context: Context, task: TaskLogKey & { task_items: Integer; message: string }): Awaitable<void>;
    /**
     * Sets the row to state `DONE` with this number of errors and, unless it is null or empty, this message. Fails with
     * `TaskNotRunning` when no row has this key. Nova: `task_log_end_task`.
     */
    taskLogEndTask(context: Context, task: TaskLogKey & { errors: Integer; message: string | null }): Awaitable<void>;
    /**
     * Returns at most `limit` of the instances that the query selects, soft-deleted ones included, ordered by
     * `project_id` and then `uuid`; `marker` is that of the previous page. Nova:
     * `instance_get_active_by_window_joined`.
     */
    instanceGetActiveByWindow(
        context: Context,
        query: WindowQuery & { marker: string | null; limit: number },
    ): Awaitable<InstancePage>;
    /** Returns how many instances the query selects. Called only when the first page is not the last. */
    instanceCountActiveByWindow(context: Context, query: WindowQuery): Awaitable<Integer>;
    /**
     * Returns the traffic of the vifs of some instances in the periods that began at `start_period`. `grizzly` only.
     * Nova: `bw_usage_get_by_uuids`.
     */
    bwUsageGetByUuids(
        context: Context,
        query: { uuids: string[]; start_period: string },
    ): Awaitable<Row<BwUsage>[]>;
    /**
     * Returns the network info of an instance, a list of vifs. `grizzly` only, and only when the instance's cache has
     * none. Nova: `get_instance_nw_info` of the network API.
     */
    instanceGetNwInfo(context: Context, instance: Document): Awaitable<DocumentInput>;
    /** Inserts a fault of an instance. Nova: `instance_fault_create`. */
    instanceFaultCreate(context: Context, values: InstanceFaultValues): Awaitable<void>;
    /** Inserts an action. Nova: `action_start`. */
    actionStart(context: Context, values: ActionStartValues): Awaitable<Row<InstanceAction> | null | void>;
    /**
     * Finishes the action of this instance and request: the first one in `grizzly`, the only one in `hibiscus`. Fails
     * with `InstanceActionNotFound` otherwise. Nova: `action_finish`.
     */
    actionFinish(context: Context, values: ActionFinishValues): Awaitable<Row<InstanceAction> | null | void>;
    /**
     * Inserts an event under the action of this instance and request: the first one in `grizzly`, the newest one in
     * `hibiscus`, which falls back to the instance's newest action when the context has no project. Fails with
     * `InstanceActionNotFound` when no action matches. Nova: `action_event_start`.
     */
    actionEventStart(
        context: Context,
        values: ActionEventStartValues,
    ): Awaitable<Row<InstanceActionEvent> | null | void>;
    /**
     * Finishes the first event of this name under that action, and sets the action's message to `Error` when the result
     * is. Fails with `InstanceActionNotFound` or `InstanceActionEventNotFound`. Nova: `action_event_finish`.
     */
    actionEventFinish(
        context: Context,
        values: ActionEventFinishValues,
    ): Awaitable<Row<InstanceActionEvent> | null | void>;
}

/** The host's emission. */
export interface Notifier {
    /**
     * Sends a batch in order and returns one answer per notification: null or undefined for one that was sent, an error
     * for one that was refused. No answer at all means that all were sent. Throwing means that no notification was sent
     * and that further batches would fail too.
     */
    notify(context: Context, notifications: Notification[]): Awaitable<(Error | null | undefined)[] | null | void>;
}

export interface ComputeUtils {
    /**
     * Runs `body` and reports it: opens an event per instance before and finishes it afterwards, with the outcome.
     * Nova: `EventReporter`.
     *
     * Returns what the body returns. An error of the body is recorded and thrown again unchanged. When finishing the
     * events fails, that error is thrown, as in Nova, with the error of the body as its `body`.
     */
    reportEvent<T>(options: ReportEventOptions, body: () => T): Promise<Awaited<T>>;
}
