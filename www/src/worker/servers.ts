// One server: its document, devices, network, payloads and actions.

import {
    type Document,
    existsNdjson,
    existsPayload,
    getNetworkInfo,
    instanceExistsPayload,
} from "nova-compute-utils";

import type { Payload, PayloadRequest, ServerActions, ServerDetail } from "./api.js";
import { type Cell, documentOf, textOf } from "./cells.js";
import { ConsoleError } from "./errors.js";
import { jsonText } from "./json.js";
import { serverRow } from "./server-index.js";

/** Returns the document of a server as it was imported; `NoServer` when the cell has none with this uuid. */
async function documentText({ info, conductor, index }: Cell, uuid: string): Promise<string> {
    const row = (await index).row(uuid);
    const [document] = row === null ? [] : await conductor.getInstances([{ project_id: row.project_id, uuid }]);
    if (document === undefined || document === null) {
        throw new ConsoleError({ code: "NoServer", message: `the cell \`${info.name}\` has no server \`${uuid}\`` });
    }
    return textOf(document);
}

export async function server(cell: Cell, uuid: string): Promise<ServerDetail> {
    const text = await documentText(cell, uuid);
    const document = documentOf(text) as Document;
    const devices = document["block_devices"];
    const faults = await cell.conductor.instanceFaultGetByInstanceUuids({ instance_uuids: [uuid] });
    const actions = await cell.conductor.actionsGet({ instance_uuid: uuid });
    return {
        row: serverRow(document),
        document,
        block_devices: Array.isArray(devices) ? (devices as Document[]) : [],
        network: getNetworkInfo(text),
        counts: { actions: actions.length, faults: faults[uuid]?.length ?? 0 },
    };
}

export async function payloads(cell: Cell, uuid: string, requests: PayloadRequest[]): Promise<Payload[]> {
    const instance = await documentText(cell, uuid);
    return requests.map((request) => {
        const { release, versioned, window } = request;
        const payload = versioned
            ? instanceExistsPayload({ instance, window })
            : existsPayload({ release, instance, window, glanceEndpoint: cell.info.glance_endpoint });
        const text = (versioned && versionedText(cell, instance, request)) || jsonText(payload);
        return { request, payload, text };
    });
}

/**
 * The text of a versioned payload, which keeps `1.0`, as a value of JavaScript cannot; an empty string for a server that
 * was not alive in the window.
 */
function versionedText({ info }: Cell, instance: string, { release, window }: PayloadRequest): string {
    const line = instance.replaceAll(/[\r\n]/g, " ");
    const options = { release, host: info.name, windows: [window], timestamp: window.end };
    const notification = existsNdjson(line, { ...options, notificationFormat: "versioned" });
    // Quotes within a string are escaped, so neither text occurs in one.
    const begin = notification.indexOf('"payload":') + '"payload":'.length;
    return notification.slice(begin, notification.lastIndexOf(',"timestamp":'));
}

export async function serverActions({ conductor }: Cell, uuid: string): Promise<ServerActions> {
    const actions = await conductor.actionsGet({ instance_uuid: uuid });
    const faults = await conductor.instanceFaultGetByInstanceUuids({ instance_uuids: [uuid] });
    const withEvents = actions.map(async (action) => ({
        ...action,
        events: (await conductor.actionEventsGet({ action_id: action.id })).toReversed(),
    }));
    return { actions: await Promise.all(withEvents), faults: faults[uuid] ?? [] };
}
