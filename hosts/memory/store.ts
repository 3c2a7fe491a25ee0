import { hostError } from "../tables/error.js";
import type { Columns } from "../tables/row.js";
import {
    type Index,
    INDEXES,
    type IndexName,
    type InstanceRange,
    type Key,
    type Store,
    type StoredInstance,
    type StoreName,
    type TableName,
    type TableRows,
    type Transaction,
} from "../tables/store.js";
import { Instances } from "./instances.js";

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
    #lastId = 0;
    readonly #indexes: (Index & { name: string; ids: Map<string, number[]> })[];

    constructor(indexes: Record<string, Index>) {
        this.#indexes = Object.entries(indexes).map(([name, index]) => ({ ...index, name, ids: new Map() }));
    }

    find(name: string, key: Key): Row[] {
        const ids = this.#indexes.find((index) => index.name === name)?.ids.get(JSON.stringify(key)) ?? [];
        return ids.flatMap((id) => this.#rows.get(id) ?? []).map((row) => ({ ...row }));
    }

    all(): Row[] {
        return structuredClone([...this.#rows.values()]);
    }

    /** Returns the row with the next number as `id`; `DBError` when a unique index already has its key. */
    number(values: Omit<Row, "id">): Row {
        const row = { ...values, id: this.#lastId + 1 } as Row;
        for (const { columns, unique, ids } of this.#indexes) {
            if (unique && ids.has(keyOf(row, columns))) {
                throw hostError("DBError", `UNIQUE constraint failed: ${columns.join(", ")}`);
            }
        }
        this.#lastId += 1;
        return row;
    }

    /** Inserts the row, or replaces the one with the same number, whose index keys are the same. */
    put(row: Row): void {
        const isNew = !this.#rows.has(row.id);
        this.#rows.set(row.id, row);
        for (const { columns, ids } of isNew ? this.#indexes : []) {
            const key = keyOf(row, columns);
            const others = ids.get(key);
            if (others === undefined) {
                ids.set(key, [row.id]);
            } else {
                others.push(row.id);
            }
        }
    }
}

function keyOf(row: object, columns: readonly string[]): string {
    const values: Record<string, unknown> = { ...row };
    return JSON.stringify(columns.map((column) => values[column]));
}

function clone<T>(value: T): T {
    try {
        return structuredClone(value);
    } catch (error) {
        const reason = error instanceof DOMException ? error.message.replace(/\.$/, "") : String(error);
        throw hostError("DBError", `the instance cannot be stored: ${reason}`, { cause: error });
    }
}
