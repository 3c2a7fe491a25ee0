// Nova's cell databases, read where they lie. The import loads this file, and SQLite with it, only for a database.

import sqlite3InitModule, { type Database, type Sqlite3Static } from "@sqlite.org/sqlite-wasm";
import { sqlConductor, type SqlConductor } from "nova-compute-utils/hosts/sql";

import { LIMITS } from "./api.js";
import { ConsoleError } from "./errors.js";

/** The file is read in blocks of this many bytes. */
const BLOCK_BYTES = 64 * 1024;

/** How many blocks are read at once where the file is read in order, as tables are: 1 MiB. Indexes jump. */
const BLOCKS_AHEAD = 16;

/** How many blocks are kept: 12 MiB. A join reads a few places of the file in turn. */
const KEPT_BLOCKS = 192;

const VFS_NAME = "nova-console-file";

/** The compiler's library of pages does not have what only workers have. */
declare class FileReaderSync {
    /** `transfer` is of ES2024, which the compiler's library does not have. */
    readAsArrayBuffer(blob: Blob): ArrayBuffer & { transfer?(length: number): ArrayBuffer };
}

/** A file of the user, read synchronously and by blocks, so that its size does not matter. */
class BlockReader {
    readonly #blob: Blob;
    readonly #reader = new FileReaderSync();
    /** The blocks, least recently used first. */
    readonly #blocks = new Map<number, Uint8Array>();
    /** Why a read failed; SQLite reports only that it did. */
    failure: unknown;

    constructor(blob: Blob) {
        this.#blob = blob;
    }

    get size(): number {
        return this.#blob.size;
    }

    /** Fills `target` from `offset` on, with zeros after the end. Returns whether all of it is in the file. */
    read(target: Uint8Array, offset: number): boolean {
        for (let done = 0; done < target.length; ) {
            const place = offset + done;
            const block = this.#block(Math.floor(place / BLOCK_BYTES));
            const start = place % BLOCK_BYTES;
            const piece = block.subarray(start, start + target.length - done);
            if (piece.length === 0) {
                target.fill(0, done);
                return false;
            }
            target.set(piece, done);
            done += piece.length;
        }
        return true;
    }

    #block(number: number): Uint8Array {
        const kept = this.#blocks.get(number);
        if (kept !== undefined) {
            this.#blocks.delete(number);
            this.#blocks.set(number, kept);
            return kept;
        }
        const isNext = this.#blocks.has(number - 1);
        const start = number * BLOCK_BYTES;
        const piece = this.#blob.slice(start, start + (isNext ? BLOCKS_AHEAD : 1) * BLOCK_BYTES);
        const buffer = this.#reader.readAsArrayBuffer(piece);
        const bytes = new Uint8Array(buffer);
        if (number === 0 && bytes[18] === 2) {
            // SQLite opens a database in WAL mode only with its `-wal` file. With 1 in both bytes it reads the rest.
            bytes.set([1, 1], 18);
        }
        const block = this.#keep(number, bytes.subarray(0, BLOCK_BYTES));
        for (let from = BLOCK_BYTES; from < bytes.length; from += BLOCK_BYTES) {
            this.#keep(number + from / BLOCK_BYTES, bytes.subarray(from, from + BLOCK_BYTES));
        }
        // Frees the memory at once: the browser would collect it late, after many more.
        buffer.transfer?.(0);
        return block;
    }

    /** Keeps a copy of a block, in the memory of the least recently used one. */
    #keep(number: number, bytes: Uint8Array): Uint8Array {
        const replaced = this.#blocks.size < KEPT_BLOCKS ? number : (this.#blocks.keys().next().value ?? number);
        const memory = this.#blocks.get(replaced)?.buffer ?? new ArrayBuffer(BLOCK_BYTES);
        this.#blocks.delete(replaced);
        const block = new Uint8Array(memory as ArrayBuffer, 0, bytes.length);
        block.set(bytes);
        this.#blocks.set(number, block);
        return block;
    }
}

/** The files that SQLite may open, by name. */
const sources = new Map<string, BlockReader>();

let loading: Promise<Sqlite3Static> | undefined;

function load(): Promise<Sqlite3Static> {
    loading ??= start().catch((error: unknown) => {
        loading = undefined;
        throw error;
    });
    return loading;
}

async function start(): Promise<Sqlite3Static> {
    // The console needs none of the file systems that the library would add.
    const vfs = { kvvfs: true, opfs: true, "opfs-vfs": true, "opfs-sahpool": true, "opfs-wl": true };
    // Errors reach the page as exceptions. The library would print each one to the console, with its whole statement.
    const silent = () => undefined;
    Object.assign(globalThis, { sqlite3ApiConfig: { disable: { vfs }, error: silent, warn: silent } });
    const sqlite3 = await sqlite3InitModule();
    installVfs(sqlite3);
    return sqlite3;
}

/** Adds the file system whose files are the `sources`. It only reads. */
function installVfs(sqlite3: Sqlite3Static): void {
    const { capi, wasm } = sqlite3;
    const open = new Map<unknown, BlockReader>();
    const io = new capi.sqlite3_io_methods();
    Object.assign(io, { $iVersion: 1 });
    const zero = () => 0;
    const readOnly = () => capi.SQLITE_READONLY;
    const methods = {
        xClose(file: unknown) {
            open.delete(file);
            return 0;
        },
        xRead(file: unknown, target: number, length: number, offset: bigint) {
            const reader = open.get(file);
            try {
                const bytes = wasm.heap8u().subarray(target, target + length);
                return reader?.read(bytes, Number(offset)) === true ? 0 : capi.SQLITE_IOERR_SHORT_READ;
            } catch (error) {
                if (reader !== undefined) {
                    reader.failure = error;
                }
                return capi.SQLITE_IOERR_READ;
            }
        },
        xFileSize(file: unknown, size: number) {
            wasm.poke64(size, BigInt(open.get(file)?.size ?? 0));
            return 0;
        },
        xCheckReservedLock(_file: unknown, result: number) {
            wasm.poke32(result, 0);
            return 0;
        },
        xFileControl: () => capi.SQLITE_NOTFOUND,
        xSectorSize: () => 4096,
        // Nobody writes the file, so SQLite neither locks it nor looks for a journal.
        xDeviceCharacteristics: () => capi.SQLITE_IOCAP_IMMUTABLE,
        xWrite: readOnly,
        xTruncate: readOnly,
        xSync: zero,
        xLock: zero,
        xUnlock: zero,
    };
    const inherited = new capi.sqlite3_vfs(capi.sqlite3_vfs_find(null));
    const vfs = new capi.sqlite3_vfs();
    vfs.$iVersion = 1;
    vfs.$szOsFile = new capi.sqlite3_file().structInfo.sizeof;
    vfs.$mxPathname = 512;
    const { $xRandomness, $xSleep } = inherited as unknown as Record<string, number>;
    Object.assign(vfs, { $xRandomness, $xSleep });
    const vfsMethods = {
        xOpen(_vfs: unknown, name: number, file: number, flags: number, outFlags: number) {
            const reader = sources.get(name === 0 ? "" : (wasm.cstrToJs(name) ?? ""));
            if (reader === undefined || (flags & capi.SQLITE_OPEN_MAIN_DB) === 0) {
                return capi.SQLITE_CANTOPEN;
            }
            open.set(file, reader);
            const struct = new capi.sqlite3_file(file);
            struct.$pMethods = io.pointer;
            struct.dispose();
            wasm.poke32(outFlags, capi.SQLITE_OPEN_READONLY);
            return 0;
        },
        xDelete: readOnly,
        xAccess(_vfs: unknown, _name: number, _flags: number, result: number) {
            wasm.poke32(result, 0);
            return 0;
        },
        xFullPathname(_vfs: unknown, name: number, size: number, result: number) {
            return wasm.cstrncpy(result, name, size) < size ? 0 : capi.SQLITE_CANTOPEN;
        },
        xCurrentTime(_vfs: unknown, result: number) {
            wasm.poke64f(result, 2440587.5 + Date.now() / 86_400_000);
            return 0;
        },
        xGetLastError: zero,
    };
    sqlite3.vfs.installVfs({
        io: { struct: io, methods },
        vfs: { struct: vfs, methods: vfsMethods, name: VFS_NAME },
    } as never);
    inherited.dispose();
}

/** An open cell database. */
export interface CellDatabase {
    conductor: SqlConductor;
    /** What the reader must know of it. */
    notes: string[];
    close(): void;
}

let opened = 0;

/** Opens a cell database, and checks its tables: `UnknownSchema` when it is none. */
export async function openCellDatabase(blob: Blob): Promise<CellDatabase> {
    const sqlite3 = await load();
    const reader = new BlockReader(blob);
    opened += 1;
    const name = `source-${opened}`;
    sources.set(name, reader);
    let database: Database | undefined;
    const close = () => {
        database?.close();
        sources.delete(name);
    };
    try {
        database = new sqlite3.oo1.DB({ filename: name, flags: "r", vfs: VFS_NAME });
        const run = limited(sqlite3, database, reader);
        const conductor = await sqlConductor(run, { dialect: "sqlite", shares: true });
        const { alembic_version, missing } = conductor.schema;
        const notes = [`Schema version: ${alembic_version ?? "older than Alembic"}.`];
        const tables = missing.filter((name) => !name.includes("."));
        if (tables.length > 0) {
            notes.push(`The database has no table ${tables.map((table) => `\`${table}\``).join(", ")}.`);
        }
        return { conductor, notes, close };
    } catch (error) {
        close();
        throw reader.failure === undefined ? error : unreadableFile(reader.failure);
    }
}

/** Returns the function that runs SQL within the limits against hostile databases. */
function limited({ capi }: Sqlite3Static, database: Database, reader: BlockReader) {
    database.exec(
        `PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;
         PRAGMA hard_heap_limit = ${LIMITS.databaseHeapBytes}`,
    );
    capi.sqlite3_limit(database, capi.SQLITE_LIMIT_LENGTH, LIMITS.valueBytes);
    let deadline = 0;
    const isLate = () => (Date.now() > deadline ? 1 : 0);
    capi.sqlite3_progress_handler(database, 100_000, isLate, 0 as never);
    return (sql: string, parameters: unknown[]): unknown[][] => {
        deadline = Date.now() + LIMITS.statementSeconds * 1000;
        try {
            const options = { sql, rowMode: "array", returnValue: "resultRows" } as const;
            const bind = parameters as never;
            return database.exec(parameters.length > 0 ? { ...options, bind } : options) as unknown[][];
        } catch (error) {
            if (reader.failure !== undefined) {
                throw unreadableFile(reader.failure);
            }
            throw Date.now() > deadline ? new Error(`a query took more than ${LIMITS.statementSeconds} s`) : error;
        }
    };
}

function unreadableFile(failure: unknown): ConsoleError {
    const { name, message } = failure as DOMException;
    return new ConsoleError({
        code: "UnreadableFile",
        message: "the file cannot be read any more",
        cause: `${name}: ${message}`,
        remedy: "It was changed or removed since it was dropped: drop it again, or a copy that nobody writes.",
    });
}
