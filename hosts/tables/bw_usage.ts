import type { BwUsage, Integer, Moment } from "nova-compute-utils";

import { readInteger, readOptionalInteger } from "./integer.js";
import { readMoment } from "./moment.js";
import { type BwUsageCacheRow, inserted, type Values } from "./row.js";
import type { Transaction } from "./store.js";

/** New counters of an interface in a period, in bytes. */
export interface BwUsageUpdate {
    /** The instance. */
    uuid: string;
    /** The interface. */
    mac: string;
    /** When the period began. */
    start_period: Moment;
    /** Received in the period. */
    bw_in: Integer;
    /** Sent in the period. */
    bw_out: Integer;
    /** What the interface's own counter of received bytes read. */
    last_ctr_in?: Integer | null;
    /** Likewise, sent. */
    last_ctr_out?: Integer | null;
    /** When the counters were read; absent, now. */
    last_refreshed?: Moment | null;
}

/** Which counters of an interface. */
export interface BwUsageQuery {
    /** The instance. */
    uuid: string;
    /** When the period began. */
    start_period: Moment;
    /** The interface. */
    mac: string;
}

/** Keep the counters of an interface in a period, in place of those kept before. */
export async function update(transaction: Transaction, update: BwUsageUpdate, now: string): Promise<void> {
    const values: Values<BwUsageCacheRow> = {
        uuid: update.uuid,
        mac: update.mac,
        start_period: readMoment(update.start_period),
        last_refreshed: readMoment(update.last_refreshed ?? now),
        bw_in: readInteger("bw_in", update.bw_in),
        bw_out: readInteger("bw_out", update.bw_out),
        last_ctr_in: readOptionalInteger("last_ctr_in", update.last_ctr_in),
        last_ctr_out: readOptionalInteger("last_ctr_out", update.last_ctr_out),
    };
    const row = await get(transaction, update);
    if (row === null) {
        await transaction.insert("bw_usage_cache", { ...inserted(now), ...values });
    } else {
        await transaction.update("bw_usage_cache", { ...row, ...values, updated_at: now });
    }
}

/** The counters of an interface in a period. */
export async function get(transaction: Transaction, query: BwUsageQuery): Promise<BwUsageCacheRow | null> {
    const key = [query.uuid, readMoment(query.start_period)];
    const rows = await transaction.find("bw_usage_cache", "period", key);
    return rows.find((row) => row.mac === query.mac) ?? null;
}

/** The counters of some instances in a period, in the order of the table. */
export async function getByUuids(
    transaction: Transaction,
    query: { uuids: string[]; start_period: Moment },
): Promise<BwUsage[]> {
    const start = readMoment(query.start_period);
    const uuids = [...new Set(query.uuids)];
    const found = await Promise.all(uuids.map((uuid) => transaction.find("bw_usage_cache", "period", [uuid, start])));
    const rows = found.flat().sort((one, other) => one.id - other.id);
    return rows.map(({ uuid, mac, start_period, bw_in, bw_out }) => ({ uuid, mac, start_period, bw_in, bw_out }));
}
