import type {
    AuditCheckpoint,
    BwUsage,
    InstanceAction,
    InstanceActionEvent,
    InstanceFaultValues,
    Integer,
    TaskLog,
    TaskLogKey,
} from "nova-compute-utils";

import { compareStrings } from "./store.js";

/** The columns of every table. Timestamps are strings of the form `YYYY-MM-DDTHH:MM:SS.ffffff`. */
export interface Columns {
    /** The number of the row, counted from 1. */
    id: number;
    /** When the row was inserted; null if an imported row does not say it. */
    created_at: string | null;
    /** When the row last changed; null if it never did. */
    updated_at: string | null;
    /** When the row was soft-deleted. Only imported rows are, because these hosts delete no row. */
    deleted_at: string | null;
    /** 0, or the `id` of a soft-deleted row. */
    deleted: number;
}

/** A row of `task_log`. */
export type TaskLogRow = Columns & TaskLog;

/** A row of `audit_checkpoints`, which is not a table of Nova: the last checkpoint of an audit. */
export interface AuditCheckpointRow extends Columns, TaskLogKey {
    checkpoint: AuditCheckpoint;
}

/** A row of `instance_actions`. */
export type InstanceActionRow = Columns & Omit<InstanceAction, keyof Columns>;

/** A row of `instance_actions_events`. */
export type InstanceActionEventRow = Columns & Omit<InstanceActionEvent, keyof Columns>;

/** A row of `instance_faults`. */
export interface InstanceFaultRow extends Columns, Pick<InstanceFaultValues, "instance_uuid"> {
    /** An HTTP-like status code. */
    code: Integer;
    /** The message for tenants. */
    message: string | null;
    /** The details for administrators, such as a traceback. */
    details: string | null;
    /** The compute host. */
    host: string | null;
}

/** A row of `bw_usage_cache`: the traffic of a vif in a period, in bytes. */
export interface BwUsageCacheRow extends Columns, BwUsage {
    /** When the counters were read. */
    last_refreshed: string | null;
    /** The hypervisor's counter of received bytes at `last_refreshed`. */
    last_ctr_in: Integer | null;
    /** The hypervisor's counter of sent bytes at `last_refreshed`. */
    last_ctr_out: Integer | null;
}

/** A counter of a volume: read requests, bytes read, write requests, or bytes written. */
export type VolumeCounter = "reads" | "read_bytes" | "writes" | "write_bytes";

/** A row of `volume_usage_cache`: the current counters of a volume (`curr_`) and the totals before them (`tot_`). */
export interface VolumeUsageCacheRow extends Columns, Record<`${"curr" | "tot"}_${VolumeCounter}`, Integer> {
    /** The volume. */
    volume_id: string;
    /** The instance that the volume is attached to. */
    instance_uuid: string | null;
    /** The project of that instance. */
    project_id: string | null;
    /** The user of that instance. */
    user_id: string | null;
    /** The availability zone of the volume. */
    availability_zone: string | null;
    /** The time of the last update with `update_totals`. */
    tot_last_refreshed: string | null;
    /** The time of the last update without `update_totals`. */
    curr_last_refreshed: string | null;
}

/** The columns that are particular to a table. */
export type Values<Row> = Omit<Row, keyof Columns>;

/** Returns whether a row is not soft-deleted. */
export function isLive({ deleted }: Columns): boolean {
    return deleted === 0;
}

/** Orders rows by `created_at` and `id`, newest first, as Nova lists actions, events and faults. */
export function newestFirst(one: Columns, other: Columns): number {
    return compareStrings(other.created_at ?? "", one.created_at ?? "") || other.id - one.id;
}

/** Returns the common columns of a row that is inserted now; the store adds the `id`. */
export function insertedAt(now: string): Omit<Columns, "id"> {
    return { created_at: now, updated_at: null, deleted_at: null, deleted: 0 };
}

/**
 * Returns the row with some columns changed. Sets `updated_at` to `now`, unless no column differs or the change
 * itself sets another `updated_at`. Nova: the column's `onupdate` in SQLAlchemy.
 */
export function changedAt<Row extends Columns>(now: string, row: Row, change: Partial<Row>): Row {
    const changed = { ...row, ...change };
    const columns = Object.keys(changed) as (keyof Row)[];
    const differs = columns.some((column) => changed[column] !== row[column]);
    return differs && changed.updated_at === row.updated_at ? { ...changed, updated_at: now } : changed;
}
