// The index of a cell's servers: short columns in memory, which answer search, filter, sort and facets with row numbers.

import { type Document, type DocumentInput, infoFromInstance } from "nova-compute-utils";
import { readInstance } from "nova-compute-utils/hosts/browser";

import { type Facet, FACETS, type FacetValue, SERVER_COLUMNS, type ServerColumn, type ServerQuery, type ServerResult, type ServerRow } from "./api.js";

/** How many values of a facet the page gets. */
const FACET_VALUES = 30;

interface PackedColumn {
    values: string[];
    rows: Uint32Array;
}

/** An index as it is stored. */
export type Packed = { count: number; columns: Record<ServerColumn, PackedColumn> };

/** A column of strings; equal strings share one entry of `values`, but for those of the column `uuid`, which are all different. */
class Column {
    readonly values: string[] = [];
    /** The values in lower case. */
    readonly folded: string[] = [];
    readonly #numbers = new Map<string, number>();
    readonly #isUnique: boolean;
    rows = new Uint32Array(1024);

    constructor(name: ServerColumn) {
        // The index itself has the map of the uuids.
        this.#isUnique = name === "uuid";
    }

    set(row: number, value: string): void {
        let number = this.#isUnique && row < this.values.length ? row : this.#numbers.get(value);
        if (number === undefined) {
            number = this.#add(value);
        }
        if (row >= this.rows.length) {
            const larger = new Uint32Array(this.rows.length * 2);
            larger.set(this.rows);
            this.rows = larger;
        }
        this.rows[row] = number;
    }

    get(row: number): string {
        return this.values[this.rows[row] ?? 0] ?? "";
    }

    number(value: string): number {
        return this.#numbers.get(value) ?? -1;
    }

    #add(value: string): number {
        const number = this.values.push(value) - 1;
        this.folded.push(value.toLowerCase());
        if (!this.#isUnique) {
            this.#numbers.set(value, number);
        }
        return number;
    }

    pack(count: number): PackedColumn {
        return { values: this.values, rows: this.rows.slice(0, count) };
    }

    static unpack(name: ServerColumn, { values, rows }: PackedColumn): Column {
        const column = new Column(name);
        values.forEach((value) => void column.#add(value));
        column.rows = new Uint32Array(Math.max(rows.length, 1024));
        column.rows.set(rows);
        return column;
    }

    /** Whether each value contains a word: one byte per value. */
    hits(word: string): Uint8Array {
        // `Uint8Array.from` takes several times as long.
        const hits = new Uint8Array(this.folded.length);
        for (let number = 0; number < hits.length; number += 1) {
            hits[number] = Number(this.folded[number]?.includes(word));
        }
        return hits;
    }

    /** The place of each value in the order of the values. */
    order(): Uint32Array {
        const sorted = Array.from(this.folded.keys()).sort((one, other) => {
            const [a = "", b = ""] = [this.folded[one], this.folded[other]];
            return a < b ? -1 : Number(a > b);
        });
        const places = new Uint32Array(sorted.length);
        sorted.forEach((number, place) => (places[number] = place));
        return places;
    }
}

const SEARCHED: readonly ServerColumn[] = ["uuid", "name", "project_id", "host", "flavor"];

/** The values of a column that contain a word. */
interface Hits {
    column: Column;
    hit: Uint8Array;
}

/** Whether each word is in some column of a row. Loops, because a search asks it of every row. */
function isMatch(words: Hits[][], row: number): boolean {
    for (const columns of words) {
        let isFound = false;
        for (let place = 0; place < columns.length && !isFound; place += 1) {
            const { column, hit } = columns[place]!;
            isFound = hit[column.rows[row] ?? 0] === 1;
        }
        if (!isFound) {
            return false;
        }
    }
    return true;
}

interface Result {
    key: string;
    rows: Uint32Array;
    summary: ServerResult;
}

export class ServerIndex {
    #columns = Object.fromEntries(SERVER_COLUMNS.map((name) => [name, new Column(name)])) as Record<ServerColumn, Column>;
    readonly #rowOf = new Map<string, number>();
    #count = 0;
    #last: Result | null = null;
    /** All rows in the order of a column; one sort serves every search. */
    readonly #orders = new Map<string, Uint32Array>();

    pack(): Packed {
        const columns = SERVER_COLUMNS.map((name) => [name, this.#columns[name].pack(this.#count)]);
        return { count: this.#count, columns: Object.fromEntries(columns) as Packed["columns"] };
    }

    static unpack({ count, columns }: Packed): ServerIndex {
        const index = new ServerIndex();
        index.#count = count;
        const unpacked = SERVER_COLUMNS.map((name) => [name, Column.unpack(name, columns[name])]);
        index.#columns = Object.fromEntries(unpacked) as Record<ServerColumn, Column>;
        for (let row = 0; row < count; row += 1) {
            index.#rowOf.set(index.#columns.uuid.get(row), row);
        }
        return index;
    }

    get size(): number {
        return this.#count;
    }

    has(uuid: string): boolean {
        return this.#rowOf.has(uuid);
    }

    /** The projects and uuids under which a conductor keeps a server. */
    row(uuid: string): ServerRow | null {
        const row = this.#rowOf.get(uuid);
        return row === undefined ? null : this.#at(row);
    }

    put(row: ServerRow): void {
        let number = this.#rowOf.get(row.uuid);
        if (number === undefined) {
            number = this.#count++;
            this.#rowOf.set(row.uuid, number);
        }
        for (const column of SERVER_COLUMNS) {
            this.#columns[column].set(number, row[column]);
        }
        this.#last = null;
        this.#orders.clear();
    }

    search(query: ServerQuery): ServerResult {
        return this.#find(query).summary;
    }

    range(query: ServerQuery, from: number, to: number): ServerRow[] {
        return Array.from(this.#find(query).rows.subarray(from, to), (row) => this.#at(row));
    }

    position(query: ServerQuery, uuid: string): number {
        const row = this.#rowOf.get(uuid);
        return row === undefined ? -1 : this.#find(query).rows.indexOf(row);
    }

    /** All servers that a query finds, in order. */
    *all(query: ServerQuery): Generator<ServerRow> {
        for (const row of this.#find(query).rows) {
            yield this.#at(row);
        }
    }

    hosts(): string[] {
        return this.#columns.host.values.filter((host) => host !== "").sort();
    }

    /** How many servers of each host are active in each window: hosts × windows, row by host. */
    activeByHost(hosts: string[], windows: { begin: string; end: string }[]): Int32Array {
        const counts = new Int32Array(hosts.length * windows.length);
        for (const [host, , first, end] of this.#activeRanges(hosts, windows)) {
            for (let window = first; window < end; window += 1) {
                const place = host * windows.length + window;
                counts[place] = (counts[place] ?? 0) + 1;
            }
        }
        return counts;
    }

    /** The servers that are active on their host in any of the chosen windows, each once. */
    activeInAny(
        hosts: string[],
        windows: { begin: string; end: string }[],
        isChosen: (place: number) => boolean,
    ): ServerRow[] {
        const found: ServerRow[] = [];
        for (const [host, row, first, end] of this.#activeRanges(hosts, windows)) {
            for (let window = first; window < end; window += 1) {
                if (isChosen(host * windows.length + window)) {
                    found.push(this.#at(row));
                    break;
                }
            }
        }
        return found;
    }

    /** Yields for each server the number of its host and the range of the windows in which it is active. */
    *#activeRanges(hosts: string[], windows: { begin: string; end: string }[]): Generator<[number, number, number, number]> {
        const { host, launched_at, terminated_at } = this.#columns;
        const numbers = new Int32Array(host.values.length).fill(-1);
        hosts.forEach((name, place) => {
            const number = host.number(name);
            if (number >= 0) {
                numbers[number] = place;
            }
        });
        for (let row = 0; row < this.#count; row += 1) {
            const place = numbers[host.rows[row] ?? 0] ?? -1;
            const [launched, terminated] = [launched_at.get(row), terminated_at.get(row)];
            if (place < 0 || launched === "") {
                continue;
            }
            const first = windows.findIndex(({ end }) => launched < end);
            const last = terminated === "" ? windows.length : windows.filter(({ begin }) => terminated > begin).length;
            if (first >= 0 && first < last) {
                yield [place, row, first, last];
            }
        }
    }

    #at(row: number): ServerRow {
        return Object.fromEntries(SERVER_COLUMNS.map((name) => [name, this.#columns[name].get(row)])) as ServerRow;
    }

    #find(query: ServerQuery): Result {
        const key = JSON.stringify(query);
        if (this.#last?.key === key) {
            return this.#last;
        }
        const words = query.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
        // One byte per value and word: each distinct value is compared once.
        const matches = words.map((word) =>
            SEARCHED.map((name) => {
                const column = this.#columns[name];
                return { column, hit: column.hits(word) };
            }),
        );
        const chosen = FACETS.map((facet) => {
            const column = this.#columns[facet];
            const numbers = new Set(query.facets[facet].map((value) => column.number(value)));
            return { column, numbers, counts: new Uint32Array(column.values.length) };
        });
        const { launched_at, terminated_at } = this.#columns;
        const found = new Uint32Array(this.#count);
        let length = 0;
        for (const row of this.#sorted(query)) {
            if (!isMatch(matches, row) || (query.window !== null && !isActive(query.window, launched_at.get(row), terminated_at.get(row)))) {
                continue;
            }
            // A facet counts the servers that all other facets let through.
            let misses = 0;
            let missed = -1;
            for (let facet = 0; facet < chosen.length; facet += 1) {
                const { column, numbers } = chosen[facet]!;
                if (numbers.size > 0 && !numbers.has(column.rows[row] ?? 0)) {
                    misses += 1;
                    missed = facet;
                }
            }
            if (misses === 0) {
                found[length++] = row;
            }
            for (let facet = 0; misses < 2 && facet < chosen.length; facet += 1) {
                if (misses === 0 || missed === facet) {
                    const { column, counts } = chosen[facet]!;
                    const number = column.rows[row] ?? 0;
                    counts[number] = (counts[number] ?? 0) + 1;
                }
            }
        }
        const rows = found.slice(0, length);
        const facets = Object.fromEntries(
            FACETS.map((facet, place) => [facet, summarize(chosen[place]!, query.facets[facet])]),
        ) as Record<Facet, { values: FacetValue[]; more: number }>;
        this.#last = { key, rows, summary: { found: length, total: this.#count, facets } };
        return this.#last;
    }

    #sorted({ sort, descending }: ServerQuery): Uint32Array {
        const key = `${sort} ${descending}`;
        let rows = this.#orders.get(key);
        if (rows === undefined) {
            const column = this.#columns[sort];
            const order = column.order();
            const sign = descending ? -1 : 1;
            const place = (row: number) => order[column.rows[row] ?? 0] ?? 0;
            rows = Uint32Array.from({ length: this.#count }, (_, row) => row);
            rows.sort((one, other) => sign * (place(one) - place(other)) || one - other);
            this.#orders.set(key, rows);
        }
        return rows;
    }
}

/** Whether the row is one of `instance_get_active_by_window`: timestamps of the tables compare as strings. */
function isActive({ begin, end }: { begin: string; end: string }, launched: string, terminated: string): boolean {
    return (terminated === "" || terminated > begin) && launched !== "" && launched < end;
}

function summarize({ column, counts }: { column: Column; counts: Uint32Array }, chosen: string[]) {
    const values = column.values
        .map((value, number): FacetValue => ({ value, count: counts[number] ?? 0, chosen: chosen.includes(value) }))
        .filter(({ count, chosen }) => count > 0 || chosen)
        .sort((one, other) => Number(other.chosen) - Number(one.chosen) || other.count - one.count || (one.value < other.value ? -1 : 1));
    return { values: values.slice(0, FACET_VALUES), more: Math.max(0, values.length - FACET_VALUES) };
}

/** The names of flavors by their text in `instance_extra`: many servers share one. */
const flavorNames = new Map<string, string>();

const FLAVOR_NAMES = 10_000;

/** The name of a server's flavor, which Nova keeps in several forms. */
function flavorName(document: Record<string, unknown>): string {
    const { flavor } = document;
    if (typeof flavor === "object" && flavor !== null) {
        const { name } = flavor as { name?: unknown };
        if (typeof name === "string") {
            return name;
        }
    }
    const known = typeof flavor === "string" ? flavorNames.get(flavor) : undefined;
    if (known !== undefined) {
        return known;
    }
    let name = "";
    try {
        const release = typeof flavor === "string" ? "hibiscus" : "grizzly";
        const info = infoFromInstance({ release, instance: document as Document });
        name = typeof info["instance_type"] === "string" ? info["instance_type"] : "";
    } catch {
        // A server whose flavor Nova cannot read has none in the list; its payload shows the error.
    }
    if (typeof flavor === "string" && flavorNames.size < FLAVOR_NAMES) {
        flavorNames.set(flavor, name);
    }
    return name;
}

/** Reads the columns of a document of Nova. */
export function serverRow(document: Record<string, unknown>): ServerRow {
    const string = (name: string) => (typeof document[name] === "string" ? document[name] : "");
    // Timestamps compare as strings, so all have the form of the tables.
    const { launched_at, terminated_at } = readInstance(document as DocumentInput);
    return {
        uuid: string("uuid"),
        name: string("display_name"),
        project_id: string("project_id"),
        host: string("host"),
        flavor: flavorName(document),
        vm_state: string("vm_state"),
        launched_at: launched_at ?? "",
        terminated_at: terminated_at ?? "",
    };
}
