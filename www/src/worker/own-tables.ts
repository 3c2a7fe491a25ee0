// The console's own database: what Nova's tables of a conductor lack. One object store; the key is a list of strings and
// numbers that begins with the kind: `["cell", name]`, `["service", cell, host]`, `["notification", cell, number]`,
// `["unreadable", cell, import]`, `["index", cell]`.

import { deleteDB, type IDBPDatabase, openDB, unwrap } from "idb";

export type OwnKey = [kind: string, ...rest: (string | number)[]];
export type Entry = { key: OwnKey; value: unknown };

/** The database's name. The databases of the cells have names that begin with it and a slash. */
export const OWN_DATABASE = "nova-console";
const STORE = "rows";

export interface OwnTables {
    put(entries: Entry[]): Promise<void>;
    /** Adds values under the prefix and the numbers after the last one, whichever tab put that. */
    append(prefix: OwnKey, values: unknown[]): Promise<void>;
    get(key: OwnKey): Promise<unknown>;
    /** The entries whose key begins with `prefix`, in order, after `after`, at most `limit`. */
    list(prefix: OwnKey, options?: { after?: OwnKey; limit?: number }): Promise<Entry[]>;
    count(prefix: OwnKey): Promise<number>;
    remove(prefix: OwnKey): Promise<void>;
    close(): void;
}

export function deleteOwnTables(): Promise<void> {
    return deleteDB(OWN_DATABASE);
}

/** IndexedDB orders an array after its prefixes, and arrays after all strings and numbers. */
function range(prefix: OwnKey, after?: OwnKey): IDBKeyRange {
    return IDBKeyRange.bound(after ?? prefix, [...prefix, []], after !== undefined);
}

export class IndexedDbTables implements OwnTables {
    #database: IDBPDatabase | null = null;

    /** Fails where the browser allows no database. */
    static async open(): Promise<IndexedDbTables> {
        const tables = new IndexedDbTables();
        await tables.#open();
        return tables;
    }

    async put(entries: Entry[]): Promise<void> {
        const transaction = (await this.#open()).transaction(STORE, "readwrite");
        // A failed request aborts the transaction, and `done` reports its error. `unwrap` avoids a promise per request.
        const store = unwrap(transaction.store);
        entries.forEach(({ key, value }) => store.put(value, key));
        await transaction.done;
    }

    async append(prefix: OwnKey, values: unknown[]): Promise<void> {
        const transaction = (await this.#open()).transaction(STORE, "readwrite");
        const cursor = await transaction.store.openKeyCursor(range(prefix), "prev");
        const first = numberAfter(cursor?.key as OwnKey | undefined);
        const store = unwrap(transaction.store);
        values.forEach((value, place) => store.put(value, [...prefix, first + place]));
        await transaction.done;
    }

    async get(key: OwnKey): Promise<unknown> {
        return (await this.#open()).get(STORE, key);
    }

    async list(prefix: OwnKey, { after, limit }: { after?: OwnKey; limit?: number } = {}): Promise<Entry[]> {
        const store = (await this.#open()).transaction(STORE).store;
        const keys = range(prefix, after);
        const [found, values] = await Promise.all([store.getAllKeys(keys, limit), store.getAll(keys, limit)]);
        return found.map((key, place) => ({ key: key as OwnKey, value: values[place] as unknown }));
    }

    async count(prefix: OwnKey): Promise<number> {
        return (await this.#open()).count(STORE, range(prefix));
    }

    async remove(prefix: OwnKey): Promise<void> {
        await (await this.#open()).delete(STORE, range(prefix));
    }

    close(): void {
        this.#database?.close();
        this.#database = null;
    }

    /** Opens the database, again after another tab has deleted it. */
    async #open(): Promise<IDBPDatabase> {
        this.#database ??= await openDB(OWN_DATABASE, 1, {
            upgrade: (database) => void database.createObjectStore(STORE),
            blocking: () => this.close(),
            terminated: () => this.close(),
        });
        return this.#database;
    }
}

/** The same in memory, for a browser that has no room or allows no database. */
export class MemoryTables implements OwnTables {
    /** The entries of each kind and cell, in order. */
    readonly #groups = new Map<string, Entry[]>();

    async put(entries: Entry[]): Promise<void> {
        for (const entry of entries) {
            const name = groupOf(entry.key);
            const group = this.#groups.get(name) ?? [];
            this.#groups.set(name, group);
            const place = lowerBound(group, entry.key);
            const found = group[place];
            group.splice(place, found !== undefined && compare(found.key, entry.key) === 0 ? 1 : 0, entry);
        }
    }

    async append(prefix: OwnKey, values: unknown[]): Promise<void> {
        const first = numberAfter(this.#matching(prefix).at(-1)?.key);
        await this.put(values.map((value, place) => ({ key: [...prefix, first + place], value })));
    }

    async get(key: OwnKey): Promise<unknown> {
        const group = this.#groups.get(groupOf(key)) ?? [];
        const found = group[lowerBound(group, key)];
        return found !== undefined && compare(found.key, key) === 0 ? found.value : undefined;
    }

    async list(prefix: OwnKey, { after, limit = Infinity }: { after?: OwnKey; limit?: number } = {}): Promise<Entry[]> {
        const found = this.#matching(prefix);
        const from = after === undefined ? 0 : lowerBound(found, [...after, ""]);
        return found.slice(from, from + limit);
    }

    async count(prefix: OwnKey): Promise<number> {
        return this.#matching(prefix).length;
    }

    async remove(prefix: OwnKey): Promise<void> {
        const removed = new Set(this.#matching(prefix));
        for (const [name, group] of this.#groups) {
            this.#groups.set(name, removed.size === 0 ? group : group.filter((entry) => !removed.has(entry)));
        }
    }

    close(): void {
        this.#groups.clear();
    }

    #matching(prefix: OwnKey): Entry[] {
        const group = this.#groups.get(groupOf(prefix)) ?? [];
        // Most prefixes are the kind and the cell, which all entries of a group share.
        const isWhole = prefix.length <= (prefix[0] === "cell" ? 1 : 2);
        return isWhole ? group : group.filter(({ key }) => prefix.every((part, place) => key[place] === part));
    }
}

/** The number that follows the last part of a key; 0 without a key. */
function numberAfter(key: OwnKey | undefined): number {
    return key === undefined ? 0 : Number(key.at(-1)) + 1;
}

/** The place of the first entry whose key is not before `key`. */
function lowerBound(entries: Entry[], key: OwnKey): number {
    let [from, to] = [0, entries.length];
    while (from < to) {
        const middle = (from + to) >> 1;
        if (compare(entries[middle]?.key ?? key, key) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/** Entries of one kind and cell stand together. */
function groupOf([kind, cell]: OwnKey): string {
    return JSON.stringify(kind === "cell" ? [kind] : [kind, cell]);
}

function compare(one: OwnKey, other: OwnKey): number {
    for (let place = 0; place < Math.max(one.length, other.length); place += 1) {
        const [a, b] = [one[place], other[place]];
        if (a !== b) {
            if (a === undefined || b === undefined) {
                return a === undefined ? -1 : 1;
            }
            return a < b ? -1 : 1;
        }
    }
    return 0;
}
