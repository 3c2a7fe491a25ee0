import type { Context, Notification, Notifier } from "nova-compute-utils";

import { hostError } from "../tables/error.js";

/** What is posted to the channel, once per notification. */
export interface BroadcastMessage {
    /** On whose behalf it is sent. */
    context: Context;
    /** The notification. Whole numbers that a `number` would round are `bigint`s in its payload. */
    notification: Notification;
}

/** A notifier that posts to a channel. */
export interface BroadcastNotifier extends Notifier {
    /** Post a message per notification; one that cannot be is answered with an error. */
    notify(context: Context, notifications: Notification[]): (Error | null)[];
    /** Send no more: `notify` throws from now on. A channel that was opened here is closed. */
    close(): void;
}

/**
 * A notifier that posts a {@link BroadcastMessage} per notification to the other tabs and workers of the site. Nobody
 * needs to listen.
 *
 * The code of its errors is `NotificationNotSent`.
 *
 * @param channel the name of a channel, or a channel, which stays open.
 */
export function broadcastNotifier(channel: string | BroadcastChannel): BroadcastNotifier {
    const own = typeof channel === "string";
    const open = own ? new BroadcastChannel(channel) : channel;
    let closed = false;

    const post = (message: BroadcastMessage): Error | null => {
        try {
            open.postMessage(message);
            return null;
        } catch (error) {
            if (error instanceof DOMException && error.name === "InvalidStateError") {
                throw notSent(`the channel \`${open.name}\` is closed`, error);
            }
            const reason = error instanceof Error || error instanceof DOMException ? error.message : String(error);
            return notSent(`the notification cannot be posted to the channel \`${open.name}\`: ${reason}`, error);
        }
    };

    return {
        notify(context, notifications) {
            if (closed) {
                throw notSent(`the channel \`${open.name}\` is closed`);
            }
            return notifications.map((notification) => post({ context, notification }));
        },
        close() {
            closed = true;
            if (own) {
                open.close();
            }
        },
    };
}

function notSent(message: string, cause?: unknown): Error {
    return hostError("NotificationNotSent", message, cause);
}
