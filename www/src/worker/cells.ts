// The cells: for each one a conductor with Nova's tables, its entry in the console's own tables, and the index of its
// servers.

import type { DocumentInput } from "nova-compute-utils";
import { deleteDatabase, indexedDbConductor, type TableConductor } from "nova-compute-utils/hosts/browser";
import { memoryConductor } from "nova-compute-utils/hosts/memory";

import { type CellInfo, type CellSettings, type ConsoleEvent, type Release, type StorageState, type Table } from "./api.js";
import { ConsoleError, problemOf } from "./errors.js";
import { jsonText } from "./json.js";
import { deleteOwnTables, IndexedDbTables, MemoryTables, OWN_DATABASE, type OwnTables } from "./own-tables.js";
import { type Packed, ServerIndex, serverRow } from "./server-index.js";

/** How many rows are read at once. */
export const PAGE = 1000;

/** The channel on which tabs tell each other that a cell changed. */
const CHANNEL = "nova-console";

/** An open cell. */
export interface Cell {
    info: CellInfo;
    conductor: TableConductor & { close?(): void };
    /** Where the rows are that Nova's tables lack. */
    own: OwnTables;
    /** The index; a promise while it is built. */
    index: Promise<ServerIndex>;
    /** What was computed from the tables; empty after each change. */
    memo: Map<string, Promise<unknown>>;
    /** Lets other tabs use the name of a cell that is being imported. */
    unlock: () => void;
}

/** How many computed results a cell keeps. */
const MEMO_SIZE = 8;

/** Returns a computed result of a cell, or computes it. */
export function remember<T>({ memo }: Cell, key: string, compute: () => Promise<T>): Promise<T> {
    let result = memo.get(key) as Promise<T> | undefined;
    if (result === undefined) {
        result = compute();
        result.catch(() => memo.delete(key));
        if (memo.size >= MEMO_SIZE) {
            memo.delete(memo.keys().next().value ?? "");
        }
        memo.set(key, result);
    }
    return result;
}

export class Cells {
    /** The own rows of the cells that are in memory. */
    readonly #memory = new MemoryTables();
    #own: OwnTables = this.#memory;
    #storage: StorageState = { kind: "memory", reason: null, persisted: false, usage: null, quota: null };
    readonly #infos = new Map<string, CellInfo>();
    readonly #open = new Map<string, Promise<Cell>>();
    readonly #emit: (event: ConsoleEvent) => void;
    readonly #channel = new BroadcastChannel(CHANNEL);

    constructor(emit: (event: ConsoleEvent) => void) {
        this.#emit = emit;
        this.#channel.onmessage = ({ data }: MessageEvent<{ cell: string; tables: Table[] }>) => void this.#reload(data);
    }

    /** Where the own rows of a cell are. */
    own(name: string): OwnTables {
        return this.#infos.get(name)?.in_memory === true ? this.#memory : this.#own;
    }

    get storage(): StorageState {
        return this.#storage;
    }

    async start(): Promise<void> {
        try {
            this.#own = await IndexedDbTables.open();
            this.#storage = { ...this.#storage, kind: "indexeddb" };
        } catch (error) {
            this.#storage = { ...this.#storage, reason: problemOf(error).message };
        }
        await this.#readInfos();
        await this.#removeUnfinished();
        await this.estimate();
    }

    /** Goes on in memory. What is in IndexedDB stays there, and is not shown. */
    async useMemory(reason: string): Promise<void> {
        for (const { name } of this.list().filter(({ in_memory }) => !in_memory)) {
            await this.#forget(name);
        }
        this.#own.close();
        this.#own = this.#memory;
        this.#storage = { kind: "memory", reason, persisted: false, usage: null, quota: null };
        this.#emit({ type: "storage", storage: this.#storage });
        this.#changed(null);
    }

    /** Imports go to memory from here. What is in IndexedDB stays in use. */
    leaveNoRoom(): void {
        const reason = "the browser has no more room, so what is imported from now on is not stored";
        this.#storage = { ...this.#storage, kind: "memory", reason };
        this.#emit({ type: "storage", storage: this.#storage });
    }

    async estimate(): Promise<StorageState> {
        // Forbidden where the page has no storage at all.
        const estimate = await navigator.storage?.estimate?.().catch(() => null);
        const persisted = this.#own !== this.#memory && ((await navigator.storage?.persisted?.()) ?? false);
        this.#storage = { ...this.#storage, persisted, usage: estimate?.usage ?? null, quota: estimate?.quota ?? null };
        this.#emit({ type: "storage", storage: this.#storage });
        return this.#storage;
    }

    list(): CellInfo[] {
        return [...this.#infos.values()];
    }

    /** Returns an open cell; `NoCell` when it is not here. */
    async get(name: string): Promise<Cell> {
        const info = this.#infos.get(name);
        if (info === undefined) {
            throw new ConsoleError({
                code: "NoCell",
                message: `the cell \`${name}\` is not in this browser`,
                remedy: `The link was made from \`${name}\`: drop that file here.`,
            });
        }
        let cell = this.#open.get(name);
        if (cell === undefined) {
            cell = this.#openCell(info);
            cell.catch(() => this.#open.delete(name));
            this.#open.set(name, cell);
        }
        return cell;
    }

    /** Makes an empty cell with a name like the wanted one. It is listed once `save` is called. */
    async create(wanted: string, release: Release): Promise<Cell> {
        const base = wanted.trim() === "" ? "cell" : wanted.trim();
        const in_memory = this.#storage.kind === "memory";
        let name = base;
        let unlock: (() => void) | null = null;
        for (let number = 2; ; number += 1) {
            const isFree = !this.#infos.has(name) && !this.#open.has(name);
            // Another tab may be importing a file of this name.
            unlock = isFree ? (in_memory ? () => undefined : await lockCell(name)) : null;
            if (unlock !== null) {
                break;
            }
            name = `${base} (${number})`;
        }
        const tables = { instances: 0, services: 0, task_log: 0, instance_actions: 0, instance_actions_events: 0 };
        const info: CellInfo = {
            name,
            release,
            tables: { ...tables, instance_faults: 0, bw_usage_cache: 0, volume_usage_cache: 0, notifications: 0 },
            in_memory,
            period: null,
            from: null,
            to: null,
            now: null,
            glance_endpoint: null,
            imports: [],
        };
        try {
            // What an interrupted import of this name has left.
            await this.#drop(info);
            const conductor = await this.#conductor(info);
            const own = in_memory ? this.#memory : this.#own;
            const index = Promise.resolve(new ServerIndex());
            const cell: Cell = { info, conductor, own, index, memo: new Map(), unlock };
            this.#open.set(name, Promise.resolve(cell));
            return cell;
        } catch (error) {
            unlock();
            throw error;
        }
    }

    /** Writes the entry of a cell and tells every page. */
    async save(cell: Cell, tables: Table[]): Promise<void> {
        const { info, own, unlock } = cell;
        if (tables.includes("instances") && !info.in_memory) {
            const index = await cell.index;
            // The next start reads it instead of all servers.
            await own.put([{ key: ["index", info.name], value: index.pack() }]);
        }
        await own.put([{ key: ["cell", info.name], value: info }]);
        cell.memo.clear();
        this.#infos.set(info.name, info);
        unlock();
        this.#changed({ cell: info.name, tables });
        this.#channel.postMessage({ cell: info.name, tables });
    }

    /** Changes what the console assumes of a cell. */
    async update(name: string, changes: Partial<CellSettings>): Promise<void> {
        const cell = await this.get(name);
        Object.assign(cell.info, changes);
        await this.save(cell, []);
    }

    async remove(name: string): Promise<void> {
        const cell = await this.#open.get(name)?.catch(() => null);
        const info = cell?.info ?? this.#infos.get(name);
        await this.#forget(name);
        if (info !== undefined) {
            await this.#drop(info);
        }
        cell?.unlock();
        this.#changed({ cell: name, tables: [] });
        this.#channel.postMessage({ cell: name, tables: [] });
    }

    /** Leaves no database behind. */
    async clear(): Promise<void> {
        const names = [...new Set([...this.#infos.keys(), ...this.#open.keys()])];
        for (const name of names) {
            await this.#forget(name);
        }
        this.#own.close();
        this.#memory.close();
        try {
            // Databases of imports that were never finished, and those from before the console went on in memory, too.
            for (const name of new Set([...(await cellDatabases()), ...names])) {
                await deleteDatabase(databaseOf(name));
            }
            await deleteOwnTables();
        } catch (error) {
            // Where the browser allows no database, there is none.
            if (this.#storage.kind === "indexeddb") {
                throw error;
            }
        }
        this.#changed(null);
        this.#channel.postMessage({ cell: "", tables: [] });
    }

    /** Closes a cell, and takes it off the list. */
    async #forget(name: string): Promise<void> {
        const cell = await this.#open.get(name)?.catch(() => null);
        cell?.conductor.close?.();
        this.#open.delete(name);
        this.#infos.delete(name);
    }

    /** Deletes the rows of a cell. */
    async #drop({ name, in_memory }: CellInfo): Promise<void> {
        const own = in_memory ? this.#memory : this.#own;
        if (!in_memory) {
            await deleteDatabase(databaseOf(name));
        }
        for (const kind of ["cell", "index", "service", "notification", "unreadable"]) {
            await own.remove([kind, name]);
        }
    }

    /** Deletes what imports have left that ended with their tab. */
    async #removeUnfinished(): Promise<void> {
        if (this.#storage.kind === "memory") {
            return;
        }
        for (const name of await cellDatabases()) {
            const unlock = this.#infos.has(name) ? null : await lockCell(name);
            if (unlock !== null) {
                // A tab that keeps it open is frozen; the next start tries again.
                await this.#drop({ name, in_memory: false } as CellInfo).catch(() => undefined);
                unlock();
            }
        }
    }

    async #openCell(info: CellInfo): Promise<Cell> {
        const own = this.own(info.name);
        const conductor = await this.#conductor(info);
        const index = this.#readIndex({ info, conductor, own });
        return { info, conductor, own, index, memo: new Map(), unlock: () => undefined };
    }

    #readIndex({ info, conductor, own }: Pick<Cell, "info" | "conductor" | "own">): Promise<ServerIndex> {
        const index = own.get(["index", info.name]).then((packed) =>
            packed === undefined ? buildIndex(conductor) : ServerIndex.unpack(packed as Packed),
        );
        // Its reader reports the error.
        index.catch(() => undefined);
        return index;
    }

    #conductor({ name, in_memory }: CellInfo): Promise<TableConductor & { close?(): void }> {
        return in_memory ? Promise.resolve(memoryConductor()) : indexedDbConductor(databaseOf(name));
    }

    async #readInfos(): Promise<void> {
        const stored = await this.#own.list(["cell"]);
        for (const { name } of this.list().filter(({ in_memory }) => !in_memory)) {
            this.#infos.delete(name);
        }
        for (const { value } of stored) {
            const info = value as CellInfo;
            this.#infos.set(info.name, info);
        }
    }

    /** Another tab changed a cell: what this worker has of it is out of date. */
    async #reload(changed: { cell: string; tables: Table[] }): Promise<void> {
        // A cell in memory, or one that is being imported here, is another of the same name.
        const isMine = this.#infos.get(changed.cell)?.in_memory === true || this.#own === this.#memory;
        if (isMine || (this.#open.has(changed.cell) && !this.#infos.has(changed.cell))) {
            return;
        }
        if (changed.cell === "") {
            // Everything was cleared. Reading the list would make the database again.
            for (const { name } of this.list().filter(({ in_memory }) => !in_memory)) {
                await this.#forget(name);
            }
        } else {
            await this.#readInfos();
            await this.#renew(changed);
        }
        this.#changed(changed);
    }

    /** Renews an open cell after a change by another tab. A job of this tab may be using it, so it stays open. */
    async #renew({ cell: name, tables }: { cell: string; tables: Table[] }): Promise<void> {
        const info = this.#infos.get(name);
        const cell = await this.#open.get(name)?.catch(() => null);
        if (info === undefined) {
            await this.#forget(name);
        } else if (cell != null) {
            this.#infos.set(name, Object.assign(cell.info, info));
            cell.memo.clear();
            if (tables.includes("instances")) {
                cell.index = this.#readIndex(cell);
            }
        }
    }

    #changed(changed: { cell: string; tables: Table[] } | null): void {
        this.#emit({ type: "cells", cells: this.list(), changed });
    }
}

function databaseOf(cell: string): string {
    return `${OWN_DATABASE}/${cell}`;
}

/** The cells that have a database, listed or not. */
async function cellDatabases(): Promise<string[]> {
    const all = (await indexedDB.databases?.()) ?? [];
    return all.flatMap(({ name = "" }) => (name.startsWith(databaseOf("")) ? [name.slice(databaseOf("").length)] : []));
}

/**
 * Keeps other tabs from using the name of a cell that is being imported. Returns the function that ends this, or null
 * when another tab does it. The browser ends it with the tab.
 */
async function lockCell(name: string): Promise<(() => void) | null> {
    let unlock = (): void => undefined;
    if (navigator.locks === undefined) {
        // A page that comes by plain HTTP has no locks.
        return unlock;
    }
    const held = new Promise<void>((resolve) => (unlock = resolve));
    return new Promise((resolve, reject) => {
        const hold = (lock: Lock | null) => {
            resolve(lock === null ? null : unlock);
            return lock === null ? undefined : held;
        };
        navigator.locks.request(databaseOf(name), { ifAvailable: true }, hold).catch(reject);
    });
}

async function buildIndex(conductor: TableConductor): Promise<ServerIndex> {
    const index = new ServerIndex();
    let after: string | null = null;
    do {
        const page: { rows: DocumentInput[]; next: string | null } = await conductor.rowsPage("instances", { after, limit: PAGE });
        page.rows.forEach((document) => index.put(serverRow(documentOf(document))));
        after = page.next;
    } while (after !== null);
    return index;
}

/** Counts rows of a cell anew. */
export async function countRows({ info, conductor, own }: Cell, tables: readonly Table[]): Promise<void> {
    for (const table of tables) {
        if (table === "services" || table === "notifications") {
            info.tables[table] = await own.count([table === "services" ? "service" : "notification", info.name]);
        } else {
            info.tables[table] = await conductor.count(table);
        }
    }
}

/** Returns a document as text, as it is exported. */
export function textOf(document: DocumentInput): string {
    return typeof document === "string" ? document : jsonText(document);
}

/** Documents are kept as JSON text, which keeps what a `number` would round. */
export function documentOf(document: DocumentInput): Record<string, unknown> {
    return (typeof document === "string" ? JSON.parse(document) : document) as Record<string, unknown>;
}
