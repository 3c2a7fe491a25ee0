import type { TableName } from "./store.js";

/**
 * The type of a column: a string, a string that only people read, an integer of up to 64 bits, an integer that is 0 for
 * null, or a timestamp.
 */
export type ColumnType = "text" | "longText" | "integer" | "counter" | "timestamp";

/** The name of a table of Nova with numbered rows. */
export type NovaTable = Exclude<TableName, "audit_checkpoints">;

const COMMON = {
    id: "integer",
    created_at: "timestamp",
    updated_at: "timestamp",
    deleted_at: "timestamp",
    deleted: "counter",
} as const;

/** The columns of each table of Nova, and their types. */
export const COLUMNS = {
    task_log: {
        ...COMMON,
        task_name: "text",
        state: "text",
        host: "text",
        period_beginning: "timestamp",
        period_ending: "timestamp",
        message: "text",
        task_items: "counter",
        errors: "counter",
    },
    instance_actions: {
        ...COMMON,
        action: "text",
        instance_uuid: "text",
        request_id: "text",
        user_id: "text",
        project_id: "text",
        start_time: "timestamp",
        finish_time: "timestamp",
        message: "text",
    },
    instance_actions_events: {
        ...COMMON,
        event: "text",
        action_id: "integer",
        start_time: "timestamp",
        finish_time: "timestamp",
        result: "text",
        traceback: "longText",
        host: "text",
        details: "longText",
    },
    instance_faults: {
        ...COMMON,
        instance_uuid: "text",
        code: "integer",
        message: "text",
        details: "longText",
        host: "text",
    },
    bw_usage_cache: {
        ...COMMON,
        uuid: "text",
        mac: "text",
        start_period: "timestamp",
        last_refreshed: "timestamp",
        bw_in: "integer",
        bw_out: "integer",
        last_ctr_in: "integer",
        last_ctr_out: "integer",
    },
    volume_usage_cache: {
        ...COMMON,
        volume_id: "text",
        instance_uuid: "text",
        project_id: "text",
        user_id: "text",
        availability_zone: "text",
        tot_last_refreshed: "timestamp",
        tot_reads: "counter",
        tot_read_bytes: "counter",
        tot_writes: "counter",
        tot_write_bytes: "counter",
        curr_last_refreshed: "timestamp",
        curr_reads: "counter",
        curr_read_bytes: "counter",
        curr_writes: "counter",
        curr_write_bytes: "counter",
    },
} as const satisfies Record<NovaTable, Record<string, ColumnType>>;

/** The columns of each table that are never null. */
export const REQUIRED: { readonly [Name in NovaTable]: readonly string[] } = {
    task_log: ["id", "task_name", "state", "host", "period_beginning", "period_ending", "message"],
    instance_actions: ["id"],
    instance_actions_events: ["id"],
    instance_faults: ["id", "instance_uuid", "code"],
    bw_usage_cache: ["id", "uuid", "start_period"],
    volume_usage_cache: ["id", "volume_id"],
};
