import { type ConductorOptions, TableConductor } from "../tables/conductor.js";
import { Database } from "./database.js";
import { IndexedDbStore } from "./store.js";

/** Nova's tables in a database of the browser. */
export class IndexedDbConductor extends TableConductor {
    readonly #database: Database;

    /** @internal */
    constructor(database: Database, options?: ConductorOptions) {
        super(new IndexedDbStore(database), options);
        this.#database = database;
    }

    /** Close the connection, once what was begun is done. Every method answers `DBError` from now on. */
    close(): void {
        this.#database.close();
    }
}

/**
 * A conductor on the IndexedDB database of a name, which is made where there is none. Any number of tabs and workers
 * may have it open. Where one wants to delete it, or to open it in a newer version, all others are closed.
 *
 * `DBError` where it cannot be opened, `ValueError` on an unknown release.
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

/** Delete the database of a name with all that is in it, if there is one; `DBError` where that cannot be. */
export function deleteDatabase(name: string): Promise<void> {
    return Database.delete(name);
}
