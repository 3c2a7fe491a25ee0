import type { BwUsage, InstanceAction, InstanceActionEvent, Integer, TaskLog } from "nova-compute-utils";

/** What every table of Nova's has. Moments are text, `YYYY-MM-DDTHH:MM:SS.ffffff`. */
export interface Columns {
    /** The number of the row: they count up from 1. */
    id: number;
    /** When it was inserted. */
    created_at: string;
    /** When it last changed. */
    updated_at: string | null;
    /** When it was deleted; these hosts delete no row. */
    deleted_at: string | null;
    /** 0 for a row that is not deleted. */
    deleted: number;
}

/** A row of `task_log`. */
export type TaskLogRow = Columns & TaskLog;

/** A row of `instance_actions`. */
export type InstanceActionRow = Columns & Omit<InstanceAction, keyof Columns>;

/** A row of `instance_actions_events`. */
export type InstanceActionEventRow = Columns & Omit<InstanceActionEvent, keyof Columns>;

/** A row of `instance_faults`. */
export interface InstanceFaultRow extends Columns {
    /** The instance. */
    instance_uuid: string;
    /** Like the codes of HTTP. */
    code: Integer;
    /** One line. */
    message: string | null;
    /** The traceback, or more text. */
    details: string | null;
    /** Where it happened. */
    host: string | null;
}

/** A row of `bw_usage_cache`: the traffic of an interface in a period, in bytes. */
export interface BwUsageCacheRow extends Columns, BwUsage {
    /** The interface. */
    mac: string;
    /** When the counters were read. */
    last_refreshed: string;
    /** What the interface's own counter of received bytes read. */
    last_ctr_in: Integer | null;
    /** Likewise, sent. */
    last_ctr_out: Integer | null;
}

/** A row of `volume_usage_cache`: the counters of a volume, as of now (`curr_`) and summed up before (`tot_`). */
export interface VolumeUsageCacheRow extends Columns {
    /** The volume. */
    volume_id: string;
    /** The instance that it is attached to. */
    instance_uuid: string | null;
    /** The project of that instance. */
    project_id: string | null;
    /** The user of that instance. */
    user_id: string | null;
    /** Where it is. */
    availability_zone: string | null;
    /** When the sums grew. */
    tot_last_refreshed: string | null;
    /** Requests to read. */
    tot_reads: Integer;
    /** Bytes read. */
    tot_read_bytes: Integer;
    /** Requests to write. */
    tot_writes: Integer;
    /** Bytes written. */
    tot_write_bytes: Integer;
    /** When the counters were read. */
    curr_last_refreshed: string | null;
    /** Requests to read, since the sum. */
    curr_reads: Integer;
    /** Bytes read, since the sum. */
    curr_read_bytes: Integer;
    /** Requests to write, since the sum. */
    curr_writes: Integer;
    /** Bytes written, since the sum. */
    curr_write_bytes: Integer;
}

/** A row without what the store and the clock put in. */
export type Values<Row> = Omit<Row, keyof Columns>;

/** What a row holds of its own when it is inserted. */
export function inserted(now: string): Omit<Columns, "id"> {
    return { created_at: now, updated_at: null, deleted_at: null, deleted: 0 };
}

/** The row with a change, and when it changed, unless the change says so itself or changes nothing. */
export function changed<Row extends Columns>(row: Row, change: Partial<Row>, now: string): Row {
    const after = { ...row, ...change };
    const columns = Object.keys(after) as (keyof Row)[];
    const differs = columns.some((column) => after[column] !== row[column]);
    return differs && after.updated_at === row.updated_at ? { ...after, updated_at: now } : after;
}
