import type { Integer, Moment, TaskLog, TaskLogKey } from "nova-compute-utils";

import { hostError } from "./error.js";
import { readInteger } from "./integer.js";
import { readMoment } from "./moment.js";
import { inserted, type TaskLogRow } from "./row.js";
import { findFirst, type Transaction } from "./store.js";

/** Which rows of the task log. */
export interface TaskLogQuery {
    /** `instance_usage_audit` for audits. */
    task_name: string;
    /** Begin of the window. */
    period_beginning: Moment;
    /** End of the window. */
    period_ending: Moment;
    /** Those of one host only. */
    host?: string | null;
    /** Those in one state only: `RUNNING` or `DONE`. */
    state?: string | null;
}

/** The first row for this task and window, whatever its state. */
export async function get(transaction: Transaction, task: TaskLogKey): Promise<TaskLog | null> {
    const row = await find(transaction, task);
    if (row === undefined) {
        return null;
    }
    const { task_name, state, host, period_beginning, period_ending, message, task_items, errors } = row;
    return { task_name, state, host, period_beginning, period_ending, message, task_items, errors };
}

/** The rows for a task and window. */
export async function getAll(transaction: Transaction, query: TaskLogQuery): Promise<TaskLogRow[]> {
    const key = [query.task_name, readMoment(query.period_beginning), readMoment(query.period_ending)];
    const rows = await transaction.find("task_log", "window", key);
    const { host = null, state = null } = query;
    return rows.filter((row) => (host === null || row.host === host) && (state === null || row.state === state));
}

/** Insert a row in state `RUNNING`, where there is none in any state. */
export async function begin(
    transaction: Transaction,
    task: TaskLogKey & { task_items: Integer | null; message: string | null },
    now: string,
): Promise<void> {
    if ((await find(transaction, task)) !== undefined) {
        throw hostError("TaskAlreadyRunning", `Task ${task.task_name} is already running on host ${task.host}`);
    }
    if (!task.message) {
        // Nova leaves an empty message out, and the column takes no null.
        throw hostError("DBError", "NOT NULL constraint failed: task_log.message");
    }
    await transaction.insert("task_log", {
        ...inserted(now),
        task_name: task.task_name,
        state: "RUNNING",
        host: task.host,
        period_beginning: readMoment(task.period_beginning),
        period_ending: readMoment(task.period_ending),
        message: task.message,
        task_items: readInteger("task_items", task.task_items ?? 0),
        errors: 0,
    });
}

/** Set the row to state `DONE`, also where it is that already. */
export async function end(
    transaction: Transaction,
    task: TaskLogKey & { errors: Integer; message: string | null },
    now: string,
): Promise<void> {
    const row = await find(transaction, task);
    if (row === undefined) {
        throw hostError("TaskNotRunning", `Task ${task.task_name} is not running on host ${task.host}`);
    }
    const errors = readInteger("errors", task.errors);
    const message = task.message || row.message;
    await transaction.update("task_log", { ...row, state: "DONE", errors, message, updated_at: now });
}

function find(transaction: Transaction, task: TaskLogKey): Promise<TaskLogRow | undefined> {
    const window = [readMoment(task.period_beginning), readMoment(task.period_ending)];
    return findFirst(transaction, "task_log", "task", [task.task_name, task.host, ...window]);
}
