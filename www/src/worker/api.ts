// The types of everything that crosses the border between the page and the worker. The page holds no table: it asks for
// what it draws. Long work is a job: its call returns a job id at once, and the job's state arrives as events.
//
// Timestamps are strings of the form `YYYY-MM-DDTHH:MM:SS.ffffff` in UTC, as in Nova's tables, or null.

import type {
    AuditProgress,
    Document,
    Explanation,
    GetDeviceNameForInstanceOptions,
    Integer,
    NotificationFormat,
    Release,
    TakenLetter,
    TaskLog,
    Value,
    Window,
} from "nova-compute-utils";

export type { Document, Explanation, Integer, NotificationFormat, Release, TakenLetter, TaskLog, Value, Window };

/** An error as the page shows it. The worker throws it; `lib/client.ts` restores it. */
export interface Problem {
    /** A stable name: that of a `NovaError`, of a DOM exception, or one of the console's. */
    code: string;
    /** One line for people. */
    message: string;
    /** The error behind this one; null when there is none. */
    cause: string | null;
    /** What to do about it; null when the message says it. */
    remedy: string | null;
}

// ---------------------------------------------------------------- storage and cells

/** Where the tables are. */
export interface StorageState {
    /** `memory` when the browser refuses IndexedDB, has no room, or the user chose it. */
    kind: "indexeddb" | "memory";
    /** Why the tables are in memory; null with IndexedDB. */
    reason: string | null;
    /** Whether the browser promised to keep the data. */
    persisted: boolean;
    /** The bytes in use and available, as the browser estimates them; null when it does not say. */
    usage: number | null;
    quota: number | null;
}

/** The tables of a cell that can be counted, exported and read by pages. */
export const TABLES = [
    "instances",
    "services",
    "task_log",
    "instance_actions",
    "instance_actions_events",
    "instance_faults",
    "bw_usage_cache",
    "volume_usage_cache",
    "notifications",
] as const;
export type Table = (typeof TABLES)[number];

/** A cell. The header offers all of them. */
export interface CellInfo {
    /** The name of the first file that it came from, made unique: so a link to a cell that is not here names the file. */
    name: string;
    /** The release that the import was asked to assume. The address may choose another. */
    release: Release;
    /** How many rows each table has. */
    tables: Record<Table, number>;
    /** Whether the cell is lost with the page. */
    in_memory: boolean;
    /** The period and range that the header of a cell file suggests; null otherwise. */
    period: string | null;
    from: string | null;
    to: string | null;
    /** The time of the copy, used as the clock of this cell; null: the clock of the machine. */
    now: string | null;
    /** The base of the image URLs in payloads, without a trailing slash; null: payloads have the bare image reference. */
    glance_endpoint: string | null;
    imports: ImportRecord[];
}

/** What the user may change of a cell. */
export type CellSettings = Pick<CellInfo, "release" | "period" | "from" | "to" | "now" | "glance_endpoint">;

/** One finished import of a cell. */
export interface ImportRecord {
    id: string;
    /** The name of the file, or `pasted text`. Untrusted text. */
    source: string;
    kind: SourceKind;
    bytes: number;
    at: string;
    rows: Partial<Record<Table, number>>;
    /** How many lines, rows or fields could not be read. */
    unreadable: number;
    /** Whether the user cancelled it and kept the whole batches. */
    cancelled: boolean;
    /** What the reader must know, such as rows that are still in `-wal`. */
    notes: string[];
}

// ---------------------------------------------------------------- import and export

/** What the inside of a source looks like. */
export type SourceKind = "sqlite" | "cell" | "instances-ndjson" | "instances-json";

/** The result of looking inside a source. */
export interface SourceInfo {
    kind: SourceKind | null;
    /** Whether it is compressed by gzip. */
    gzip: boolean;
    bytes: number;
    /** The cell that a cell file names; otherwise null. */
    cell: string | null;
    /** Notes, such as that what is still in `-wal` is not seen. */
    notes: string[];
    /** Why it cannot be imported: what was expected, what was found; null when it can. */
    problem: Problem | null;
    /** Whether the estimated room is enough; null when the browser does not say. */
    fits: boolean | null;
}

export interface ImportSource {
    name: string;
    blob: Blob;
}

export interface ImportRequest {
    sources: ImportSource[];
    /** Whether all sources go into one new cell, named after the first; otherwise each gets a new cell of its own. */
    together: boolean;
    release: Release;
}

/** A line, row or field that an import could not read. */
export interface Unreadable {
    /** The line of the file, counted from 1, or the id of the row; null when it is unknown. */
    line: number | null;
    /** The table of a database or cell file; otherwise null. */
    table: string | null;
    reason: string;
    /** The text, or what names the row, cut at `LIMITS.unreadableText` characters. Untrusted. */
    text: string;
}

export type ExportWhat =
    | { kind: "table"; table: Table }
    /** The servers that a query finds, with the columns of the view in CSV and whole documents in NDJSON. */
    | { kind: "servers"; query: ServerQuery }
    /** The windows view: one row per host and window. */
    | { kind: "windows"; query: CoverageQuery }
    /** One NDJSON file that the console reads back. */
    | { kind: "cell" };

export interface ExportRequest {
    cell: string;
    what: ExportWhat;
    format: "csv" | "ndjson";
    gzip?: boolean;
}

/** The limits against hostile input. `www/README.md` lists them. */
export const LIMITS = {
    /** Characters in one line of NDJSON or one element of a JSON list. A longer one is unreadable; its start is kept. */
    lineChars: 8 * 1024 * 1024,
    /** Nesting of JSON. */
    depth: 64,
    /** Bytes that one compressed source may unpack to. */
    unpackedBytes: 16 * 1024 ** 3,
    /** Unpacked bytes per compressed byte, checked after the first 64 MiB. */
    ratio: 200,
    /** Unreadable lines that an import keeps; it counts all of them. */
    unreadable: 1000,
    /** Characters of each of them. */
    unreadableText: 2000,
    /** Seconds that one query of a database may take. */
    statementSeconds: 60,
    /** Bytes of memory for SQLite. */
    databaseHeapBytes: 64 * 1024 ** 2,
    /** Bytes of one value or row of a database. */
    valueBytes: 16 * 1024 ** 2,
    /** Characters that may be pasted. */
    pasteChars: 64 * 1024 * 1024,
} as const;

// ---------------------------------------------------------------- jobs and events

export type JobId = string;

/** A long piece of work. */
export interface Job {
    id: JobId;
    kind: "import" | "export" | "audit" | "clear";
    /** The cell; null until an import has chosen its name. */
    cell: string | null;
    /** What it works on, such as a file name or `17 windows of 3 hosts`. Untrusted text. */
    title: string;
    state: "running" | "done" | "failed" | "cancelled";
    /** How much is done, of how much (null: unknown), in which unit. */
    done: number;
    total: number | null;
    unit: "bytes" | "rows" | "servers" | "windows";
    /** A second number, such as `12 unreadable`; null when there is none. */
    detail: string | null;
    /** Why it failed; otherwise null. */
    problem: Problem | null;
    /** The finished import, the exported file, or the reports of the audit; null before the end. */
    result: JobResult | null;
}

export type JobResult =
    | { kind: "import"; cells: string[]; imports: ImportRecord[] }
    | { kind: "export"; name: string; blob: Blob; rows: number }
    | { kind: "audit"; outcomes: AuditOutcome[] }
    | { kind: "clear" };

/** What the worker tells the page without being asked. */
export type ConsoleEvent =
    | { type: "storage"; storage: StorageState }
    /** Cells came, went or changed: every view of the cell asks again. `tables` lists what changed. */
    | { type: "cells"; cells: CellInfo[]; changed: { cell: string; tables: Table[] } | null }
    | { type: "job"; job: Job };

// ---------------------------------------------------------------- windows

export interface CoverageQuery {
    release: Release;
    /** Such as `day@6`. */
    period: string;
    /** The earliest begin and the latest end. */
    from: string;
    to: string;
}

/** The states of a host and window, in the order of their numbers in `Coverage.states`. */
export const COVERAGE_STATES = ["done", "errors", "running", "never", "notdue"] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];

/** A window of all hosts, with the numbers of Nova's `os-instance_usage_audit_log`. */
export interface CoverageWindow extends Window {
    /** Whether the window is over, so that Nova audits it. */
    is_due: boolean;
    num_hosts_done: number;
    num_hosts_running: number;
    num_hosts_not_run: number;
    /** The sums of `task_items` and of `errors`. */
    total_instances: number;
    total_errors: number;
    /** Nova's summary, such as `7 of 8 hosts done. 2 errors.`. */
    overall_status: string;
}

/** Hosts × windows. The library computes every number. */
export interface Coverage {
    hosts: string[];
    windows: CoverageWindow[];
    /** hosts × windows, row by host: an index into `COVERAGE_STATES`. */
    states: Uint8Array;
    /** The error counts of the cells in state `errors`, in the same shape. */
    errors: Int32Array;
    /** How many servers of the host are active in the window, in the same shape; −1 until it is known. */
    servers: Int32Array;
    /** Since when each cell in state `running` runs; null when its row does not say. */
    running: { host: string; begin: string; since: string | null }[];
    totals: {
        /** The (host, window) pairs that are due. */
        due: number;
        states: Record<CoverageState, number>;
        /** The hosts with a window that nobody ran. */
        hosts_never: number;
        /** The servers that are in no report because of it, each counted once. */
        servers_never: number;
    };
    /** How many of `hosts`, from the first on, have a compute service or servers; the others only have rows. */
    known_hosts: number;
    /** How many rows of the task log belong to no window of the query, such as those of another period. */
    other_rows: number;
    /** The clock that `not due` was decided by. */
    now: string;
}

/** Everything about one host and window. */
export interface CoverageCell {
    host: string;
    window: Window;
    state: CoverageState;
    /** Since when it runs; null when it does not run or the row does not say. */
    since: string | null;
    /** The row of the task log; null when there is none. */
    task_log: (TaskLog & { id: number; created_at: string | null; updated_at: string | null }) | null;
    /** The servers of the host that are active in the window, in key order. */
    servers: { total: number; first: ServerRow[] };
    /** The `compute.instance.exists` of this host and window among the cell's notifications. */
    notifications: { total: number; expected: number };
    /** How many of the first 1,000 servers have changed since the end of the window. */
    changed: number;
    /** The servers without a notification when the cell has notifications. */
    missing: ServerRow[];
}

/** Which missing windows to audit. The clock of each audit is set just after its window. */
export interface AuditRequest {
    cell: string;
    release: Release;
    period: string;
    /** Nova's `[notifications] notification_format`; absent: `unversioned`, Nova's default. */
    notificationFormat?: NotificationFormat;
    pairs: { host: string; window: Window }[];
}

/** What became of one host and window. */
export interface AuditOutcome {
    host: string;
    window: Window;
    /** `already`: the task log had a row, so nothing was done. */
    outcome: "done" | "errors" | "already" | "cancelled" | "failed";
    progress: AuditProgress | null;
    /** The message that the task log has now. */
    message: string | null;
    problem: Problem | null;
}

// ---------------------------------------------------------------- servers

export const SERVER_COLUMNS = [
    "uuid",
    "name",
    "project_id",
    "host",
    "flavor",
    "vm_state",
    "launched_at",
    "terminated_at",
] as const;
export type ServerColumn = (typeof SERVER_COLUMNS)[number];

/** A row of the list of servers. An absent value is the empty string. All of it is untrusted text. */
export type ServerRow = Record<ServerColumn, string>;

export const FACETS = ["host", "project_id", "flavor", "vm_state"] as const;
export type Facet = (typeof FACETS)[number];

/** Which servers, in which order. */
export interface ServerQuery {
    /** Matches uuid, name, project, host and flavor, each word anywhere, without case. */
    text: string;
    /** The chosen values of each facet; an empty list means all. */
    facets: Record<Facet, string[]>;
    /** Only the servers that Nova counts as active in this window; null means all. */
    window: { begin: string; end: string } | null;
    sort: ServerColumn;
    descending: boolean;
}

export interface FacetValue {
    value: string;
    /** How many servers the query would find with this value, the other facets as they are. */
    count: number;
    chosen: boolean;
}

export interface ServerResult {
    /** How many servers the query finds, of how many. */
    found: number;
    total: number;
    /** The commonest values first, chosen ones always, at most 30. */
    facets: Record<Facet, { values: FacetValue[]; more: number }>;
}

/** One server. */
export interface ServerDetail {
    row: ServerRow;
    /** The whole document, as it was imported. Integers past 2^53 are `bigint`s. */
    document: Document;
    /** The rows of `block_device_mapping`. */
    block_devices: Document[];
    /** The hydrated vifs; null when the instance has no network info. */
    network: Document[] | null;
    counts: { actions: number; faults: number };
}

/** Which payload of a server. */
export interface PayloadRequest {
    release: Release;
    versioned: boolean;
    window: Window;
}

export interface Payload {
    request: PayloadRequest;
    /** Exactly the bytes that Nova would send, as text. */
    text: string;
    payload: Document;
}

/** The columns of `instance_actions`, and the events of the action, oldest first. */
export interface ActionRow {
    id: number;
    action: string | null;
    request_id: string | null;
    user_id: string | null;
    project_id: string | null;
    start_time: string | null;
    finish_time: string | null;
    message: string | null;
    updated_at: string | null;
    events: ActionEventRow[];
}

export interface ActionEventRow {
    id: number;
    event: string | null;
    start_time: string | null;
    finish_time: string | null;
    result: string | null;
    traceback: string | null;
    host: string | null;
    details: string | null;
}

export interface FaultRow {
    id: number;
    created_at: string | null;
    code: Integer;
    message: string | null;
    details: string | null;
    host: string | null;
}

/** The actions of a server, newest first, and its faults, newest first. */
export interface ServerActions {
    actions: ActionRow[];
    faults: FaultRow[];
}

// ---------------------------------------------------------------- devices

/** The answer to one wish for a device name, from `explainDeviceNameForInstance`. */
export interface DeviceAnswer {
    /** Null when Nova stops before it chooses a prefix, as at a malformed name. */
    explanation: Omit<Explanation, "error"> | null;
    /** Nova's error, with its message word for word; null when there is a name. */
    error: DeviceError | null;
    /** Where the wish or the root device is malformed; otherwise null. */
    malformed: Malformed | null;
    /** The names of the next volumes without a wish, one after the other: none when Nova refuses. */
    next: string[];
    /** Why Nova refuses without a wish; otherwise null. */
    next_error: DeviceError | null;
    buses: Bus[];
    /** The letters in use, as Nova counts them. */
    taken: TakenLetter[];
}

export interface DeviceError {
    code: string;
    message: string;
    arguments: Document;
}

/** A bus with its letters in order: `a` to `z` or further for the bus of new devices, otherwise those in use. */
export interface Bus {
    /** Such as `/dev/vd`. */
    prefix: string;
    /** Whether new devices come here. */
    is_new: boolean;
    /** The name after the last slot of the bus of new devices; otherwise null. */
    after: string | null;
    slots: Slot[];
}

export interface Slot {
    letter: string;
    name: string;
    /** The devices with this name. */
    taken: DeviceHolder[];
    /** The devices on other buses that have the letter. */
    held: DeviceHolder[];
}

export interface DeviceHolder {
    name: string;
    by: TakenLetter["by"];
}

/** A device name with the first character that no name has there: `before` + `character` + `after`. */
export interface Malformed {
    path: string;
    /** Whether it is the wish; otherwise it is the root device. */
    of_wish: boolean;
    before: string;
    /** Empty when the name ends too early. */
    character: string;
    after: string;
    /** What could stand there, such as `a digit`. */
    expected: string[];
}

// ---------------------------------------------------------------- the worker

/** What the worker offers. Every method may throw a `Problem`. */
export interface Api {
    /** Loads the module and opens the storage. `listener` gets every later event. Idempotent. */
    start(listener: (event: ConsoleEvent) => void): Promise<{ storage: StorageState; cells: CellInfo[] }>;
    storage(): Promise<StorageState>;
    /** Goes on in memory from here: what is in IndexedDB stays there and is not shown. */
    useMemory(): Promise<StorageState>;
    cells(): Promise<CellInfo[]>;
    removeCell(cell: string): Promise<void>;
    /** Changes what the console assumes of a cell, such as the image service's address, which no database has. */
    updateCell(cell: string, changes: Partial<CellSettings>): Promise<void>;
    /** Leaves no database and no cache behind, and empties the memory. The page ends the worker afterwards. */
    clearEverything(): Promise<void>;

    inspect(source: ImportSource): Promise<SourceInfo>;
    startImport(request: ImportRequest): Promise<JobId>;
    startExport(request: ExportRequest): Promise<JobId>;
    startAudit(request: AuditRequest): Promise<JobId>;
    /** `keep`: an import leaves its whole batches; otherwise nothing. Audits always keep whole windows. */
    cancel(job: JobId, keep: boolean): Promise<void>;
    jobs(): Promise<Job[]>;
    unreadable(cell: string, importId: string): Promise<Unreadable[]>;

    windowsBetween(query: CoverageQuery): Promise<Window[]>;
    coverage(cell: string, query: CoverageQuery): Promise<Coverage>;
    coverageCell(cell: string, query: CoverageQuery, host: string, begin: string): Promise<CoverageCell>;
    /** The servers of the hosts in windows that nobody ran, each once. */
    serversNever(cell: string, query: CoverageQuery): Promise<ServerRow[]>;

    searchServers(cell: string, query: ServerQuery): Promise<ServerResult>;
    /** The rows `from` (included) to `to` (excluded) of the result of a query, at most 500. */
    serverRows(cell: string, query: ServerQuery, from: number, to: number): Promise<ServerRow[]>;
    /** Where a server is in the result of a query; −1 when it is not. */
    serverPosition(cell: string, query: ServerQuery, uuid: string): Promise<number>;
    server(cell: string, uuid: string): Promise<ServerDetail>;
    payloads(cell: string, uuid: string, requests: PayloadRequest[]): Promise<Payload[]>;
    serverActions(cell: string, uuid: string): Promise<ServerActions>;

    /** The window that an audit at this time would be for. */
    lastCompletedWindow(release: Release, period: string, before: string | null): Promise<Window>;
    explainDevice(options: GetDeviceNameForInstanceOptions): Promise<DeviceAnswer>;
}

export const NO_FACETS: Record<Facet, string[]> = { host: [], project_id: [], flavor: [], vm_state: [] };
export const ALL_SERVERS: ServerQuery = { text: "", facets: NO_FACETS, window: null, sort: "name", descending: false };
