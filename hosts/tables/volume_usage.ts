import type { Integer, Timestamp } from "nova-compute-utils";

import { addSaturating, readInteger } from "./integer.js";
import { insertedAt, type Values, type VolumeCounter, type VolumeUsageCacheRow } from "./row.js";
import { findFirst, type Transaction } from "./store.js";
import { readTime } from "./time.js";

/** New counters of a volume, under Nova's names. */
export interface VolUsageUpdate {
    /** The volume. */
    id: string;
    /** Read requests. */
    rd_req: Integer;
    /** Bytes read. */
    rd_bytes: Integer;
    /** Write requests. */
    wr_req: Integer;
    /** Bytes written. */
    wr_bytes: Integer;
    /** The instance that the volume is attached to. */
    instance_id?: string | null;
    /** The project of that instance. */
    project_id?: string | null;
    /** The user of that instance. */
    user_id?: string | null;
    /** The availability zone of the volume. */
    availability_zone?: string | null;
    /** Whether to add the counters to the totals and reset the current ones. */
    update_totals?: boolean;
}

export async function update(
    transaction: Transaction,
    now: string,
    update: VolUsageUpdate,
): Promise<VolumeUsageCacheRow> {
    const row = await findFirst(transaction, "volume_usage_cache", "volume", [update.id]);
    const values = refresh(row ?? unusedVolume(update.id), now, update);
    if (row === undefined) {
        return transaction.insert("volume_usage_cache", { ...insertedAt(now), ...values });
    }
    const refreshed = { ...row, ...values, updated_at: now };
    await transaction.update("volume_usage_cache", refreshed);
    return refreshed;
}

export async function getByTime(transaction: Transaction, begin: Timestamp): Promise<VolumeUsageCacheRow[]> {
    const after = readTime(begin);
    const isLater = (time: string | null) => time === null || time > after;
    const rows = await transaction.all("volume_usage_cache");
    return rows.filter((row) => isLater(row.tot_last_refreshed) || isLater(row.curr_last_refreshed));
}

/** The field of {@link VolUsageUpdate} for each counter. */
const FIELDS = { reads: "rd_req", read_bytes: "rd_bytes", writes: "wr_req", write_bytes: "wr_bytes" } as const;
const COUNTERS = Object.keys(FIELDS) as VolumeCounter[];

function refresh(row: Values<VolumeUsageCacheRow>, now: string, update: VolUsageUpdate): Values<VolumeUsageCacheRow> {
    const refreshed = { ...row };
    const read = (counter: VolumeCounter) => readInteger(FIELDS[counter], update[FIELDS[counter]]);
    const restarted = COUNTERS.some((counter) => read(counter) < row[`curr_${counter}`]);
    for (const counter of COUNTERS) {
        const [current, total] = [`curr_${counter}`, `tot_${counter}`] as const;
        if (restarted) {
            refreshed[total] = addSaturating(refreshed[total], row[current]);
        }
        if (update.update_totals) {
            refreshed[total] = addSaturating(refreshed[total], read(counter));
        }
        refreshed[current] = update.update_totals ? 0 : read(counter);
    }
    refreshed[update.update_totals ? "tot_last_refreshed" : "curr_last_refreshed"] = now;
    refreshed.instance_uuid = update.instance_id ?? null;
    refreshed.project_id = update.project_id ?? null;
    refreshed.user_id = update.user_id ?? null;
    refreshed.availability_zone = update.availability_zone ?? null;
    return refreshed;
}

function unusedVolume(volume_id: string): Values<VolumeUsageCacheRow> {
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
