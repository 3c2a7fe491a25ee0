import type { Context, Notification, Notifier } from "nova-compute-utils";

import { hostError } from "../tables/error.js";

/** The message that is posted to the channel for each notification. */
export interface BroadcastMessage {
    /** The request context. */
    context: Context;
    /** The notification. In its payload, integers that a `number` would round are `bigint`s. */
    notification: Notification;
}

/** A notifier that posts to a `BroadcastChannel`. Its errors have the code `NotificationNotSent`. */
export interface BroadcastNotifier extends Notifier {
    /** Posts a message per notification, and returns an error or null for each. Throws when the channel is closed. */
    notify(context: Context, notifications: Notification[]): (Error | null)[];
    /** Makes every later `notify` throw. Closes the channel if the notifier opened it. */
    close(): void;
}

/**
 * Returns a notifier that posts a {@link BroadcastMessage} per notification to the other tabs and workers of the site.
 * The notifier does not know whether any of them listens.
 *
 * @param channel the name of a channel to open, or an open channel.
 */
export function broadcastNotifier(channel: string | BroadcastChannel): BroadcastNotifier {
    const isOwn = typeof channel === "string";
    const target = isOwn ? new BroadcastChannel(channel) : channel;
    let closed = false;

    const fail = (problem: string, cause?: object) =>
        hostError("NotificationNotSent", `the channel \`${target.name}\` ${problem}`, cause);

    const post = (message: BroadcastMessage): Error | null => {
        try {
            target.postMessage(message);
            return null;
        } catch (error) {
            if (error instanceof DOMException && error.name === "InvalidStateError") {
                throw fail("is closed", { cause: error });
            }
            const reason = error instanceof Error || error instanceof DOMException ? error.message : String(error);
            return fail(`cannot carry the notification: ${reason}`, { cause: error });
        }
    };

    return {
        notify(context, notifications) {
            if (closed) {
                throw fail("is closed");
            }
            return notifications.map((notification) => post({ context, notification }));
        },
        close() {
            closed = true;
            if (isOwn) {
                target.close();
            }
        },
    };
}
