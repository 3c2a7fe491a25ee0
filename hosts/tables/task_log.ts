import type { Integer, Timestamp, TaskLog, TaskLogKey } from "nova-compute-utils";

import { hostError } from "./error.js";
import { readInteger } from "./integer.js";
import { insertedAt, isLive, type TaskLogRow } from "./row.js";
import { findFirst, type Transaction } from "./store.js";
import { readTime } from "./time.js";

/** The rows of `task_log` to return. */
export interface TaskLogQuery {
    /** The name of the task; that of a usage audit is `instance_usage_audit`. */
    task_name: string;
    /** The begin of the window. */
    period_beginning: Timestamp;
    /** The end of the window. */
    period_ending: Timestamp;
    /** Only the row of this compute host; null or absent means all. */
    host?: string | null;
    /** Only rows in this state, `RUNNING` or `DONE`; null or absent means any. */
    state?: string | null;
}

export async function get(transaction: Transaction, task: TaskLogKey): Promise<TaskLog | null> {
    const row = await findLive(transaction, task);
    if (row === undefined) {
        return null;
    }
    const { task_name, state, host, period_beginning, period_ending, message, task_items, errors } = row;
    return { task_name, state, host, period_beginning, period_ending, message, task_items, errors };
}

export async function getAll(transaction: Transaction, query: TaskLogQuery): Promise<TaskLogRow[]> {
    const key = [query.task_name, readTime(query.period_beginning), readTime(query.period_ending)];
    const rows = await transaction.find("task_log", "window", key);
    const { host = null, state = null } = query;
    const isSelected = (row: TaskLogRow) =>
        isLive(row) && (host === null || row.host === host) && (state === null || row.state === state);
    return rows.filter(isSelected);
}

export async function begin(
    transaction: Transaction,
    now: string,
    task: TaskLogKey & { task_items: Integer | null; message: string | null },
): Promise<void> {
    const { task_name, host } = task;
    // The key is unique among soft-deleted rows, too.
    if ((await findFirst(transaction, "task_log", "task", taskKey(task))) !== undefined) {
        const message = `Task ${task_name} is already running on host ${host}`;
        throw hostError("TaskAlreadyRunning", message, { arguments: { task_name, host } });
    }
    if (!task.message) {
        // Nova omits an empty message from the INSERT, and the column is not nullable.
        throw hostError("DBError", "NOT NULL constraint failed: task_log.message");
    }
    await transaction.insert("task_log", {
        ...insertedAt(now),
        task_name,
        state: "RUNNING",
        host,
        period_beginning: readTime(task.period_beginning),
        period_ending: readTime(task.period_ending),
        message: task.message,
        task_items: readInteger("task_items", task.task_items ?? 0),
        errors: 0,
    });
}

export async function end(
    transaction: Transaction,
    now: string,
    task: TaskLogKey & { errors: Integer; message: string | null },
): Promise<void> {
    const row = await findLive(transaction, task);
    if (row === undefined) {
        const { task_name, host } = task;
        const message = `Task ${task_name} is not running on host ${host}`;
        throw hostError("TaskNotRunning", message, { arguments: { task_name, host } });
    }
    const errors = readInteger("errors", task.errors);
    const message = task.message || row.message;
    await transaction.update("task_log", { ...row, state: "DONE", errors, message, updated_at: now });
}

async function findLive(transaction: Transaction, task: TaskLogKey): Promise<TaskLogRow | undefined> {
    const row = await findFirst(transaction, "task_log", "task", taskKey(task));
    return row !== undefined && isLive(row) ? row : undefined;
}

/** Returns the key of a task in the index `task`. */
export function taskKey(task: TaskLogKey): string[] {
    return [task.task_name, task.host, readTime(task.period_beginning), readTime(task.period_ending)];
}
