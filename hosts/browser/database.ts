import { deleteDB, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";

import { type HostError, hostError, isHostError } from "../tables/error.js";
import { type Index, INDEXES, STORE_NAMES } from "../tables/store.js";

/** The version of the stores and indexes; increase it when one of them changes. */
const VERSION = 2;

/** The stores that version 1 has. */
const FIRST_STORES = STORE_NAMES.filter((name) => name !== "audit_checkpoints");

/** The time to wait for other tabs to close the database. */
const BLOCKED_TIMEOUT_MS = 3000;

/** A connection to an IndexedDB database. */
export class Database {
    readonly #name: string;
    #connection: IDBPDatabase | undefined;
    #closedBecause = "";

    private constructor(name: string) {
        this.#name = name;
    }

    static async open(name: string): Promise<Database> {
        const database = new Database(name);
        let missing: string | undefined;
        const open = (blocked: () => void) =>
            openDB(name, VERSION, {
                upgrade: (connection, oldVersion, _newVersion, transaction) => {
                    missing = upgrade(connection, oldVersion, transaction);
                },
                blocked,
                blocking: () => database.close("another tab deletes it, or has a newer version: reload the page"),
                terminated: () => database.close("the browser ended the connection: reload the page"),
            });
        const foreign = (store: string) =>
            hostError("DBError", `the database \`${name}\` belongs to another program: it has no store \`${store}\``);
        const connection = await withTimeout(name, open, (late) => late.close()).catch((error: unknown) => {
            throw missing === undefined ? error : foreign(missing);
        });
        missing = missingStore(connection, STORE_NAMES);
        if (missing !== undefined) {
            connection.close();
            throw foreign(missing);
        }
        database.#connection = connection;
        return database;
    }

    static async delete(name: string): Promise<void> {
        await withTimeout(name, (blocked) => deleteDB(name, { blocked }));
    }

    /** The connection; `DBError` after it was closed. */
    get connection(): IDBPDatabase {
        if (this.#connection === undefined) {
            throw hostError("DBError", `the database \`${this.#name}\` is closed: ${this.#closedBecause}`);
        }
        return this.#connection;
    }

    close(because = "close() was called"): void {
        if (this.#connection !== undefined) {
            this.#closedBecause = because;
            this.#connection.close();
            this.#connection = undefined;
        }
    }

    /** Returns the error as a `DBError`, or unchanged if it is a host's error already. */
    toHostError(error: unknown): HostError {
        return isHostError(error) ? error : databaseError(this.#name, error);
    }
}

function missingStore(connection: IDBPDatabase, names: readonly string[]): string | undefined {
    return names.find((name) => !connection.objectStoreNames.contains(name));
}

/**
 * Adds the stores that the database lacks. Leaves a database of another program unchanged and returns the name of a
 * store that it lacks.
 */
function upgrade(
    connection: IDBPDatabase,
    oldVersion: number,
    transaction: IDBPTransaction<unknown, string[], "versionchange">,
): string | undefined {
    const missing = oldVersion === 0 ? undefined : missingStore(connection, FIRST_STORES);
    if (missing !== undefined) {
        // The open request reports the abort.
        transaction.done.catch(() => undefined);
        transaction.abort();
        return missing;
    }
    const isMissing = (table: string) => missingStore(connection, [table]) !== undefined;
    for (const [table, indexes] of Object.entries(INDEXES).filter(([table]) => isMissing(table))) {
        const store = connection.createObjectStore(table, { keyPath: "id", autoIncrement: true });
        for (const [name, { columns, unique = false }] of Object.entries<Index>(indexes)) {
            store.createIndex(name, [...columns], { unique });
        }
    }
    if (isMissing("instances")) {
        const instances = connection.createObjectStore("instances", { keyPath: ["project_id", "uuid"] });
        instances.createIndex("host", ["host", "project_id", "uuid"], { unique: true });
    }
    return undefined;
}

/**
 * Runs `work`, which opens or deletes a database. Fails with `DBError` when other tabs still block it after
 * {@link BLOCKED_TIMEOUT_MS}. Other tabs of this program close their connections on request; a frozen tab or another
 * program may not. A result that arrives after the timeout is passed to `discard`.
 */
async function withTimeout<T>(
    name: string,
    work: (blocked: () => void) => Promise<T>,
    discard: (late: T) => void = () => undefined,
): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const result = new Promise<T>((resolve, reject) => {
        const giveUp = () => {
            reject(hostError("DBError", `another tab keeps the database \`${name}\` open: close that tab`));
            pending.then(discard, () => undefined);
        };
        const pending = work(() => {
            timer ??= setTimeout(giveUp, BLOCKED_TIMEOUT_MS);
        });
        pending.then(resolve, (error: unknown) => reject(databaseError(name, error)));
    });
    return result.finally(() => clearTimeout(timer));
}

function databaseError(name: string, error: unknown): HostError {
    return hostError("DBError", `the database \`${name}\` ${reasonOf(error)}`, { cause: error });
}

const REASONS = new Map([
    ["QuotaExceededError", "is full: the browser gives this site no more storage"],
    ["VersionError", "has a newer version: reload the page, or update the program"],
    ["InvalidStateError", "is closed, or the browser does not allow databases here"],
    ["ConstraintError", "already has a row with this key"],
]);

function reasonOf(error: unknown): string {
    const isError = error instanceof Error || error instanceof DOMException;
    const { name, message } = isError ? error : new Error(String(error));
    const failed = name === "DataCloneError" ? "cannot store the value" : "failed";
    return REASONS.get(name) ?? `${failed}: ${oneLine(message || name)}`;
}

function oneLine(message: string): string {
    return message.replace(/\s+/g, " ").replace(/\.$/, "");
}
