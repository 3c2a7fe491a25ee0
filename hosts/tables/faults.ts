import type { Integer, Value } from "nova-compute-utils";

import { hostError } from "./error.js";
import { readInteger } from "./integer.js";
import { inserted, type InstanceFaultRow } from "./row.js";
import type { Transaction } from "./store.js";

/** What a new fault holds. */
export interface NewInstanceFault {
    /** The instance. */
    instance_uuid: string;
    /** A whole number, or text that is one. */
    code: Value;
    /** One line. */
    message?: string | null;
    /** The traceback, or more text. */
    details?: string | null;
    /** Where it happened. */
    host?: string | null;
}

/** Insert a fault. */
export async function create(transaction: Transaction, values: NewInstanceFault, now: string): Promise<void> {
    await transaction.insert("instance_faults", {
        ...inserted(now),
        instance_uuid: values.instance_uuid,
        code: readCode(values.code),
        message: values.message ?? null,
        details: values.details ?? null,
        host: values.host ?? null,
    });
}

/** The faults of some instances, newest first, an empty list where there is none. */
export async function getByInstanceUuids(
    transaction: Transaction,
    instance_uuids: string[],
    latest: boolean,
): Promise<Record<string, InstanceFaultRow[]>> {
    const ofInstance = async (uuid: string): Promise<[string, InstanceFaultRow[]]> => {
        const faults = await transaction.find("instance_faults", "instance", [uuid]);
        faults.sort((one, other) => compare(other.created_at, one.created_at) || other.id - one.id);
        return [uuid, latest ? faults.slice(0, 1) : faults];
    };
    return Object.fromEntries(await Promise.all(instance_uuids.map(ofInstance)));
}

/** The column takes whole numbers, and text that is one, as a database of Nova's does. */
function readCode(code: Value): Integer {
    const isNumeral = typeof code === "string" && /^[+-]?\d+$/.test(code);
    try {
        return readInteger("code", isNumeral ? BigInt(code.replace("+", "")) : code);
    } catch {
        const given = typeof code === "bigint" ? code : JSON.stringify(code);
        throw hostError("DBError", `\`${given}\` is no whole number, which the code of a fault has to be`);
    }
}

function compare(one: string, other: string): number {
    return one < other ? -1 : Number(one > other);
}
