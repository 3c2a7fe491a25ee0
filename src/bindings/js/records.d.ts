/** Which Nova release to reproduce: 2013.1 or 34.0.0 (2026.2). */
export type Release = "grizzly" | "hibiscus";

/** Which notifications to emit: those with a flat payload, those with a `nova_object.*` envelope, or one of each. */
export type NotificationFormat = "unversioned" | "versioned" | "both";

/** A window, with its end excluded. */
export interface Window {
    /** Begin of the window. */
    begin: string;
    /** End of the window. */
    end: string;
}

/** The request context; all members are null for periodic tasks. */
export interface Context {
    /** The user who sent the request. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** `req-` and a UUID. */
    request_id: string | null;
    /** When the request began. */
    timestamp: string | null;
    /** The base of image URLs in unversioned payloads, without a slash at the end. */
    glance_endpoint: string | null;
}

/** The parts of a device name. */
export interface DeviceMatch {
    /** The prefix, such as `/dev/vd`. */
    prefix: string;
    /** The letters, such as `b`. */
    suffix: string;
}

/** The result of `defaultDeviceNamesForInstance`. */
export interface DefaultDeviceNames {
    /** The devices that got a name, in the order in which Nova names and saves them. */
    named: NamedDevice[];
    /** The error that ended the naming early; null when all devices have a name. */
    stopped: NovaError | null;
}

/** A device that got a name. */
export interface NamedDevice {
    /** The index of its list. */
    list_index: number;
    /** Its index in the list. */
    index: number;
    /** Its name. */
    device_name: string;
}

/** Why a device gets its name. */
export interface Explanation {
    /** The name; null when there is an error. */
    device_name: string | null;
    /** Why the device gets no name; null when it gets one. */
    error: NovaError | null;
    /** The prefix of the name. */
    prefix: string;
    /**
     * The source of the prefix: the root device of the instance; `/dev/sda1`, which Nova assumes without a root device;
     * or the Xen driver, whose devices all have the same prefix.
     */
    prefix_from: "root_device" | "default_root_device" | "xen_driver";
    /** The requested prefix, when `prefix` replaces it; otherwise null. */
    replaced_prefix: string | null;
    /** The requested letters. */
    asked_letter: string | null;
    /** The letters in use and their users. A letter may appear several times. */
    taken: TakenLetter[];
}

/** A letter in use. */
export interface TakenLetter {
    /** The letter; null for a device without a name, which counts as a device all the same. */
    letter: string | null;
    /** The device name that has the letter; null when none has. */
    device_name: string | null;
    /** The user: the device of a role (`root`, `ebs0`), the name at an index of the list, or a disk that Xen adds. */
    by: { role: string } | { place: number } | "xen_ephemeral_disk" | "xen_swap_disk";
}

/** The part of a failure that notifications and faults contain. */
export interface ExceptionDict {
    /** The class name. */
    exception: string;
    /** The message, at most 255 bytes. */
    message: string;
    /** The code, usually an integer; 500 when the failure has none. */
    code: Value;
}

/** A row of the table `task_log`. */
export interface TaskLog {
    /** `instance_usage_audit` for audits. */
    task_name: string;
    /** `RUNNING` or `DONE`. */
    state: string;
    /** The compute host. */
    host: string;
    /** Begin of the window. */
    period_beginning: string;
    /** End of the window. */
    period_ending: string;
    /** The last message of the task. */
    message: string;
    /** How many items the task has to process. */
    task_items: Integer;
    /** How many of them failed. */
    errors: Integer;
}

/** The columns of `bw_usage_cache` that an audit reads: the traffic of a vif in a period, in bytes. */
export interface BwUsage {
    /** The instance. */
    uuid: string;
    /** The MAC address of the vif. */
    mac: string | null;
    /** When the period began. */
    start_period: string;
    /** Bytes received in the period. */
    bw_in: Integer | null;
    /** Bytes sent in the period. */
    bw_out: Integer | null;
}

/** The values of a new row of the table `instance_faults`. */
export interface InstanceFaultValues {
    /** The instance. */
    instance_uuid: string;
    /** The code: an integer; in `grizzly` any value that the exception carries, such as a string or null. */
    code: Value;
    /** The text for tenants. */
    message: string;
    /** The text for administrators. */
    details: string;
    /** The compute host. */
    host: string;
}

/** The values of a new row of `instance_actions`. */
export interface ActionStartValues {
    /** The requested operation, such as `reboot`. */
    action: string | null;
    /** The instance. */
    instance_uuid: string;
    /** The request. */
    request_id: string | null;
    /** The user who sent the request. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** When the request began. */
    start_time: string | null;
    /** The same time. `hibiscus` only. */
    updated_at: string | null;
}

/** The values that finish a row of `instance_actions`. */
export interface ActionFinishValues {
    /** The instance. */
    instance_uuid: string;
    /** The request. */
    request_id: string | null;
    /** The current time. */
    finish_time: string;
    /** The same time. `hibiscus` only. */
    updated_at: string | null;
}

/** The values of a new row of `instance_actions_events`, and the key of its action. */
export interface ActionEventStartValues {
    /** The step, such as `compute_reboot_instance`. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request of the action. */
    request_id: string | null;
    /** The current time. */
    start_time: string;
    /** The host that runs it. `hibiscus` only. */
    host: string | null;
}

/** The values that finish a row of `instance_actions_events`. A null leaves the column as it is. */
export interface ActionEventFinishValues {
    /** The step. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request of the action. */
    request_id: string | null;
    /** The current time. */
    finish_time: string;
    /** `Success` or `Error`. */
    result: string;
    /** The failure as text. `grizzly` only, and no column stores it. */
    message: string | null;
    /** The part of the failure that tenants may see, at most 255 bytes. `hibiscus` only. */
    details: string | null;
    /** The formatted stack frames of the failure. */
    traceback: string | null;
}

/** A row of the table `instance_actions`: an operation that a user requested. */
export interface InstanceAction {
    /** The number of the row. */
    id: Integer;
    /** The requested operation, such as `reboot`. */
    action: string | null;
    /** The instance. */
    instance_uuid: string | null;
    /** The request. */
    request_id: string | null;
    /** The user who sent the request. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** When the request began. */
    start_time: string | null;
    /** When the action finished. */
    finish_time: string | null;
    /** `Error` when an event failed. */
    message: string | null;
    /** When the row was inserted. */
    created_at: string | null;
    /** When it last changed. */
    updated_at: string | null;
    /** When it was marked as deleted. */
    deleted_at: string | null;
    /** Whether it is marked as deleted. */
    deleted: boolean;
}

/** A row of the table `instance_actions_events`: a step of an action. */
export interface InstanceActionEvent {
    /** The number of the row. */
    id: Integer;
    /** The step, such as `compute_reboot_instance`. */
    event: string | null;
    /** The id of its action. */
    action_id: Integer | null;
    /** When it began. */
    start_time: string | null;
    /** When it finished. */
    finish_time: string | null;
    /** `Success` or `Error`; null until it finishes. */
    result: string | null;
    /** The formatted stack frames of the failure. */
    traceback: string | null;
    /** The host that ran it. `hibiscus` only. */
    host: string | null;
    /** The part of the failure that tenants may see. `hibiscus` only. */
    details: string | null;
    /** When the row was inserted. */
    created_at: string | null;
    /** When it last changed. */
    updated_at: string | null;
    /** When it was marked as deleted. */
    deleted_at: string | null;
    /** Whether it is marked as deleted. */
    deleted: boolean;
}

/** One notification, with the fields of oslo.messaging's message. */
export interface Notification {
    /** A random UUID. */
    message_id: string;
    /** The service and host that emit it. */
    publisher_id: string;
    /** The event, such as `compute.instance.exists`. */
    event_type: string;
    /** The priority. */
    priority: "INFO" | "ERROR";
    /** The payload. */
    payload: Document;
    /** When it was made, in UTC: Python's `str(datetime)`. */
    timestamp: string;
    /** Whether the payload has a `nova_object.*` envelope. The wire does not carry this member. */
    versioned: boolean;
}

/** The progress of an audit. */
export interface AuditProgress {
    /** How many instances are processed, failed ones included. */
    instances: number;
    /** How many there are. */
    num_instances: number;
    /** How many notifications were sent. */
    notifications: number;
    /** How many instances count as an error so far. */
    failures: number;
}

/** The result of an audit. */
export interface AuditReport {
    /** The compute host. */
    host: string;
    /** The window. */
    window: Window;
    /** How many instances there were, failed ones included. */
    instances: number;
    /** How many notifications were sent. */
    notifications: number;
    /** The instances that count as an error in the task log. */
    failures: AuditFailure[];
    /** The message of the task log row. */
    message: string;
}

/** An instance that could not be audited. */
export interface AuditFailure {
    /** Its UUID; null when the instance is too broken to have one. */
    instance_uuid: string | null;
    /** Why it failed. */
    error: NovaError;
}

/** An error under the name that Nova gives it. */
export class NovaError extends Error {
    /**
     * Nova's exception name where Nova raises one of its own (`DevicePathInUse`), the name of Python's exception where
     * Nova lets one through (`ValueError`), or the code or name of the value that the host threw.
     */
    readonly code: string;
    /** The keyword arguments of Nova's exception, such as `{ path: "/dev/vdb" }`; `{}` when it has none. */
    readonly arguments: Document;
    /** The callback of the host that failed, such as `taskLogGet`; undefined when none did. */
    readonly callback: string | undefined;
    /** The value that the host threw. */
    readonly cause?: unknown;
    /** The value that the body of `reportEvent` threw, when finishing its events failed too. */
    readonly body?: unknown;
    constructor(
        code: string,
        message: string,
        options?: { arguments?: Document | undefined; callback?: string | undefined; cause?: unknown },
    );
}

/**
 * Does what `existsNdjson` does as a Web stream, for input that does not fit in memory. Beyond Nova.
 *
 * It takes the bytes of NDJSON in chunks of any length and returns the bytes of NDJSON chunk by chunk, with
 * back-pressure. It holds one chunk and the line that is not complete yet.
 *
 * ```js
 * await file.stream().pipeThrough(existsNdjsonStream({ release: "hibiscus", host: "cmp-01" })).pipeTo(sink);
 * ```
 */
export function existsNdjsonStream(options: ExistsNdjsonOptions): TransformStream<Uint8Array, Uint8Array>;
