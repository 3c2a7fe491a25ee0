import type { Context, Notification, Notifier } from "nova-compute-utils";

import { type ConductorOptions, TableConductor } from "../tables/conductor.js";
import { MemoryStore } from "./store.js";

export { readRow } from "../tables/import.js";
export type * from "../tables/index.js";
export { readInstance } from "../tables/instances.js";

/** Returns a conductor with empty tables in memory, for tests and examples; `ValueError` on an unknown release. */
export function memoryConductor(options?: ConductorOptions): TableConductor {
    return new TableConductor(new MemoryStore(), options);
}

/** A notification with the request context that it was sent with. */
export type CollectedNotification = Notification & { context: Context };

/** A notifier that keeps the notifications, for tests and examples. */
export interface CollectingNotifier extends Notifier {
    /** The notifications, oldest first. */
    readonly notifications: CollectedNotification[];
    /** Removes all notifications. */
    clear(): void;
}

/** Returns a notifier that accepts and keeps every notification. */
export function collectingNotifier(): CollectingNotifier {
    const notifications: CollectedNotification[] = [];
    return {
        notifications,
        notify(context, batch) {
            for (const notification of batch) {
                notifications.push({ ...notification, context });
            }
        },
        clear() {
            notifications.length = 0;
        },
    };
}
