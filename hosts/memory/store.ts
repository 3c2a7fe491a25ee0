import { hostError } from "../tables/error.js";
import type { Columns } from "../tables/row.js";
import {
    type Index,
    INDEXES,
    type IndexName,
    type InstanceKey,
    type InstanceRange,
    type Key,
    type Store,
    type StoredInstance,
    type StoreName,
    type TableName,
    type TableRows,
    type Transaction,
} from "../tables/store.js";
import { firstIndex, Instances } from "./instances.js";

type Tables = { [Name in TableName]: Table<TableRows[Name]> };

/**
 * Tables in memory. Every row and document is copied on its way in and out.
 *
 * Transactions run one after another, so the store itself serves as the transaction. Writes take effect at the end of
 * the transaction, and reads in the same transaction do not see them.
 */
export class MemoryStore implements Store, Transaction {
    readonly #tables = Object.fromEntries(
        Object.entries(INDEXES).map(([name, indexes]) => [name, new Table(indexes)]),
    ) as unknown as Tables;
    readonly #instances = new Instances();
    #writes: (() => void)[] = [];
    #last: Promise<unknown> = Promise.resolve();

    transaction<T>(_tables: StoreName[], _mode: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
        const result = this.#last.then(async () => {
            this.#writes = [];
            const value = await work(this);
            this.#writes.forEach((write) => write());
            return value;
        });
        this.#last = result.catch(() => undefined);
        return result;
    }

    async find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]> {
        return this.#tables[table].find(index, key);
    }

    async all<Name extends TableName>(table: Name): Promise<TableRows[Name][]> {
        return this.#tables[table].all();
    }

    async page<Name extends TableName>(table: Name, after: number, limit: number): Promise<TableRows[Name][]> {
        return this.#tables[table].page(after, limit);
    }

    async count(table: StoreName): Promise<number> {
        return table === "instances" ? this.#instances.size : this.#tables[table].size;
    }

    async insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]> {
        const rows: Table<TableRows[Name]> = this.#tables[table];
        const numbered = rows.number(row);
        this.#writes.push(() => rows.put(numbered));
        return { ...numbered };
    }

    async update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void> {
        const rows: Table<TableRows[Name]> = this.#tables[table];
        this.#writes.push(() => rows.put({ ...row }));
    }

    async put<Name extends TableName>(table: Name, rows: TableRows[Name][]): Promise<void> {
        const stored: Table<TableRows[Name]> = this.#tables[table];
        stored.check(rows);
        this.#writes.push(() => rows.forEach((row) => stored.put({ ...row })));
    }

    async instance(key: InstanceKey): Promise<StoredInstance | undefined> {
        return this.#instances.get(key);
    }

    async instances(range: InstanceRange, limit: number): Promise<StoredInstance[]> {
        return this.#instances.range(range, limit);
    }

    async putInstances(instances: StoredInstance[]): Promise<void> {
        const copies = clone(instances);
        this.#writes.push(() => this.#instances.put(copies));
    }
}

/** The rows of a table by number, and its indexes. */
class Table<Row extends Columns> {
    readonly #rows = new Map<number, Row>();
    readonly #indexes: RowIndex[];
    /** The numbers of the rows in order; `undefined` after a row out of order, until `#ids` sorts them again. */
    #ordered: number[] | undefined = [];
    #lastId = 0;

    constructor(indexes: Record<string, Index>) {
        this.#indexes = Object.entries(indexes).map(([name, index]) => new RowIndex(name, index));
    }

    get size(): number {
        return this.#rows.size;
    }

    find(name: string, key: Key): Row[] {
        const ids = this.#indexes.find((index) => index.name === name)?.find(key) ?? [];
        return this.#get(ids).map((row) => ({ ...row }));
    }

    all(): Row[] {
        return structuredClone(this.#get(this.#ids()));
    }

    page(after: number, limit: number): Row[] {
        const ids = this.#ids();
        const start = firstIndex(ids, (id) => id > after);
        return structuredClone(this.#get(ids.slice(start, start + limit)));
    }

    /** Returns the row with the next number as `id`; `DBError` when a unique index already has its key. */
    number(values: Omit<Row, "id">): Row {
        const row = { ...values, id: this.#lastId + 1 } as Row;
        this.check([row]);
        this.#lastId += 1;
        return row;
    }

    /** Fails with `DBError` when putting these rows gives two rows the same unique key. */
    check(rows: Row[]): void {
        const changed = new Map(rows.map((row) => [row.id, row]));
        for (const index of this.#indexes.filter(({ unique }) => unique)) {
            const keys = new Set<string>();
            for (const row of changed.values()) {
                const key = index.keyOf(row);
                if (key !== undefined && (keys.has(key) || index.get(key).some((id) => !changed.has(id)))) {
                    throw hostError("DBError", `UNIQUE constraint failed: ${index.columns.join(", ")}`);
                }
                keys.add(key ?? "");
            }
        }
    }

    /** Inserts the row, or replaces the one with the same number. */
    put(row: Row): void {
        const replaced = this.#rows.get(row.id);
        this.#rows.set(row.id, row);
        for (const index of this.#indexes) {
            index.replace(replaced, row);
        }
        if (replaced === undefined) {
            const isLast = (this.#ordered?.at(-1) ?? 0) < row.id;
            this.#ordered = isLast ? this.#ordered : undefined;
            this.#ordered?.push(row.id);
        }
        this.#lastId = Math.max(this.#lastId, row.id);
    }

    #ids(): number[] {
        this.#ordered ??= [...this.#rows.keys()].sort((one, other) => one - other);
        return this.#ordered;
    }

    #get(ids: number[]): Row[] {
        return ids.flatMap((id) => this.#rows.get(id) ?? []);
    }
}

/** An index of a table: the numbers of the rows by their key, which is the JSON text of their values. */
class RowIndex {
    readonly name: string;
    readonly columns: readonly string[];
    readonly unique: boolean;
    readonly #ids = new Map<string, number[]>();

    constructor(name: string, { columns, unique }: Index) {
        this.name = name;
        this.columns = columns;
        this.unique = unique ?? false;
    }

    /** Returns the key of a row; `undefined` when the row is not in the index. */
    keyOf(row: Columns): string | undefined {
        const values: Record<string, unknown> = { ...row };
        const key = this.columns.map((column) => values[column]);
        return key.includes(null) ? undefined : JSON.stringify(key);
    }

    /** Returns the numbers of the rows with a key, in order. */
    get(key: string): number[] {
        return this.#ids.get(key) ?? [];
    }

    /** Returns the numbers of the rows that have these values in the first columns, in order. */
    find(values: Key): number[] {
        const key = JSON.stringify(values);
        if (values.length === this.columns.length) {
            return this.get(key);
        }
        const prefix = `${key.slice(0, -1)},`;
        const found = [...this.#ids].filter(([key]) => key.startsWith(prefix));
        return found.flatMap(([, ids]) => ids).sort((one, other) => one - other);
    }

    /** Puts a row into the index, in place of the one with the same number. */
    replace(replaced: Columns | undefined, row: Columns): void {
        const before = replaced === undefined ? undefined : this.keyOf(replaced);
        const after = this.keyOf(row);
        if (before === after) {
            return;
        }
        if (before !== undefined) {
            const others = this.get(before).filter((id) => id !== row.id);
            this.#ids.set(before, others);
        }
        if (after !== undefined) {
            this.#add(after, row.id);
        }
    }

    #add(key: string, id: number): void {
        const ids = this.#ids.get(key) ?? [];
        const isLast = (ids.at(-1) ?? 0) < id;
        ids.push(id);
        if (!isLast) {
            ids.sort((one, other) => one - other);
        }
        this.#ids.set(key, ids);
    }
}

function clone<T>(value: T): T {
    try {
        return structuredClone(value);
    } catch (error) {
        const reason = error instanceof DOMException ? error.message.replace(/\.$/, "") : String(error);
        throw hostError("DBError", `the instance cannot be stored: ${reason}`, { cause: error });
    }
}
