import type { Integer, Moment } from "nova-compute-utils";

import { add, readInteger } from "./integer.js";
import { readMoment } from "./moment.js";
import { inserted, type Values, type VolumeUsageCacheRow } from "./row.js";
import { findFirst, type Transaction } from "./store.js";

/** New counters of a volume, under Nova's names. */
export interface VolUsageUpdate {
    /** The volume. */
    id: string;
    /** Requests to read. */
    rd_req: Integer;
    /** Bytes read. */
    rd_bytes: Integer;
    /** Requests to write. */
    wr_req: Integer;
    /** Bytes written. */
    wr_bytes: Integer;
    /** The instance that it is attached to. */
    instance_id?: string | null;
    /** The project of that instance. */
    project_id?: string | null;
    /** The user of that instance. */
    user_id?: string | null;
    /** Where it is. */
    availability_zone?: string | null;
    /** Add the counters to the sums, and begin anew? */
    update_totals?: boolean;
}

/**
 * Keep the counters of a volume: as its current ones or, with `update_totals`, in its sums. Counters below the current
 * ones have begun anew; the current ones go into the sums then.
 */
export async function update(
    transaction: Transaction,
    update: VolUsageUpdate,
    now: string,
): Promise<VolumeUsageCacheRow> {
    const row = await findFirst(transaction, "volume_usage_cache", "volume", [update.id]);
    const values = refreshed(row ?? unused(update.id), update, now);
    if (row === undefined) {
        return transaction.insert("volume_usage_cache", { ...inserted(now), ...values });
    }
    const after = { ...row, ...values, updated_at: now };
    await transaction.update("volume_usage_cache", after);
    return after;
}

/**
 * The volumes whose counters were read, or whose sums grew, after a moment; likewise those where either never happened.
 */
export async function getByTime(transaction: Transaction, begin: Moment): Promise<VolumeUsageCacheRow[]> {
    const after = readMoment(begin);
    const isLater = (moment: string | null) => moment === null || moment > after;
    const rows = await transaction.all("volume_usage_cache");
    return rows.filter((row) => isLater(row.tot_last_refreshed) || isLater(row.curr_last_refreshed));
}

const COUNTERS = [
    { given: "rd_req", current: "curr_reads", total: "tot_reads" },
    { given: "rd_bytes", current: "curr_read_bytes", total: "tot_read_bytes" },
    { given: "wr_req", current: "curr_writes", total: "tot_writes" },
    { given: "wr_bytes", current: "curr_write_bytes", total: "tot_write_bytes" },
] as const;

function refreshed(
    row: Values<VolumeUsageCacheRow>,
    update: VolUsageUpdate,
    now: string,
): Values<VolumeUsageCacheRow> {
    const after = { ...row };
    const beganAnew = COUNTERS.some(({ given, current }) => readInteger(given, update[given]) < row[current]);
    for (const { given, current, total } of COUNTERS) {
        const counter = readInteger(given, update[given]);
        if (beganAnew) {
            after[total] = add(after[total], row[current]);
        }
        if (update.update_totals) {
            after[total] = add(after[total], counter);
        }
        after[current] = update.update_totals ? 0 : counter;
    }
    after[update.update_totals ? "tot_last_refreshed" : "curr_last_refreshed"] = now;
    after.instance_uuid = update.instance_id ?? null;
    after.project_id = update.project_id ?? null;
    after.user_id = update.user_id ?? null;
    after.availability_zone = update.availability_zone ?? null;
    return after;
}

function unused(volume_id: string): Values<VolumeUsageCacheRow> {
    return {
        volume_id,
        instance_uuid: null,
        project_id: null,
        user_id: null,
        availability_zone: null,
        tot_last_refreshed: null,
        tot_reads: 0,
        tot_read_bytes: 0,
        tot_writes: 0,
        tot_write_bytes: 0,
        curr_last_refreshed: null,
        curr_reads: 0,
        curr_read_bytes: 0,
        curr_writes: 0,
        curr_write_bytes: 0,
    };
}
