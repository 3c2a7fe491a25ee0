import type { Integer } from "nova-compute-utils";

import type { TableReader } from "./reader.js";
import type { SqlRow } from "./row.js";

/** For how many instances the rows of another table are looked up at once. */
const INSTANCES = 20_000;

/**
 * Finds the rows of the other tables for a range of instances, ahead of the pages that need them.
 *
 * UUIDs are random. Looked up page by page, those of each page lie all over an index that is larger than the memory of the
 * database, and each lookup reads another place of the file. In a long range, one lookup after another is in the order of
 * the index. The rows themselves are read by `id`, and lie together, as Nova has written them.
 */
export class RowsAhead {
    readonly #reader: TableReader;
    readonly #first: Integer;
    readonly #last: Integer;
    readonly #found = new Map<string, Promise<Map<string, Integer[]>>>();
    #page = new Set<string>();

    private constructor(reader: TableReader, first: Integer, last: Integer) {
        this.#reader = reader;
        this.#first = first;
        this.#last = last;
    }

    /** Returns the range of instances that begins with this page; null when the page has no readable `id`. */
    static async from(reader: TableReader, page: SqlRow[]): Promise<RowsAhead | null> {
        const first = page[0]?.integer("id");
        if (first === undefined) {
            return null;
        }
        const ids = "SELECT id FROM instances WHERE id >= ? ORDER BY id LIMIT ?";
        const [row] = await reader.run(`SELECT max(id) FROM (${ids}) AS ids`, { values: [first, INSTANCES] });
        return new RowsAhead(reader, first, row?.[0] as Integer);
    }

    /** Makes a page the one that `idsOf` knows. Returns whether all of it is in the range. */
    turnTo(page: SqlRow[]): boolean {
        this.#page = new Set(page.map((row) => row.text("uuid") ?? ""));
        // No comparison with the `undefined` of an unreadable id is true.
        const idOf = (index: number) => page.at(index)?.integer("id") as Integer;
        return idOf(0) >= this.#first && idOf(-1) <= this.#last;
    }

    /** Returns the ids of the rows of these instances in order; null when one of them is not of the page. */
    async idsOf(table: string, uuids: readonly string[]): Promise<Integer[] | null> {
        if (!uuids.every((uuid) => this.#page.has(uuid))) {
            return null;
        }
        const found = this.#found.get(table) ?? this.#find(table);
        this.#found.set(table, found);
        const rows = await found;
        return uuids
            .flatMap((uuid) => rows.get(uuid) ?? [])
            .sort((one, other) => (one < other ? -1 : Number(one > other)));
    }

    async #find(table: string): Promise<Map<string, Integer[]>> {
        const instances = "SELECT uuid FROM instances WHERE id >= ? AND id <= ?";
        const sql = `SELECT instance_uuid, id FROM ${table} WHERE instance_uuid IN (${instances})`;
        const found = new Map<string, Integer[]>();
        let [current, ids]: [string, Integer[]] = ["", []];
        const keep = () => found.set(current, [...(found.get(current) ?? []), ...ids]);
        // The rows of an instance lie together in the index. A list that grows would take several times the memory.
        for (const { 0: uuid, 1: id } of await this.#reader.run(sql, { values: [this.#first, this.#last] })) {
            if (uuid !== current) {
                keep();
                [current, ids] = [uuid as string, []];
            }
            ids.push(id as Integer);
        }
        keep();
        return found;
    }
}
