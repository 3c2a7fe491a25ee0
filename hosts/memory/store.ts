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

/** Tables in memory. What goes in and comes out is a copy. */
export class MemoryStore implements Store {
    readonly #tables: Tables = {
        task_log: new Table(INDEXES.task_log),
        instance_actions: new Table(INDEXES.instance_actions),
        instance_actions_events: new Table(INDEXES.instance_actions_events),
        instance_faults: new Table(INDEXES.instance_faults),
        bw_usage_cache: new Table(INDEXES.bw_usage_cache),
        volume_usage_cache: new Table(INDEXES.volume_usage_cache),
    };
    readonly #instances = new Instances();
    #last: Promise<unknown> = Promise.resolve();

    read<T>(_tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#afterTheLast(() => work(new MemoryTransaction(this.#tables, this.#instances)));
    }

    write<T>(_tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#afterTheLast(async () => {
            const transaction = new MemoryTransaction(this.#tables, this.#instances);
            const answer = await work(transaction);
            transaction.commit();
            return answer;
        });
    }

    /** One transaction at a time, or another would see what is half done. */
    #afterTheLast<T>(transaction: () => Promise<T>): Promise<T> {
        const answer = this.#last.then(transaction);
        this.#last = answer.catch(() => undefined);
        return answer;
    }
}

type Tables = { [Name in TableName]: Table<TableRows[Name]> };

/** Writes wait until the work is done: none of them is left where it fails. */
class MemoryTransaction implements Transaction {
    readonly #tables: Tables;
    readonly #instances: Instances;
    readonly #writes: (() => void)[] = [];

    constructor(tables: Tables, instances: Instances) {
        this.#tables = tables;
        this.#instances = instances;
    }

    commit(): void {
        for (const write of this.#writes) {
            write();
        }
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
        const copies = copy(instances);
        this.#writes.push(() => this.#instances.put(copies));
    }
}

/** Rows by number, and indexes of them. */
class Table<Row extends Columns> {
    readonly #rows = new Map<number, Row>();
    #numbered = 0;
    readonly #indexes: { columns: readonly string[]; unique: boolean; name: string; numbers: Map<string, number[]> }[];

    constructor(indexes: Record<string, Index>) {
        this.#indexes = Object.entries(indexes).map(([name, { columns, unique = false }]) => ({
            columns,
            unique,
            name,
            numbers: new Map(),
        }));
    }

    find(name: string, key: Key): Row[] {
        const numbers = this.#indexes.find((index) => index.name === name)?.numbers.get(JSON.stringify(key)) ?? [];
        return numbers.flatMap((number) => this.#rows.get(number) ?? []).map((row) => ({ ...row }));
    }

    all(): Row[] {
        return [...this.#rows.values()].map((row) => ({ ...row }));
    }

    /** The row with the next number; `DBError` where there is one like it already. */
    number(values: Omit<Row, "id">): Row {
        const row = { ...values, id: this.#numbered + 1 } as Row;
        for (const { columns, unique, numbers } of this.#indexes) {
            if (unique && numbers.has(keyOf(row, columns))) {
                throw hostError("DBError", `UNIQUE constraint failed: ${columns.join(", ")}`);
            }
        }
        this.#numbered += 1;
        return row;
    }

    put(row: Row): void {
        const isNew = !this.#rows.has(row.id);
        this.#rows.set(row.id, row);
        for (const { columns, numbers } of isNew ? this.#indexes : []) {
            const key = keyOf(row, columns);
            const others = numbers.get(key);
            if (others === undefined) {
                numbers.set(key, [row.id]);
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

function copy<T>(value: T): T {
    try {
        return structuredClone(value);
    } catch (error) {
        const reason = error instanceof DOMException ? error.message.replace(/\.$/, "") : String(error);
        throw hostError("DBError", `cannot store that: ${reason}`, error);
    }
}
