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
import { readMoment, readOptionalMoment } from "./moment.js";
import { type Release, saysWhenActionsChange, takesNewestAction, wantsOneAction } from "./release.js";
import { changed, inserted, type InstanceActionEventRow, type InstanceActionRow } from "./row.js";
import { findFirst, type Transaction } from "./store.js";

/** Insert an action. */
export async function start(
    transaction: Transaction,
    values: ActionStartValues,
    now: string,
): Promise<InstanceAction> {
    const row = await transaction.insert("instance_actions", {
        ...inserted(now),
        action: values.action ?? null,
        instance_uuid: values.instance_uuid,
        request_id: values.request_id ?? null,
        user_id: values.user_id ?? null,
        project_id: values.project_id ?? null,
        start_time: readOptionalMoment(values.start_time),
        finish_time: null,
        message: null,
        updated_at: readOptionalMoment(values.updated_at),
    });
    return answer(row);
}

/** Close the action of an instance and request. */
export async function finish(
    transaction: Transaction,
    values: ActionFinishValues,
    now: string,
    release: Release,
): Promise<InstanceAction> {
    const [row, ...more] = (await ofInstance(transaction, values)).filter(isOf(values));
    // Today's Nova refuses where there are several, and changes nothing.
    if (row === undefined || (more.length > 0 && wantsOneAction(release))) {
        throw actionNotFound(values);
    }
    const change = {
        finish_time: readMoment(values.finish_time),
        updated_at: readOptionalMoment(values.updated_at) ?? row.updated_at,
    };
    const after = changed(row, change, now);
    await transaction.update("instance_actions", after);
    return answer(after);
}

/** Insert an event of an action. */
export async function eventStart(
    transaction: Transaction,
    context: Context,
    values: ActionEventStartValues,
    now: string,
    release: Release,
): Promise<InstanceActionEvent> {
    const start_time = readMoment(values.start_time);
    const { action, own } = await actionOf(transaction, context, values, release);
    if (own && saysWhenActionsChange(release)) {
        await transaction.update("instance_actions", { ...action, updated_at: start_time });
    }
    const row = await transaction.insert("instance_actions_events", {
        ...inserted(now),
        event: values.event,
        action_id: action.id,
        start_time,
        finish_time: null,
        result: null,
        traceback: null,
        host: values.host ?? null,
        details: null,
    });
    return answer(row);
}

/** Close an event of an action: of several under one name the first. */
export async function eventFinish(
    transaction: Transaction,
    context: Context,
    values: ActionEventFinishValues,
    now: string,
    release: Release,
): Promise<InstanceActionEvent> {
    const finish_time = readMoment(values.finish_time);
    const { action, own } = await actionOf(transaction, context, values, release);
    const event = await findFirst(transaction, "instance_actions_events", "action", [action.id, values.event]);
    if (event === undefined) {
        const message = `Event ${values.event} not found for action id ${action.id}`;
        throw hostError("InstanceActionEventNotFound", message);
    }
    const { result } = values;
    const traceback = values.traceback ?? event.traceback;
    const details = values.details ?? event.details;
    const finished = changed(event, { finish_time, result, traceback, details }, now);
    await transaction.update("instance_actions_events", finished);

    const failed = result.toLowerCase() === "error" ? { message: "Error" } : {};
    const updated = own && saysWhenActionsChange(release) ? { updated_at: finish_time } : {};
    await transaction.update("instance_actions", changed(action, { ...failed, ...updated }, now));
    return answer(finished);
}

/** What an action is found by. */
interface Request {
    instance_uuid: string;
    request_id: string | null;
}

function isOf(request: Request): (action: InstanceActionRow) => boolean {
    return (action) => action.request_id === (request.request_id ?? null);
}

function ofInstance(transaction: Transaction, request: Request): Promise<InstanceActionRow[]> {
    return transaction.find("instance_actions", "instance", [request.instance_uuid]);
}

/** The action that events of a request belong to, and whether it is that request's own. */
async function actionOf(
    transaction: Transaction,
    context: Context,
    request: Request,
    release: Release,
): Promise<{ action: InstanceActionRow; own: boolean }> {
    const actions = await ofInstance(transaction, request);
    const ofRequest = actions.filter(isOf(request));
    const own = takesNewestAction(release) ? newest(ofRequest) : ofRequest[0];
    if (own !== undefined) {
        return { action: own, own: true };
    }
    // A service that starts anew asks with a request of its own. Its instance's newest action is what it goes on with.
    const isService = !context.project_id;
    const any = isService && takesNewestAction(release) ? newest(actions) : undefined;
    if (any === undefined) {
        throw actionNotFound(request);
    }
    return { action: any, own: false };
}

/** The rows come oldest number first, which decides where moments do not. */
function newest(actions: InstanceActionRow[]): InstanceActionRow | undefined {
    return actions.reduce<InstanceActionRow | undefined>(
        (newest, action) => (newest === undefined || action.created_at >= newest.created_at ? action : newest),
        undefined,
    );
}

function actionNotFound({ instance_uuid, request_id }: Request): HostError {
    const message = `Action for request_id ${request_id ?? "None"} on instance ${instance_uuid} not found`;
    return hostError("InstanceActionNotFound", message);
}

/** The table has a number for whether a row is deleted, the contract a boolean. */
function answer<Row extends InstanceActionRow | InstanceActionEventRow>(
    row: Row,
): Omit<Row, "deleted"> & { deleted: boolean } {
    return { ...row, deleted: row.deleted !== 0 };
}
