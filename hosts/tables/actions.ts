import type {
    ActionEventFinishValues,
    ActionEventStartValues,
    ActionFinishValues,
    ActionStartValues,
    Context,
    InstanceAction,
    InstanceActionEvent,
} from "nova-compute-utils";

import { type HostError, hostError } from "./error.js";
import type { DatabaseRules } from "./release.js";
import {
    changedAt,
    insertedAt,
    type InstanceActionEventRow,
    type InstanceActionRow,
    isLive,
    newestFirst,
} from "./row.js";
import type { Transaction } from "./store.js";
import { readOptionalTime, readTime } from "./time.js";

export async function start(transaction: Transaction, now: string, values: ActionStartValues): Promise<InstanceAction> {
    const row = await transaction.insert("instance_actions", {
        ...insertedAt(now),
        action: values.action ?? null,
        instance_uuid: values.instance_uuid,
        request_id: values.request_id ?? null,
        user_id: values.user_id ?? null,
        project_id: values.project_id ?? null,
        start_time: readOptionalTime(values.start_time),
        finish_time: null,
        message: null,
        updated_at: readOptionalTime(values.updated_at),
    });
    return toRecord(row);
}

export async function finish(
    transaction: Transaction,
    now: string,
    rules: DatabaseRules,
    values: ActionFinishValues,
): Promise<InstanceAction> {
    const [row, ...others] = (await findByInstance(transaction, values.instance_uuid)).filter(isOfRequest(values));
    if (row === undefined || (others.length > 0 && rules.requiresOneActionToFinish)) {
        throw actionNotFound(values);
    }
    const finished = changedAt(now, row, {
        finish_time: readTime(values.finish_time),
        updated_at: readOptionalTime(values.updated_at) ?? row.updated_at,
    });
    await transaction.update("instance_actions", finished);
    return toRecord(finished);
}

export async function eventStart(
    transaction: Transaction,
    now: string,
    rules: DatabaseRules,
    context: Context,
    values: ActionEventStartValues,
): Promise<InstanceActionEvent> {
    const start_time = readTime(values.start_time);
    const { action, ownedByRequest } = await findActionOfEvent(transaction, rules, context, values);
    if (ownedByRequest && rules.eventsUpdateAction) {
        await transaction.update("instance_actions", { ...action, updated_at: start_time });
    }
    const row = await transaction.insert("instance_actions_events", {
        ...insertedAt(now),
        event: values.event,
        action_id: action.id,
        start_time,
        finish_time: null,
        result: null,
        traceback: null,
        host: values.host ?? null,
        details: null,
    });
    return toRecord(row);
}

export async function eventFinish(
    transaction: Transaction,
    now: string,
    rules: DatabaseRules,
    context: Context,
    values: ActionEventFinishValues,
): Promise<InstanceActionEvent> {
    const { event, result } = values;
    const finish_time = readTime(values.finish_time);
    const { action, ownedByRequest } = await findActionOfEvent(transaction, rules, context, values);
    const events = await transaction.find("instance_actions_events", "action", [action.id, event]);
    const row = events.find(isLive);
    if (row === undefined) {
        const message = `Event ${event} not found for action id ${action.id}`;
        throw hostError("InstanceActionEventNotFound", message, { arguments: { event, action_id: action.id } });
    }
    const traceback = values.traceback ?? row.traceback;
    const details = values.details ?? row.details;
    const finished = changedAt(now, row, { finish_time, result, traceback, details });
    await transaction.update("instance_actions_events", finished);

    const message = result.toLowerCase() === "error" ? "Error" : action.message;
    const updated_at = ownedByRequest && rules.eventsUpdateAction ? finish_time : action.updated_at;
    await transaction.update("instance_actions", changedAt(now, action, { message, updated_at }));
    return toRecord(finished);
}

/** Returns the actions of an instance, newest first. */
export async function getByInstance(transaction: Transaction, instance_uuid: string): Promise<InstanceActionRow[]> {
    return (await findByInstance(transaction, instance_uuid)).sort(newestFirst);
}

/** Returns the events of an action, newest first. */
export async function getEvents(transaction: Transaction, action_id: number): Promise<InstanceActionEventRow[]> {
    const events = await transaction.find("instance_actions_events", "action", [action_id]);
    return events.filter(isLive).sort(newestFirst);
}

/** The values that identify an action. */
type ActionKey = Pick<ActionFinishValues, "instance_uuid" | "request_id">;

function isOfRequest({ request_id }: ActionKey): (action: InstanceActionRow) => boolean {
    return (action) => action.request_id === (request_id ?? null);
}

async function findByInstance(transaction: Transaction, instance_uuid: string): Promise<InstanceActionRow[]> {
    return (await transaction.find("instance_actions", "instance", [instance_uuid])).filter(isLive);
}

async function findActionOfEvent(
    transaction: Transaction,
    rules: DatabaseRules,
    context: Context,
    key: ActionKey,
): Promise<{ action: InstanceActionRow; ownedByRequest: boolean }> {
    const actions = await findByInstance(transaction, key.instance_uuid);
    const ofRequest = actions.filter(isOfRequest(key));
    const own = rules.usesNewestAction ? newest(ofRequest) : ofRequest[0];
    if (own !== undefined) {
        return { action: own, ownedByRequest: true };
    }
    // A service that restarts resumes its instances with a new request, which has no project.
    // Such an event belongs to the newest action of the instance.
    const resumed = rules.usesNewestAction && !context.project_id ? newest(actions) : undefined;
    if (resumed === undefined) {
        throw actionNotFound(key);
    }
    return { action: resumed, ownedByRequest: false };
}

function newest(actions: InstanceActionRow[]): InstanceActionRow | undefined {
    return actions.sort(newestFirst)[0];
}

function actionNotFound({ instance_uuid, request_id = null }: ActionKey): HostError {
    const message = `Action for request_id ${request_id ?? "None"} on instance ${instance_uuid} not found`;
    return hostError("InstanceActionNotFound", message, { arguments: { request_id, instance_uuid } });
}

/** Converts `deleted`, a number in the table, to the record's boolean. */
function toRecord<Row extends InstanceActionRow | InstanceActionEventRow>(
    row: Row,
): Omit<Row, "deleted"> & { deleted: boolean } {
    return { ...row, deleted: row.deleted !== 0 };
}
