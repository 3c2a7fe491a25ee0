/**
 * A timestamp in UTC: a `Date`, an ISO 8601 string with or without zone (`2026-11-01T00:17:03.25`), or Python's
 * `str(datetime)` (`2026-11-01 00:17:03.250000`). The library returns timestamps as strings with microseconds, such as
 * `2026-11-01T00:17:03.250000`.
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
 * object and a `bigint` for an integer, or its JSON text, whose numbers keep every digit. The library never changes it.
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
    /** The begin of the window. */
    period_beginning: string;
    /** The end of the window. */
    period_ending: string;
    /** The compute host. */
    host: string;
}

/** Which instances to list: those that match every field. */
export interface WindowQuery {
    /** Selects instances whose `terminated_at` is null or later than this. */
    begin: string;
    /**
     * Selects instances whose `launched_at` is earlier than this. Null also includes instances that were never
     * launched.
     */
    end: string | null;
    /** Selects the instances of this project; null selects all projects. */
    project_id: string | null;
    /** Selects the instances of this compute host; null selects all hosts. */
    host: string | null;
}

/** An instance that the host cannot put into a document. */
export interface UnreadableInstance {
    /** Its UUID; null or absent when the host cannot read it either. */
    instance_uuid?: string | null;
    /** The number of its row; null or absent when the host does not know it. */
    instance_id?: Integer | null;
    /** What the host cannot read: an `Error`, or an object with the members of an `ErrorRecord`. */
    error: unknown;
}

/** One page of the instances that a `WindowQuery` selects. */
export interface InstancePage {
    /** One document per instance. */
    instances: DocumentInput[];
    /**
     * The instances that the host cannot put into a document. They belong to the page, and each counts as one failure.
     */
    unreadable?: UnreadableInstance[] | null;
    /** The marker of the next page; null or absent on the last page. */
    next_marker?: string | null;
}

/**
 * The host's persistence: the calls that Nova makes to its conductor and database layer. Each method gets the context
 * of the caller's request first, and returns a value or a promise of it. It fails by throwing, or by rejecting with, an
 * error whose `code` is Nova's exception name. The library keeps the error's `arguments` when they are an object.
 *
 * The last four methods return the row that they wrote, or null when the host does not provide it. The library passes
 * that row on to its own caller and does not read it.
 */
export interface Conductor {
    /** Returns the first row with this key, in any state. Nova: `task_log_get`. */
    taskLogGet(context: Context, task: TaskLogKey): Awaitable<Row<TaskLog> | null | void>;
    /**
     * Inserts a row in state `RUNNING` without errors. Fails with `TaskAlreadyRunning` when a row with this key exists
     * in any state. Nova: `task_log_begin_task`.
     */
    taskLogBeginTask(context: Context, task: TaskLogKey & { task_items: Integer; message: string }): Awaitable<void>;
    /**
     * Sets the row to state `DONE` with this number of errors and, unless it is null or empty, this message. Fails with
     * `TaskNotRunning` when no row has this key. The library never reads the checkpoint of a task without errors again,
     * so the host may delete it. Nova: `task_log_end_task`.
     */
    taskLogEndTask(context: Context, task: TaskLogKey & { errors: Integer; message: string | null }): Awaitable<void>;
    /**
     * Returns the checkpoint that `auditCheckpointPut` stored last under this key. The library calls it only to resume
     * an audit, to give it up or to retry its failed instances. A conductor that keeps no checkpoints returns null or
     * lacks the method.
     */
    auditCheckpointGet?(context: Context, task: TaskLogKey): Awaitable<AuditCheckpoint | null | void>;
    /**
     * Stores a checkpoint in place of the previous one under this key, outside Nova's tables. The checkpoint must be
     * durable when the promise resolves. The library calls it before the audit starts and after each page whose
     * notifications were sent. A conductor that keeps no checkpoints returns false or lacks the method; undefined means
     * true.
     */
    auditCheckpointPut?(
        context: Context,
        task: TaskLogKey & { checkpoint: AuditCheckpoint },
    ): Awaitable<boolean | void>;
    /**
     * Returns at most `limit` of the instances that the query selects, soft-deleted ones included, ordered by
     * `project_id` and then `uuid`; `marker` is the `next_marker` of the previous page; null requests the first page.
     * Nova: `instance_get_active_by_window_joined`.
     */
    instanceGetActiveByWindow(
        context: Context,
        query: WindowQuery & { marker: string | null; limit: number },
    ): Awaitable<InstancePage>;
    /** Returns how many instances the query selects. The library calls it only when the first page is not the last. */
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
     * Returns the network info of an instance, given as its document: a list of vifs. `grizzly` only, and only when the
     * instance's cache has none. Nova: `get_instance_nw_info` of the network API.
     */
    instanceGetNwInfo(context: Context, instance: Document): Awaitable<DocumentInput>;
    /** Inserts a fault of an instance. Nova: `instance_fault_create`. */
    instanceFaultCreate(context: Context, values: InstanceFaultValues): Awaitable<void>;
    /** Inserts an action. Nova: `action_start`. */
    actionStart(context: Context, values: ActionStartValues): Awaitable<Row<InstanceAction> | null | void>;
    /**
     * Finishes the action of this instance and request: the first one in `grizzly`, the only one in `hibiscus`. Fails
     * with `InstanceActionNotFound` when it finds none, in `hibiscus` also when it finds several. Nova:
     * `action_finish`.
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
     * Finishes the first event of this name under the action that `actionEventStart` selects. Fails with
     * `InstanceActionNotFound` or `InstanceActionEventNotFound`. Sets the action's message to `Error` when the result
     * is `Error` in any letter case. Nova: `action_event_finish`.
     */
    actionEventFinish(
        context: Context,
        values: ActionEventFinishValues,
    ): Awaitable<Row<InstanceActionEvent> | null | void>;
}

/** The host's emission of notifications. */
export interface Notifier {
    /**
     * Sends a batch in order and returns one answer per notification: null or undefined for one that was sent, an error
     * for one that was refused. A null or undefined result means that all were sent. Throwing means that no
     * notification was sent and that further batches would fail too.
     */
    notify(context: Context, notifications: Notification[]): Awaitable<(Error | null | undefined)[] | null | void>;
    /**
     * Returns the position behind the last notification that was sent, in a form that only the notifier reads. The
     * library stores it in a checkpoint. A notifier that cannot find its place again returns null or lacks the method.
     */
    position?(context: Context): Awaitable<string | null | void>;
    /**
     * Prepares the notifier to receive the notifications behind a position again, which an interrupted audit may have
     * sent already. The library calls it once, before it resumes an audit.
     */
    resumeAt?(context: Context, position: string | null): Awaitable<void>;
}

export interface ComputeUtils {
    /**
     * Starts one event per instance, runs `body`, and finishes the events with its outcome. Nova: `EventReporter`.
     *
     * Returns the value of the body. Records an error of the body and throws it again unchanged. When the events cannot
     * be finished, throws that error, as Nova does; its `body` is the error of the body.
     */
    reportEvent<T>(options: ReportEventOptions, body: () => T): Promise<Awaited<T>>;
}
