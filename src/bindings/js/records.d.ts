/** Which Nova release to reproduce: 2013.1 or 34.0.0 (2026.2). */
export type Release = "grizzly" | "hibiscus";

/** Which notifications to emit: those with a flat payload, those with a `nova_object.*` envelope, or one of each. */
export type NotificationFormat = "unversioned" | "versioned" | "both";

/** How an audit makes the ids of its notifications: random UUIDs, as in Nova, or those of `deterministicMessageId`. */
export type MessageIds = "random" | "deterministic";

/** What `usagesBy` groups instances by. */
export type UsageKey = "project" | "flavor" | "host" | "availability_zone";

/** One window of a period. It begins when the previous window ends. */
export interface Window {
    /** The begin, which belongs to the window. */
    begin: string;
    /** The end, which does not belong to the window. */
    end: string;
}

/**
 * The request context: the part of Nova's `RequestContext` that the library reads. User and project are null in
 * periodic tasks.
 */
export interface Context {
    /** The user who sent the request. */
    user_id: string | null;
    /** The project of that user. */
    project_id: string | null;
    /** The request: `req-` and a UUID. */
    request_id: string | null;
    /** When the request began. */
    timestamp: string | null;
    /**
     * The base of the image URLs in unversioned payloads, without a trailing slash. When null, the payload has the bare
     * image reference, as in Nova.
     */
    glance_endpoint: string | null;
}

/** The parts of a device name. */
export interface DeviceMatch {
    /** The prefix, such as `/dev/vd`. */
    prefix: string;
    /** The letter or letters, such as `b`. */
    suffix: string;
}

/** The result of `defaultDeviceNamesForInstance`. */
export interface DefaultDeviceNames {
    /** The devices that got a name, in the order in which Nova names and saves them. */
    named: NamedDevice[];
    /**
     * The error that stopped the naming; null when all devices have a name. The devices in `named` keep their names.
     */
    stopped: NovaError | null;
}

/** A device that got a name. */
export interface NamedDevice {
    /** The index of its list, from 0. */
    list_index: number;
    /** Its index in that list, from 0. */
    index: number;
    /** Its name. */
    device_name: string;
}

/** Why a device gets its name. */
export interface Explanation {
    /** The name; null when the device gets none. */
    device_name: string | null;
    /** The error when the device gets no name; otherwise null. */
    error: NovaError | null;
    /** The prefix of the name. */
    prefix: string;
    /**
     * The origin of the prefix: the root device of the instance; Nova's default root device, `/dev/sda1`, because the
     * instance has no root device name; or the Xen driver, whose devices all have the prefix `/dev/xvd`.
     */
    prefix_from: "root_device" | "default_root_device" | "xen_driver";
    /** The requested prefix when `prefix` replaces it; otherwise null. */
    replaced_prefix: string | null;
    /** The requested letters. */
    requested_letter: string | null;
    /** The letters that are taken. A letter may occur several times. */
    taken: TakenLetter[];
}

/** A letter that is taken. */
export interface TakenLetter {
    /** The letter; null for a device without a name, which counts toward the limit all the same. */
    letter: string | null;
    /** The name that contains the letter; null when no name does. */
    device_name: string | null;
    /**
     * The device that has the letter: the device of this role in the instance's mapping (`root`, `swap`, `ebs0`), the
     * name at this index of the list, from 0, or a disk that Xen adds for a flavor with `ephemeral_gb` or `swap`.
     */
    by: { role: string } | { place: number } | "xen_ephemeral_disk" | "xen_swap_disk";
}

/** The part of a failure that notifications and faults carry. */
export interface ExceptionDict {
    /** The name of the class. */
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
    /** The begin of the window. */
    period_beginning: string;
    /** The end of the window. */
    period_ending: string;
    /** The last message of the task. */
    message: string;
    /** How many items the task has to process. */
    task_items: Integer;
    /** How many of them failed. */
    errors: Integer;
}

/**
 * The progress of an audit that the conductor keeps, so that a later run can resume the audit. Nova has no such record.
 */
export interface AuditCheckpoint {
    /** The marker of the next page; null for the first page. */
    marker: string | null;
    /** Whether every page is audited, so that only the task log row is unfinished. */
    complete: boolean;
    /** Whether the pages are those of a retry of the failed instances, whose audit is finished. */
    retrying: boolean;
    /** How many instances the audit has. */
    num_instances: Integer;
    /** How many instances were audited so far, failed ones included. */
    instances: Integer;
    /** How many notifications were sent so far. */
    notifications: Integer;
    /** The instances that failed so far. */
    failures: FailedInstance[];
    /** How many seconds the runs of the audit took so far. */
    seconds: number;
    /** The settings of the audit. A run with other settings cannot resume it. */
    settings: string;
    /** The position that the notifier returned for the end of the last page. */
    notifier_position: string | null;
}

/** An instance that an audit could not process. */
export interface FailedInstance {
    /** Its UUID; null when the UUID could not be read either. */
    instance_uuid: string | null;
    /** The number of its row, if the host has given it; else null. */
    instance_id: Integer | null;
    /** The event types of its notifications that were sent. */
    sent: string[];
    /** Why it could not be processed. */
    error: ErrorRecord;
}

/** An error as data, which a host can store. */
export interface ErrorRecord {
    /** A stable name for programs. */
    code: string;
    /** One line for people. */
    message: string;
    /** The keyword arguments of Nova's exception; absent when it has none. */
    arguments?: Document;
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
    /** The message for tenants. */
    message: string;
    /** The details for administrators. */
    details: string;
    /** The compute host. */
    host: string;
}

/** The values of a new row of the table `instance_actions`. */
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

/** The values that finish a row of the table `instance_actions`. */
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

/** The values of a new row of the table `instance_actions_events`, and the instance and request of its action. */
export interface ActionEventStartValues {
    /** The step, such as `compute_reboot_instance`. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request. */
    request_id: string | null;
    /** The current time. */
    start_time: string;
    /** The host that runs the step. `hibiscus` only. */
    host: string | null;
}

/**
 * The values that finish a row of the table `instance_actions_events`. A field that is null leaves its column
 * unchanged.
 */
export interface ActionEventFinishValues {
    /** The step. */
    event: string;
    /** The instance. */
    instance_uuid: string;
    /** The request. */
    request_id: string | null;
    /** The current time. */
    finish_time: string;
    /** `Success` or `Error`. */
    result: string;
    /** The text of the failure; no column holds it. `grizzly` only. */
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
    /** When the row last changed. */
    updated_at: string | null;
    /** When the row was marked as deleted. */
    deleted_at: string | null;
    /** Whether the row is marked as deleted. */
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
    /** When the step began. */
    start_time: string | null;
    /** When the step finished. */
    finish_time: string | null;
    /** `Success` or `Error`; null until the step finishes. */
    result: string | null;
    /** The formatted stack frames of the failure. */
    traceback: string | null;
    /** The host that ran the step. `hibiscus` only. */
    host: string | null;
    /** The part of the failure that tenants may see. `hibiscus` only. */
    details: string | null;
    /** When the row was inserted. */
    created_at: string | null;
    /** When the row last changed. */
    updated_at: string | null;
    /** When the row was marked as deleted. */
    deleted_at: string | null;
    /** Whether the row is marked as deleted. */
    deleted: boolean;
}

/** One notification, with the fields of oslo.messaging's message. */
export interface Notification {
    /** A UUID: random, or deterministic in an audit with the `messageIds` `deterministic`. */
    message_id: string;
    /**
     * The service and host that emit it: `compute.<host>`, `nova-compute:<host>` in versioned notifications, or
     * `conductor.<host>` in the `volume.usage` of `grizzly`.
     */
    publisher_id: string;
    /** The event type, such as `compute.instance.exists`. */
    event_type: string;
    /** The priority. */
    priority: "INFO" | "ERROR";
    /** The payload. */
    payload: Document;
    /**
     * When the notification was made, in UTC, in the format of Python's `str(datetime)`: `YYYY-MM-DD HH:MM:SS`,
     * followed by `.ffffff` unless that is zero.
     */
    timestamp: string;
    /** Whether the payload has a `nova_object.*` envelope. The wire does not carry this field. */
    versioned: boolean;
}

/** The progress of a running audit. */
export interface AuditProgress {
    /** How many instances were audited so far, failed ones included. */
    instances: number;
    /** How many instances the audit has. */
    num_instances: number;
    /** How many notifications were sent. */
    notifications: number;
    /** How many instances failed so far. */
    failures: number;
}

/** The result of an audit. */
export interface AuditReport {
    /** The compute host. */
    host: string;
    /** The window. */
    window: Window;
    /** How many instances were audited, failed ones included. */
    instances: number;
    /** How many notifications were sent. */
    notifications: number;
    /** The instances that count as errors in the task log. */
    failures: AuditFailure[];
    /** The message in the task log. */
    message: string;
}

/** An instance that could not be audited. */
export interface AuditFailure {
    /** Its UUID; null when the UUID could not be read either. */
    instance_uuid: string | null;
    /** The number of its row, if the host has given it; else null. */
    instance_id: Integer | null;
    /** The event types of its notifications that were sent. */
    sent: string[];
    /** Why it could not be audited. */
    error: NovaError;
}

/** The answer of Nova's API `os-instance_usage_audit_log` for one window. */
export interface AuditTaskLogs {
    /** The begin of the window, as Python's `str(datetime)`: `YYYY-MM-DD HH:MM:SS`. */
    period_beginning: string;
    /** The end of the window, in the same format. */
    period_ending: string;
    /** How many hosts have a compute service. */
    num_hosts: number;
    /** How many hosts have a `DONE` row, hosts without a service included. */
    num_hosts_done: number;
    /** How many hosts have a `RUNNING` row, hosts without a service included. */
    num_hosts_running: number;
    /** How many hosts with a service have no row. */
    num_hosts_not_run: number;
    /** These hosts, in order of their names. Nova returns them in no order. */
    hosts_not_run: string[];
    /** The sum of `task_items` of the rows. */
    total_instances: Integer;
    /** The sum of `errors` of the rows. */
    total_errors: Integer;
    /** Nova's summary, such as `7 of 8 hosts done. 2 errors.`. */
    overall_status: string;
    /** The row of each host; the last one of several. */
    log: Record<string, HostAuditLog>;
}

/** The task log row of a host in `AuditTaskLogs`. */
export interface HostAuditLog {
    /** `RUNNING` or `DONE`. */
    state: string;
    /** How many instances the audit has. */
    instances: Integer;
    /** How many of them failed. */
    errors: Integer;
    /** The last message of the audit. */
    message: string;
}

/**
 * The audit of one host in one window: `done`; done with `errors`; `running`; `other`, a row in a state that Nova does
 * not write; `not_run`, no row although the window is over; `not_due`, no row and the window is not over; `no_service`,
 * no row because the host has no compute service.
 */
export type CoverageState = "done" | "errors" | "running" | "other" | "not_run" | "not_due" | "no_service";

/**
 * The audits of many hosts in many windows. `states` and `rows` have one element per host and window:
 * `states[host * windows.length + window]`, where `host` and `window` are indexes of `hosts` and `windows`.
 */
export interface AuditCoverage {
    /** The windows, oldest first. */
    windows: WindowCoverage[];
    /** The hosts with a compute service in order of their names, then those that only have rows, in the same order. */
    hosts: string[];
    /** How many of `hosts`, from the first on, have a compute service. */
    num_hosts: number;
    /** The names of the states: `state_names[states[i]]`. */
    state_names: CoverageState[];
    /** The state of each host and window, as an index of `state_names`. */
    states: Uint8Array;
    /** The index in `taskLogs` of the row of each host and window, -1 without one. Of several rows, the last one. */
    rows: Int32Array;
    /** How often each state occurs, in the order of `state_names`. */
    state_counts: number[];
    /** How many audits are due: the number of hosts with a service times the number of windows that are over. */
    num_due: number;
    /** How many hosts have a window in the state `not_run`. */
    num_hosts_not_run: number;
    /** How many rows of the audit belong to no window of the coverage, such as those of another period. */
    num_other_rows: number;
}

/** A window of an `AuditCoverage`, with the numbers of Nova's `os-instance_usage_audit_log`. */
export interface WindowCoverage {
    /** The begin, which belongs to the window. */
    begin: string;
    /** The end, which does not belong to the window. */
    end: string;
    /** Whether the window is over, so that Nova audits it. */
    is_due: boolean;
    /** How many hosts have a `DONE` row, hosts without a service included. */
    num_hosts_done: number;
    /** How many hosts have a `RUNNING` row, hosts without a service included. */
    num_hosts_running: number;
    /** How many hosts with a service have no row. */
    num_hosts_not_run: number;
    /** The sum of `task_items` of the rows. */
    total_instances: Integer;
    /** The sum of `errors` of the rows. */
    total_errors: Integer;
    /** Nova's summary, such as `7 of 8 hosts done. 2 errors.`. */
    overall_status: string;
}

/** An error of the library or of its host. Its `code` is a stable name for programs. */
export class NovaError extends Error {
    /**
     * Nova's exception name where Nova raises one of its own (`DevicePathInUse`), the name of Python's exception where
     * Nova lets one through (`ValueError`), or the `code` or `name` of the value that the host threw.
     */
    readonly code: string;
    /** The keyword arguments of Nova's exception, such as `{ path: "/dev/vdb" }`; `{}` when it has none. */
    readonly arguments: Document;
    /** The callback of the host that failed, such as `taskLogGet`; undefined when no callback failed. */
    readonly callback: string | undefined;
    /** The value that the host threw. */
    readonly cause?: unknown;
    /** The value that the body of `reportEvent` threw, when its events could not be finished either. */
    readonly body?: unknown;
    constructor(
        code: string,
        message: string,
        options?: { arguments?: Document | undefined; callback?: string | undefined; cause?: unknown },
    );
}

/** The usage of a project in a period, as Nova's API `os-simple-tenant-usage` has it. */
export interface TenantUsage {
    /** The project; null for instances without one. */
    tenant_id: string | null;
    /** Its servers, in the order of the instances; null unless the usage is detailed. */
    server_usages: ServerUsage[] | null;
    /** The sum of gigabytes of local disk times hours. */
    total_local_gb_usage: number;
    /** The sum of vCPUs times hours. */
    total_vcpus_usage: number;
    /** The sum of megabytes of memory times hours. */
    total_memory_mb_usage: number;
    /** The sum of hours. */
    total_hours: number;
    /** The begin of the period. */
    start: string;
    /** The end of the period. */
    stop: string;
}

/** The usage of a server in a period. */
export interface ServerUsage {
    /** The hours in the period. */
    hours: number;
    /** The name of the flavor. */
    flavor: string | null;
    /** The UUID. */
    instance_id: string;
    /** The display name. */
    name: string | null;
    /** The project. */
    tenant_id: string | null;
    /** The memory in megabytes. */
    memory_mb: Integer;
    /** The root disk and the ephemeral disk, in gigabytes. */
    local_gb: Integer;
    /** The number of vCPUs. */
    vcpus: Integer;
    /** When the server was launched. */
    started_at: string;
    /** When the server was terminated. */
    ended_at: string | null;
    /** `terminated`, or `vm_state` while the server exists. */
    state: string | null;
    /** The seconds from the launch until the termination or until now, in the period or not. */
    uptime: Integer;
}

/** The usage of a group of instances in a window. */
export interface UsageGroup {
    /** The value that the instances share; null for instances without it. */
    key: string | null;
    /** How many servers were alive in the window. */
    servers: Integer;
    /** The sum of hours. */
    hours: number;
    /** The sum of vCPUs times hours. */
    vcpus_hours: number;
    /** The sum of megabytes of memory times hours. */
    memory_mb_hours: number;
    /** The sum of gigabytes of local disk times hours. */
    local_gb_hours: number;
}

/** One notification as it arrived from a bus. */
export interface ReceivedNotification {
    /** The unique id of the message. */
    message_id: string | null;
    /** The event, such as `compute.instance.exists` in the unversioned format and `instance.exists` in the versioned one. */
    event_type: string;
    /**
     * The publisher, such as `compute.cmp-01` in the unversioned format and `nova-compute:cmp-01` in the versioned one.
     */
    publisher_id: string | null;
    /** The service of the publisher: the part before its first `.` or `:`; null when it has neither. */
    service: string | null;
    /** The host of the publisher: the part after its first `.` or `:`, which can contain both. */
    host: string | null;
    /** The priority in upper case, such as `INFO`. */
    priority: string | null;
    /** When the notification was made. */
    timestamp: string | null;
    /** The request of the request context: `req-` and a UUID. */
    request_id: string | null;
    /** The user of the request context. */
    user_id: string | null;
    /** The project of the request context. */
    project_id: string | null;
    /** The format of the payload: any JSON value, or an object in a `nova_object.*` envelope. */
    format: "unversioned" | { versioned: { name: string; version: string } };
    /** The JSON text of the payload, as received. */
    payload: string;
    /**
     * The members of the payload that the instance notifications of both formats have; null when the event is not one of
     * an instance. These events begin with `compute.instance.` in the unversioned format and with `instance.` in the
     * versioned one.
     */
    instance: NotifiedInstance | null;
}

/** An instance, as a notification reports it in either format. */
export interface NotifiedInstance {
    /** The UUID. Unversioned: `instance_id`. */
    uuid: string;
    /** The project. Both formats: `tenant_id`. */
    project_id: string | null;
    /** The user. */
    user_id: string | null;
    /** The name that the user gave. */
    display_name: string | null;
    /** The state, such as `active`. */
    state: string | null;
    /** The id of the flavor in the API. Unversioned: `instance_flavor_id`, `hibiscus` only. Versioned: `flavor.flavorid`. */
    flavor_id: string | null;
    /** The name of the flavor. Unversioned: `instance_type`. Versioned: `flavor.name`. */
    flavor_name: string | null;
    /** The memory, in MiB. */
    memory_mb: Integer | null;
    /** The number of virtual CPUs. */
    vcpus: Integer | null;
    /** The size of the root disk, in GiB. */
    root_gb: Integer | null;
    /** The size of the ephemeral disks, in GiB. */
    ephemeral_gb: Integer | null;
    /** The size of the swap disk, in MiB. Versioned only. */
    swap_mb: Integer | null;
    /** The compute host. */
    host: string | null;
    /** The hypervisor. */
    node: string | null;
    /** The availability zone. */
    availability_zone: string | null;
    /** When the instance was created. */
    created_at: string | null;
    /** When the instance was launched. */
    launched_at: string | null;
    /** When the instance was deleted. In `grizzly` this is the time of its termination. */
    deleted_at: string | null;
    /** When the instance was terminated. `hibiscus` only. */
    terminated_at: string | null;
    /** The audit window. */
    audit_period: Window | null;
    /** The properties of the image. Unversioned only. */
    image_meta: Value;
    /** The metadata. A list of rows with `key` and `value` counts as their mapping. */
    metadata: Document | null;
}

/**
 * Returns `existsNdjson` as a Web stream, for input that does not fit in memory. Nova has no such function.
 *
 * The stream reads and writes the text of NDJSON in chunks of any length, with back-pressure. It holds one chunk and
 * the incomplete last line in memory.
 *
 * ```js
 * const stream = existsNdjsonStream({ release: "hibiscus", host: "cmp-01", windows, timestamp });
 * const text = file.stream().pipeThrough(new TextDecoderStream());
 * await text.pipeThrough(stream).pipeThrough(new TextEncoderStream()).pipeTo(sink);
 * ```
 */
export function existsNdjsonStream(options: ExistsNdjsonOptions): TransformStream<string, string>;

/** Returns `hoursNdjson` as a Web stream, like `existsNdjsonStream`. */
export function hoursNdjsonStream(options: HoursNdjsonOptions): TransformStream<string, string>;

/** What winchester emits about an `exists`. */
export interface Judgement {
    /**
     * `verified` when the `exists` agrees with the notifications before it, `failed` when it disagrees or is missing,
     * `warnings` when the `exists` that is judged next, or one before it, covers no whole day.
     */
    verdict: "verified" | "failed" | "warnings";
    /** The message id of the `exists`; null when the `exists` is missing or has none. */
    exists: string | null;
    /**
     * The message id of winchester's `compute.instance.exists.verified` or `.failed`: the version 5 UUID of the namespace
     * `exists` and the name of that event. Null for warnings, and when `exists` is not a UUID.
     */
    message_id: string | null;
    /** The code of a failure. */
    code: "U0" | "U1" | "U2" | "U3" | "U4" | "U5" | "U6" | "U7" | "U8" | null;
    /** The message of a failure. */
    error: string | null;
    /** All warnings up to this `exists`, separated by `, `. */
    warnings: string | null;
}

/**
 * The result of comparing what Nova should have emitted with what was received.
 *
 * - `equal`: the notification was received once, with the expected content;
 * - `missing`: it was not received;
 * - `doubled`: it was received under several message ids, with the expected content;
 * - `different`: a notification has another content than expected;
 * - `unexpected`: a notification was received for a server that does not exist, or was not alive in the window;
 * - `other_window`: a notification is for another window, which is no error.
 */
export type Verdict = "equal" | "missing" | "doubled" | "different" | "unexpected" | "other_window";

/** The reconciliation of an instance. */
export interface Reconciliation {
    /** The UUID of the instance. */
    instance_uuid: string;
    /** Its project; for an unknown server that of its notifications. */
    project_id: string | null;
    /** Its hours in the window according to the database; zero for an unknown server. They are those of `hoursFor`. */
    hours: number;
    /**
     * The findings per format, the unversioned one first. For each format: `missing`, or one finding for all notifications
     * with the expected content and one for all notifications with the same other content; one `unexpected` per
     * notification when Nova should have emitted none; and one `other_window` per notification for another window.
     */
    findings: Finding[];
}

/** What was found about the notifications of an instance in one format. */
export interface Finding {
    /** The verdict. */
    verdict: Verdict;
    /** `compute.instance.exists` or `instance.exists`. */
    event_type: string;
    /** The ids of the notifications that the verdict is about, in order. Those without an id are not in the list. */
    message_ids: string[];
    /** The fields that differ: of `different` only. */
    fields: FieldDifference[];
    /** The window of the notification: of `other_window` only. */
    window: Window | null;
    /**
     * The hours at stake: those of the instance in the window, once for each copy too many of `doubled`. Of `unexpected`
     * and `other_window` the hours that the notification itself claims.
     */
    hours: number;
}

/** A field whose values differ. */
export interface FieldDifference {
    /**
     * The path of the field, with dots: `state`, `image_meta.os_distro`, `fixed_ips.0.address`. It leaves out the
     * `nova_object.data` of versioned payloads: `flavor.vcpus`.
     */
    field: string;
    /** The value that Nova should have emitted; absent when the field should be absent. */
    expected?: Value;
    /** The value that was received; absent when the field was absent. */
    received?: Value;
}

/** The parsed result of `reconcileTotals`. */
export type ReconcileTotals = {
    /** The number of reconciliations. */
    instances: number;
    /** The number of lines that have an error. */
    errors: number;
} & Record<Verdict, VerdictTotal>;

/** How many findings have a verdict, and their hours. */
export interface VerdictTotal {
    /** The number of findings. */
    count: number;
    /** The sum of the hours of the findings. */
    hours: number;
    /** The same as whole microseconds, which a `number` may round: add up the text, not the parsed totals. */
    microseconds: number;
}

/** Returns `verifyNdjson` as a Web stream, like `existsNdjsonStream`. */
export function verifyNdjsonStream(options?: VerifyNdjsonOptions | null): TransformStream<string, string>;

/** Returns `reconcileNdjson` as a Web stream, like `existsNdjsonStream`. */
export function reconcileNdjsonStream(options: ReconcileNdjsonOptions): TransformStream<string, string>;
