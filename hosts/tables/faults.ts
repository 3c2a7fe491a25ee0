import type { InstanceFaultValues, Integer, Value } from "nova-compute-utils";

import { hostError } from "./error.js";
import { readInteger } from "./integer.js";
import { insertedAt, type InstanceFaultRow, isLive, newestFirst } from "./row.js";
import type { Transaction } from "./store.js";

/** The values of a new fault. Its code is an integer, or a string that contains one. */
export interface NewInstanceFault extends Pick<InstanceFaultValues, "instance_uuid" | "code"> {
    /** The message for tenants. */
    message?: string | null;
    /** The details for administrators, such as a traceback. */
    details?: string | null;
    /** The compute host. */
    host?: string | null;
}

export async function create(transaction: Transaction, now: string, values: NewInstanceFault): Promise<void> {
    await transaction.insert("instance_faults", {
        ...insertedAt(now),
        instance_uuid: values.instance_uuid,
        code: readCode(values.code),
        message: values.message ?? null,
        details: values.details ?? null,
        host: values.host ?? null,
    });
}

export async function getByInstanceUuids(
    transaction: Transaction,
    { instance_uuids, latest = false }: { instance_uuids: string[]; latest?: boolean },
): Promise<Record<string, InstanceFaultRow[]>> {
    const ofInstance = async (uuid: string): Promise<[string, InstanceFaultRow[]]> => {
        const faults = (await transaction.find("instance_faults", "instance", [uuid])).filter(isLive).sort(newestFirst);
        // Nova looks for the highest id here, and not for the newest timestamp.
        return [uuid, latest ? faults.sort((one, other) => other.id - one.id).slice(0, 1) : faults];
    };
    return Object.fromEntries(await Promise.all(instance_uuids.map(ofInstance)));
}

/** Returns the code as an integer. Nova's databases convert a string of digits to an integer. */
function readCode(code: Value): Integer {
    const isNumeral = typeof code === "string" && /^[+-]?\d+$/.test(code);
    try {
        return readInteger("code", isNumeral ? BigInt(code.replace("+", "")) : code);
    } catch {
        const printed = typeof code === "bigint" ? code : JSON.stringify(code);
        throw hostError("DBError", `the code of a fault is \`${printed}\`: give a whole number of up to 64 bits`);
    }
}
