import type { AuditCheckpoint, TaskLogKey } from "nova-compute-utils";

import { insertedAt } from "./row.js";
import { findFirst, type Transaction } from "./store.js";
import { taskKey } from "./task_log.js";
import { readTime } from "./time.js";

export async function get(transaction: Transaction, task: TaskLogKey): Promise<AuditCheckpoint | null> {
    const row = await findFirst(transaction, "audit_checkpoints", "task", taskKey(task));
    return row === undefined ? null : structuredClone(row.checkpoint);
}

export async function put(
    transaction: Transaction,
    now: string,
    task: TaskLogKey & { checkpoint: AuditCheckpoint },
): Promise<void> {
    const row = await findFirst(transaction, "audit_checkpoints", "task", taskKey(task));
    const checkpoint = structuredClone(task.checkpoint);
    if (row !== undefined) {
        await transaction.update("audit_checkpoints", { ...row, checkpoint, updated_at: now });
        return;
    }
    const { task_name, host } = task;
    await transaction.insert("audit_checkpoints", {
        ...insertedAt(now),
        task_name,
        host,
        period_beginning: readTime(task.period_beginning),
        period_ending: readTime(task.period_ending),
        checkpoint,
    });
}
