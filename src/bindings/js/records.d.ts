/** The release of Nova whose contract is spoken: 2013.1, or 34.0.0 (2026.2). */
export type Release = "grizzly" | "hibiscus";

/** Which notifications are sent: those with a flat payload, those with a `nova_object.*` envelope, or one of each. */
export type NotificationFormat = "unversioned" | "versioned" | "both";

/** From a moment to another, which belongs to the next window. */
export interface Window {
    /** First moment of the window. */
    begin: string;
    /** First moment after it. */
    end: string;
}

/** Who asks, and in which request; all null for periodic tasks. */
export interface Context {
    /** The user who acts. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** `req-` and a UUID. */
    request_id: string | null;
    /** When the request began. */
    timestamp: string | null;
}

/** A device name taken apart. */
export interface DeviceMatch {
    /** Such as `/dev/vd`. */
    prefix: string;
    /** The letter or letters: `b`. */
    suffix: string;
}

/** What `defaultDeviceNamesForInstance` did. */
export interface DefaultDeviceNames {
    /** The devices that were given a name, in the order in which Nova names and saves them. */
    named: NamedDevice[];
    /** What ended it before all had a name; null where all have. */
    stopped: NovaError | null;
}

/** A device that was given a name. */
export interface NamedDevice {
    /** The place of its list, from 0. */
    list_index: number;
    /** Its place in the list, from 0. */
    index: number;
    /** Its name. */
    device_name: string;
}

/** Why a device gets the name that it gets. */
export interface Explanation {
    /** The name; null where there is none. */
    device_name: string | null;
    /** Why there is none; null where there is one. */
    error: NovaError | null;
    /** The prefix of the name. */
    prefix: string;
    /**
     * Why that one: the root device of the instance has it; or none is named, and Nova takes `/dev/sda1` for it; or the
     * driver is Xen's, whose devices are all called so.
     */
    prefix_from: "root_device" | "default_root_device" | "xen_driver";
    /** The prefix that was asked for, where it is another one and is given up for `prefix`. */
    replaced_prefix: string | null;
    /** The letters that were asked for. */
    asked_letter: string | null;
    /** The letters that are taken, and by what. One may come several times. */
    taken: TakenLetter[];
}

/** A letter that is taken. */
export interface TakenLetter {
    /** The letter; null for a device without a name, which takes a place all the same. */
    letter: string | null;
    /** The name that it comes from; null where there is none. */
    device_name: string | null;
    /** By the device of a role (`root`, `ebs0`), by the name at a place of the list, or by a disk that Xen gives. */
    by: { role: string } | { place: number } | "xen_ephemeral_disk" | "xen_swap_disk";
}

/** What a notification or a fault says of a failure. */
export interface ExceptionDict {
    /** The name of the class. */
    exception: string;
    /** At most 255 bytes. */
    message: string;
    /** Most often a whole number; 500 where the failure has none. */
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
    /** What the task said last. */
    message: string;
    /** How many items the task set out to handle. */
    task_items: Integer;
    /** How many of them failed. */
    errors: Integer;
}

/** What an audit reads of a row of `bw_usage_cache`: the traffic of an interface in a period, in bytes. */
export interface BwUsage {
    /** The instance. */
    uuid: string;
    /** The interface. */
    mac: string | null;
    /** When the period began. */
    start_period: string;
    /** Received in the period. */
    bw_in: Integer | null;
    /** Sent in the period. */
    bw_out: Integer | null;
}

/** What a new row of the table `instance_faults` holds. */
export interface InstanceFaultValues {
    /** The instance. */
    instance_uuid: string;
    /** The code: a whole number; in grizzly whatever the exception carries, such as a text or null. */
    code: Value;
    /** What tenants are shown. */
    message: string;
    /** What administrators are shown. */
    details: string;
    /** The compute host. */
    host: string;
}

/** What a new row of `instance_actions` holds. */
export interface ActionStartValues {
    /** What was asked for, such as `reboot`. */
    action: string | null;
    /** The instance. */
    instance_uuid: string;
    /** The request that asks. */
    request_id: string | null;
    /** The user who asks. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** When the request began. */
    start_time: string | null;
    /** The same moment. Hibiscus only. */
    updated_at: string | null;
}

/** What closes a row of `instance_actions`. */
export interface ActionFinishValues {
    /** The instance. */
    instance_uuid: string;
    /** The request that asked. */
    request_id: string | null;
    /** Now. */
    finish_time: string;
    /** The same moment. Hibiscus only. */
    updated_at: string | null;
}

/** What a new row of `instance_actions_events` holds, and which action it belongs to. */
export interface ActionEventStartValues {
    /** The step, such as `compute_reboot_instance`. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request of the action. */
    request_id: string | null;
    /** Now. */
    start_time: string;
    /** Where it happens. Hibiscus only. */
    host: string | null;
}

/** What closes a row of `instance_actions_events`. What is null is left as it is. */
export interface ActionEventFinishValues {
    /** The step. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request of the action. */
    request_id: string | null;
    /** Now. */
    finish_time: string;
    /** `Success` or `Error`. */
    result: string;
    /** The failure as text. Grizzly only; no column holds it. */
    message: string | null;
    /** What may be shown of the failure, at most 255 bytes. Hibiscus only. */
    details: string | null;
    /** The printed frames. */
    traceback: string | null;
}

/** A row of the table `instance_actions`: something that a user asked for. */
export interface InstanceAction {
    /** The number of the row. */
    id: Integer;
    /** What was asked for, such as `reboot`. */
    action: string | null;
    /** The instance. */
    instance_uuid: string | null;
    /** The request that asked. */
    request_id: string | null;
    /** The user who asked. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** When the request began. */
    start_time: string | null;
    /** When the action ended. */
    finish_time: string | null;
    /** `Error` where an event failed. */
    message: string | null;
    /** When the row was inserted. */
    created_at: string | null;
    /** When it last changed. */
    updated_at: string | null;
    /** When it was marked as deleted. */
    deleted_at: string | null;
    /** Is it marked as deleted? */
    deleted: boolean;
}

/** A row of the table `instance_actions_events`: a step of an action. */
export interface InstanceActionEvent {
    /** The number of the row. */
    id: Integer;
    /** The step, such as `compute_reboot_instance`. */
    event: string | null;
    /** The action that it belongs to. */
    action_id: Integer | null;
    /** When it began. */
    start_time: string | null;
    /** When it ended. */
    finish_time: string | null;
    /** `Success` or `Error`; null while it lasts. */
    result: string | null;
    /** The printed frames of the failure. */
    traceback: string | null;
    /** Where it happened. Hibiscus only. */
    host: string | null;
    /** What may be shown of the failure. Hibiscus only. */
    details: string | null;
    /** When the row was inserted. */
    created_at: string | null;
    /** When it last changed. */
    updated_at: string | null;
    /** When it was marked as deleted. */
    deleted_at: string | null;
    /** Is it marked as deleted? */
    deleted: boolean;
}

/** One message as oslo.messaging sends it. */
export interface Notification {
    /** A random UUID. */
    message_id: string;
    /** Who speaks. */
    publisher_id: string;
    /** What happened, such as `compute.instance.exists`. */
    event_type: string;
    /** How urgent it is. */
    priority: "INFO" | "ERROR";
    /** What it is about. */
    payload: Document;
    /** When it was made, UTC, the way Python prints it. */
    timestamp: string;
}

/** How far an audit has come. */
export interface AuditProgress {
    /** How many instances have been told of, failed ones included. */
    instances: number;
    /** How many there are. */
    num_instances: number;
    /** How many notifications were sent. */
    notifications: number;
    /** How many instances count as an error so far. */
    failures: number;
}

/** What an audit did. */
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
    /** What stands in the task log. */
    message: string;
}

/** An instance that could not be audited. */
export interface AuditFailure {
    /** Its UUID; null where even that could not be read. */
    instance_uuid: string | null;
    /** Why. */
    error: NovaError;
}

/** An error under the name that Nova gives it. */
export class NovaError extends Error {
    /**
     * Nova's exception name where Nova raises one (`DevicePathInUse`), Python's where Nova lets one out (`ValueError`),
     * or the code or name of what the host threw.
     */
    readonly code: string;
    /** The callback of the host that failed, such as `taskLogGet`; nothing where none is to blame. */
    readonly callback: string | undefined;
    /** What the host threw. */
    readonly cause?: unknown;
    /** What the body of `reportEvent` threw, where closing its events failed too. */
    readonly body?: unknown;
    constructor(code: string, message: string, options?: { callback?: string | undefined; cause?: unknown });
}

/**
 * Beyond Nova: `existsNdjson` as a Web stream, for what does not fit in memory. Bytes of NDJSON in, in chunks of any
 * length; bytes of NDJSON out, chunk by chunk, with back-pressure. What is held is one chunk and the line that is not
 * whole yet.
 *
 * ```js
 * await file.stream().pipeThrough(existsNdjsonStream({ release: "hibiscus", host: "cmp-01" })).pipeTo(sink);
 * ```
 */
export function existsNdjsonStream(options: ExistsNdjsonOptions): TransformStream<Uint8Array, Uint8Array>;
