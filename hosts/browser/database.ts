import { deleteDB, type IDBPDatabase, openDB } from "idb";

import { type HostError, hostError, isHostError } from "../tables/error.js";
import { type Index, INDEXES } from "../tables/store.js";

/** Raised whenever the stores or indexes change. */
const VERSION = 1;

/** How long another tab may take to let go of the database, in milliseconds. */
const PATIENCE = 3000;

/** A connection to a database of the browser. */
export class Database {
    readonly #name: string;
    #connection: IDBPDatabase | undefined;
    #closedBecause = "close() was called";

    private constructor(name: string) {
        this.#name = name;
    }

    static async open(name: string): Promise<Database> {
        const database = new Database(name);
        const open = (blocked: () => void) =>
            openDB(name, VERSION, {
                upgrade,
                blocked,
                blocking: () => database.#close("another tab deletes it, or has a newer version: reload the page"),
                terminated: () => database.#close("the browser ended the connection: reload the page"),
            });
        database.#connection = await patiently(name, open, (connection) => connection.close());
        const missing = [...Object.keys(INDEXES), "instances"].find(
            (store) => !database.#connection?.objectStoreNames.contains(store),
        );
        if (missing !== undefined) {
            database.close();
            throw hostError("DBError", `the database \`${name}\` is another program's: it has no store \`${missing}\``);
        }
        return database;
    }

    static async delete(name: string): Promise<void> {
        await patiently(name, (blocked) => deleteDB(name, { blocked }), () => undefined);
    }

    /** The connection; `DBError` where it was closed. */
    get connection(): IDBPDatabase {
        if (this.#connection === undefined) {
            throw hostError("DBError", `the database \`${this.#name}\` is closed: ${this.#closedBecause}`);
        }
        return this.#connection;
    }

    close(): void {
        this.#close("close() was called");
    }

    /** What the database says, as an error of a host. Such an error is left as it is. */
    failed(error: unknown): HostError {
        return isHostError(error) ? error : databaseError(this.#name, error);
    }

    #close(because: string): void {
        if (this.#connection !== undefined) {
            this.#closedBecause = because;
            this.#connection.close();
            this.#connection = undefined;
        }
    }
}

function upgrade(connection: IDBPDatabase): void {
    for (const [table, indexes] of Object.entries(INDEXES)) {
        const store = connection.createObjectStore(table, { keyPath: "id", autoIncrement: true });
        for (const [name, { columns, unique = false }] of Object.entries<Index>(indexes)) {
            store.createIndex(name, [...columns], { unique });
        }
    }
    const instances = connection.createObjectStore("instances", { keyPath: ["project_id", "uuid"] });
    instances.createIndex("host", ["host", "project_id", "uuid"], { unique: true });
}

/**
 * Open or delete, and wait for other tabs no longer than is fair. They close when they are asked to; one that is
 * frozen, or runs another program, does not.
 */
async function patiently<T>(
    name: string,
    work: (blocked: () => void) => Promise<T>,
    tooLate: (answer: T) => void,
): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<T>((resolve, reject) => {
        const giveUp = () => {
            reject(hostError("DBError", `the database \`${name}\` is held by another tab: close that one`));
            pending.then(tooLate, () => undefined);
        };
        const pending = work(() => {
            timer ??= setTimeout(giveUp, PATIENCE);
        });
        pending.then(resolve, (error: unknown) => reject(databaseError(name, error)));
    });
    return answer.finally(() => clearTimeout(timer));
}

function databaseError(name: string, error: unknown): HostError {
    return hostError("DBError", `the database \`${name}\` ${reasonOf(error)}`, error);
}

function reasonOf(error: unknown): string {
    const isError = error instanceof Error || error instanceof DOMException;
    const { name, message } = isError ? error : new Error(String(error));
    switch (name) {
        case "QuotaExceededError":
            return "is full: the browser gives this site no more storage";
        case "VersionError":
            return "was made by a newer version: reload the page, or update";
        case "InvalidStateError":
            return "was closed, or the browser allows none here";
        case "ConstraintError":
            return "has such a row already";
        case "DataCloneError":
            return `cannot store that: ${oneLine(message)}`;
        default:
            return `failed: ${oneLine(message || name)}`;
    }
}

function oneLine(message: string): string {
    return message.replace(/\s+/g, " ").replace(/\.$/, "");
}
