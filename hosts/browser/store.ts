import { type IDBPTransaction, unwrap } from "idb";

import type {
    IndexName,
    InstanceKey,
    InstanceRange,
    Key,
    Store,
    StoredInstance,
    StoreName,
    TableName,
    TableRows,
    Transaction,
} from "../tables/store.js";
import type { Database } from "./database.js";

/** Tables in an IndexedDB database. IndexedDB isolates the transactions of different tabs. */
export class IndexedDbStore implements Store {
    readonly #database: Database;

    constructor(database: Database) {
        this.#database = database;
    }

    async transaction<T>(
        tables: StoreName[],
        mode: "readonly" | "readwrite",
        work: (transaction: Transaction) => Promise<T>,
    ): Promise<T> {
        try {
            // A read-only transaction lacks the methods that write; `work` does not call them in that mode.
            const transaction = this.#database.connection.transaction(tables, mode) as ReadWriteTransaction;
            const failure = transaction.done.then(
                () => undefined,
                (error: unknown) => ({ error }),
            );
            const result = await work(new IndexedDbTransaction(transaction)).catch((error: unknown) => {
                abort(transaction);
                throw error;
            });
            // The writes are durable only when the transaction is done.
            const failed = await failure;
            if (failed !== undefined) {
                throw failed.error;
            }
            return result;
        } catch (error) {
            throw this.#database.toHostError(error);
        }
    }
}

function abort(transaction: ReadWriteTransaction): void {
    try {
        transaction.abort();
    } catch {
        // A failed request has already aborted the transaction.
    }
}

type ReadWriteTransaction = IDBPTransaction<unknown, StoreName[], "readwrite">;

class IndexedDbTransaction implements Transaction {
    readonly #transaction: ReadWriteTransaction;

    constructor(transaction: ReadWriteTransaction) {
        this.#transaction = transaction;
    }

    async find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]> {
        const rows: TableRows[Name][] = await this.#transaction
            .objectStore(table)
            .index(index)
            .getAll(prefixRange(key));
        // The index orders the rows of a prefix by the other columns.
        return rows.sort((one, other) => one.id - other.id);
    }

    all<Name extends TableName>(table: Name): Promise<TableRows[Name][]> {
        return this.#transaction.objectStore(table).getAll();
    }

    page<Name extends TableName>(table: Name, after: number, limit: number): Promise<TableRows[Name][]> {
        return this.#transaction.objectStore(table).getAll(IDBKeyRange.lowerBound(after, true), limit);
    }

    count(table: StoreName): Promise<number> {
        return this.#transaction.objectStore(table).count();
    }

    async insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]> {
        const id = await this.#transaction.objectStore(table).add(row);
        return { ...row, id } as TableRows[Name];
    }

    async update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void> {
        await this.#transaction.objectStore(table).put(row);
    }

    put<Name extends TableName>(table: Name, rows: TableRows[Name][]): Promise<void> {
        return this.#putAll(table, rows);
    }

    instance({ project_id, uuid }: InstanceKey): Promise<StoredInstance | undefined> {
        return this.#transaction.objectStore("instances").get([project_id, uuid]);
    }

    instances(range: InstanceRange, limit: number): Promise<StoredInstance[]> {
        const store = this.#transaction.objectStore("instances");
        const keys = keyRange(range);
        // `getAll` takes a count of 32 bits.
        const count = Math.min(limit, 2 ** 32 - 1);
        return range.host === null ? store.getAll(keys, count) : store.index("host").getAll(keys, count);
    }

    putInstances(instances: StoredInstance[]): Promise<void> {
        return this.#putAll("instances", instances);
    }

    async #putAll(table: StoreName, values: object[]): Promise<void> {
        // `unwrap` avoids idb's promise per request, which costs more than the request itself. A failed request aborts
        // the transaction, and `done` reports its error.
        const store = unwrap(this.#transaction.objectStore(table));
        for (const value of values) {
            store.put(value);
        }
    }
}

/** Returns the range of the keys that begin with these values. IndexedDB orders arrays after all strings. */
function prefixRange(values: Key): IDBKeyRange {
    return IDBKeyRange.bound(values, [...values, []]);
}

/** Converts a range to IndexedDB's form. IndexedDB orders an array after its prefixes. */
function keyRange({ host, project_id, after }: InstanceRange): IDBKeyRange {
    const hostKey = host === null ? [] : [host];
    const prefix = project_id === null ? hostKey : [...hostKey, project_id];
    return after === null
        ? prefixRange(prefix)
        : IDBKeyRange.bound([...hostKey, after.project_id, after.uuid], [...prefix, []], true);
}
