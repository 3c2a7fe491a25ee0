import { type ConductorOptions, TableConductor } from "../tables/conductor.js";
import { Database } from "./database.js";
import { IndexedDbStore } from "./store.js";

/** Nova's tables in an IndexedDB database. */
export class IndexedDbConductor extends TableConductor {
    readonly #database: Database;

    /** @internal */
    constructor(database: Database, options?: ConductorOptions) {
        super(new IndexedDbStore(database), options);
        this.#database = database;
    }

    /** Closes the connection after the pending transactions. Every later call fails with `DBError`. */
    close(): void {
        this.#database.close();
    }
}

/**
 * Opens a conductor on an IndexedDB database, which is created when it does not exist. Any number of tabs and workers
 * may have it open. All connections are closed when a tab deletes the database or opens it in a newer version.
 *
 * `DBError` when the database cannot be opened, `ValueError` on an unknown release.
 */
export async function indexedDbConductor(name: string, options?: ConductorOptions): Promise<IndexedDbConductor> {
    const database = await Database.open(name);
    try {
        return new IndexedDbConductor(database, options);
    } catch (error) {
        database.close();
        throw error;
    }
}

/** Deletes the IndexedDB database and all its rows, if it exists; `DBError` when it cannot be deleted. */
export function deleteDatabase(name: string): Promise<void> {
    return Database.delete(name);
}
