import type { Context, Notification, Notifier } from "nova-compute-utils";

import { type ConductorOptions, TableConductor } from "../tables/conductor.js";
import { MemoryStore } from "./store.js";

export type { BwUsageQuery, BwUsageUpdate } from "../tables/bw_usage.js";
export type { ConductorOptions, TableConductor } from "../tables/conductor.js";
export type { HostError } from "../tables/error.js";
export type { NewInstanceFault } from "../tables/faults.js";
export type { Release } from "../tables/release.js";
export type * from "../tables/row.js";
export type { StoreName, TableName, TableRows } from "../tables/store.js";
export type { TaskLogQuery } from "../tables/task_log.js";
export type { VolUsageUpdate } from "../tables/volume_usage.js";

/**
 * A conductor in memory, for tests and examples: Nova's tables, empty, and the rules of its database layer.
 *
 * `ValueError` on an unknown release.
 */
export function memoryConductor(options?: ConductorOptions): TableConductor {
    return new TableConductor(new MemoryStore(), options);
}

/** A notification, and the context that it was sent with. */
export type CollectedNotification = Notification & { context: Context };

/** A notifier that sends nothing, for tests and examples. */
export interface CollectingNotifier extends Notifier {
    /** What was to be sent, oldest first. */
    readonly notifications: CollectedNotification[];
    /** Forget them. */
    clear(): void;
}

/** A notifier that keeps what it is given, and refuses nothing. */
export function collectingNotifier(): CollectingNotifier {
    const collected: CollectedNotification[] = [];
    return {
        notifications: collected,
        notify(context, notifications) {
            for (const notification of notifications) {
                collected.push({ ...notification, context });
            }
        },
        clear() {
            collected.length = 0;
        },
    };
}
