import { type IDBPDatabase, type IDBPTransaction, unwrap } from "idb";

import type {
    IndexName,
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

/** Tables in a database of the browser, which keeps transactions of all tabs apart. */
export class IndexedDbStore implements Store {
    readonly #database: Database;

    constructor(database: Database) {
        this.#database = database;
    }

    async read<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#in((connection) => connection.transaction(tables, "readonly"), work);
    }

    async write<T>(tables: StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
        return this.#in((connection) => connection.transaction(tables, "readwrite"), work);
    }

    async #in<T, Mode extends IDBTransactionMode>(
        begin: (connection: IDBPDatabase) => IDBPTransaction<unknown, StoreName[], Mode>,
        work: (transaction: Transaction) => Promise<T>,
    ): Promise<T> {
        try {
            const transaction = begin(this.#database.connection);
            const done = transaction.done.then(
                () => undefined,
                (error: unknown) => ({ error }),
            );
            const answer = await work(new IndexedDbTransaction(transaction as Writing)).catch((error: unknown) => {
                abort(transaction);
                throw error;
            });
            // What was written counts only now.
            const failure = await done;
            if (failure !== undefined) {
                throw failure.error;
            }
            return answer;
        } catch (error) {
            throw this.#database.failed(error);
        }
    }
}

function abort(transaction: { abort(): void }): void {
    try {
        transaction.abort();
    } catch {
        // A failed request has done it already.
    }
}

type Writing = IDBPTransaction<unknown, StoreName[], "readwrite">;

class IndexedDbTransaction implements Transaction {
    readonly #transaction: Writing;

    constructor(transaction: Writing) {
        this.#transaction = transaction;
    }

    find<Name extends TableName>(table: Name, index: IndexName<Name>, key: Key): Promise<TableRows[Name][]> {
        return this.#transaction.objectStore(table).index(index).getAll(key);
    }

    all<Name extends TableName>(table: Name): Promise<TableRows[Name][]> {
        return this.#transaction.objectStore(table).getAll();
    }

    async insert<Name extends TableName>(table: Name, row: Omit<TableRows[Name], "id">): Promise<TableRows[Name]> {
        const id = await this.#transaction.objectStore(table).add(row);
        return { ...row, id } as TableRows[Name];
    }

    async update<Name extends TableName>(table: Name, row: TableRows[Name]): Promise<void> {
        await this.#transaction.objectStore(table).put(row);
    }

    instances(range: InstanceRange, limit: number): Promise<StoredInstance[]> {
        const store = this.#transaction.objectStore("instances");
        const stretch = keyRange(range);
        // A count of 32 bits is all that there is.
        const count = Math.min(limit, 2 ** 32 - 1);
        return range.host === null ? store.getAll(stretch, count) : store.index("host").getAll(stretch, count);
    }

    async putInstances(instances: StoredInstance[]): Promise<void> {
        // A promise for each would take longer than the work. Where one fails, all of the transaction does.
        const store = unwrap(this.#transaction.objectStore("instances"));
        for (const instance of instances) {
            store.put(instance);
        }
    }
}

/** In IndexedDB a list comes before a longer one that begins with it, and text before every list. */
function keyRange({ host, project_id, after }: InstanceRange): IDBKeyRange {
    const prefix = host === null ? [] : [host];
    const stretch = project_id === null ? prefix : [...prefix, project_id];
    const end = [...stretch, []];
    return after === null
        ? IDBKeyRange.bound(stretch, end)
        : IDBKeyRange.bound([...prefix, after.project_id, after.uuid], end, true);
}
