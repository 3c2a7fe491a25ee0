import type { BwUsage, Integer, Timestamp } from "nova-compute-utils";

import { readInteger, readOptionalInteger } from "./integer.js";
import { type BwUsageCacheRow, insertedAt, type Values } from "./row.js";
import type { Transaction } from "./store.js";
import { readTime } from "./time.js";

/** The key of the counters of a vif in a period. */
export interface BwUsageQuery {
    /** The instance. */
    uuid: string;
    /** When the period began. */
    start_period: Timestamp;
    /** The MAC address of the vif. */
    mac: string;
}

/** New counters of a vif in a period, in bytes. */
export interface BwUsageUpdate extends BwUsageQuery {
    /** Bytes received in the period. */
    bw_in: Integer;
    /** Bytes sent in the period. */
    bw_out: Integer;
    /** The hypervisor's counter of received bytes. */
    last_ctr_in?: Integer | null;
    /** The hypervisor's counter of sent bytes. */
    last_ctr_out?: Integer | null;
    /** When the counters were read; null or absent means the current time. */
    last_refreshed?: Timestamp | null;
}

export async function update(transaction: Transaction, now: string, update: BwUsageUpdate): Promise<void> {
    const values: Values<BwUsageCacheRow> = {
        uuid: update.uuid,
        mac: update.mac,
        start_period: readTime(update.start_period),
        last_refreshed: readTime(update.last_refreshed ?? now),
        bw_in: readInteger("bw_in", update.bw_in),
        bw_out: readInteger("bw_out", update.bw_out),
        last_ctr_in: readOptionalInteger("last_ctr_in", update.last_ctr_in),
        last_ctr_out: readOptionalInteger("last_ctr_out", update.last_ctr_out),
    };
    const row = await get(transaction, update);
    if (row === null) {
        await transaction.insert("bw_usage_cache", { ...insertedAt(now), ...values });
    } else {
        await transaction.update("bw_usage_cache", { ...row, ...values, updated_at: now });
    }
}

export async function get(transaction: Transaction, query: BwUsageQuery): Promise<BwUsageCacheRow | null> {
    const key = [query.uuid, readTime(query.start_period)];
    const rows = await transaction.find("bw_usage_cache", "period", key);
    return rows.find((row) => row.mac === query.mac) ?? null;
}

export async function getByUuids(
    transaction: Transaction,
    query: { uuids: string[]; start_period: Timestamp },
): Promise<BwUsage[]> {
    const start = readTime(query.start_period);
    const uuids = [...new Set(query.uuids)];
    const found = await Promise.all(uuids.map((uuid) => transaction.find("bw_usage_cache", "period", [uuid, start])));
    const rows = found.flat().sort((one, other) => one.id - other.id);
    return rows.map(({ uuid, mac, start_period, bw_in, bw_out }) => ({ uuid, mac, start_period, bw_in, bw_out }));
}
