// The importers: Nova's SQLite cells, instances as NDJSON or a JSON list, and cell files.

import type { Document } from "nova-compute-utils";
import { readInstance, readRow } from "nova-compute-utils/hosts/browser";
import type { SqlConductor } from "nova-compute-utils/hosts/sql";

import { type ImportRecord, type ImportRequest, type ImportSource, type JobResult, LIMITS, type Table, TABLES, type Unreadable } from "./api.js";
import { type Cell, type Cells, countRows, textOf } from "./cells.js";
import { ConsoleError, problemOf } from "./errors.js";
import { Cancelled, type Progress } from "./jobs.js";
import { jsonText, randomId } from "./json.js";
import type { Entry } from "./own-tables.js";
import { serverRow } from "./server-index.js";
import { bytesOf, inspect, isObject, type Line, linesOf, parseLine } from "./sources.js";
import { suggestPeriod } from "./windows.js";

/** How many rows are written in one transaction. */
const BATCH = 500;

/** How many characters the rows of one transaction may have, about. */
const BATCH_CHARS = 16 * 1024 ** 2;

const NOVA_TABLES = [
    "task_log",
    "instance_actions",
    "instance_actions_events",
    "instance_faults",
    "bw_usage_cache",
    "volume_usage_cache",
] as const;
type NovaTable = (typeof NOVA_TABLES)[number];

/** Reads sources into new cells. A source that fails leaves nothing of its cell. */
export async function importSources(cells: Cells, request: ImportRequest, progress: Progress): Promise<JobResult> {
    const total = request.sources.reduce((sum, { blob }) => sum + blob.size, 0);
    progress.update({ total });
    const result = { kind: "import" as const, cells: [] as string[], imports: [] as ImportRecord[] };
    const groups = request.together ? [request.sources] : request.sources.map((source) => [source]);
    let before = 0;
    try {
        for (const sources of groups) {
            const { name, imports } = await importCell(cells, sources, request, progress, before);
            result.cells.push(name);
            result.imports.push(...imports);
            before += sources.reduce((sum, { blob }) => sum + blob.size, 0);
            if (progress.signal.aborted) {
                break;
            }
        }
    } finally {
        // The page learns of the end of the import at once.
        void cells.estimate();
    }
    return result;
}

/** Reads sources into one new cell. Where the browser has no room for it, it is read again, into memory. */
async function importCell(
    cells: Cells,
    sources: ImportSource[],
    { release }: ImportRequest,
    progress: Progress,
    before: number,
): Promise<{ name: string; imports: ImportRecord[] }> {
    for (;;) {
        let cell: Cell | null = null;
        try {
            progress.check();
            cell = await cells.create(nameOf(sources[0]), release);
            const { info } = cell;
            let done = before;
            for (const source of sources) {
                progress.update({ cell: info.name, title: source.name });
                info.imports.push(await importSource(cell, source, progress, done));
                done += source.blob.size;
                if (progress.signal.aborted) {
                    break;
                }
            }
            await countRows(cell, TABLES);
            if (info.period === null) {
                await suggestPeriod(cell);
            }
            await cells.save(cell, [...TABLES]);
            return { name: info.name, imports: info.imports };
        } catch (error) {
            // Cancelled without keeping, or failed: nothing of this cell stays.
            if (cell !== null) {
                await cells.remove(cell.info.name);
            }
            if (problemOf(error).code !== "QuotaExceededError" || cells.storage.kind === "memory") {
                throw error;
            }
            cells.leaveNoRoom();
        }
    }
}

/** The name of the cell for a source: its file name without the ending of gzip. */
function nameOf(source: ImportSource | undefined): string {
    return (source?.name ?? "").replace(/\.gz$/i, "").slice(0, 80);
}

async function importSource(cell: Cell, source: ImportSource, progress: Progress, before: number): Promise<ImportRecord> {
    const { kind, gzip, problem, notes } = await inspect(source);
    if (kind === null || problem !== null) {
        throw new ConsoleError(problem ?? { code: "UnknownSource", message: `\`${source.name}\` is no source` });
    }
    const record: ImportRecord = {
        id: randomId(),
        source: source.name,
        kind,
        bytes: source.blob.size,
        at: new Date().toISOString().replace("Z", "000"),
        rows: {},
        unreadable: 0,
        cancelled: false,
        notes,
    };
    const batch = new Batch(cell, record);
    const onBytes = (read: number) => progress.update({ done: before + read });
    try {
        if (kind === "sqlite") {
            await importDatabase(cell, source.blob, gzip, batch, progress, onBytes);
        } else {
            for await (const lines of linesOf(bytesOf(source.blob, gzip, onBytes), kind)) {
                for (const line of lines) {
                    batch.add(line);
                }
                if (batch.isFull) {
                    await batch.write();
                    progress.update({ detail: batch.summary() });
                    await progress.pause();
                }
                progress.check();
            }
        }
    } catch (error) {
        await batch.settle();
        if (!(error instanceof Cancelled && error.keep)) {
            throw error;
        }
        record.cancelled = true;
    }
    await batch.flush();
    await batch.finish();
    return record;
}

/** Reads all tables of a Nova cell database, by pages. */
async function importDatabase(
    { info }: Cell,
    blob: Blob,
    gzip: boolean,
    batch: Batch,
    progress: Progress,
    onBytes: (read: number) => void,
): Promise<void> {
    const { openCellDatabase } = await import("./sqlite.js");
    // A database is read from many places, so a packed one is unpacked first. The browser keeps large blobs on the disk.
    const file = gzip ? await new Response(bytesOf(blob, true, () => progress.check())).blob() : blob;
    const database = await openCellDatabase(file);
    try {
        const { conductor } = database;
        info.release = conductor.schema.release;
        if (gzip) {
            batch.note(...database.notes);
        }
        for (const host of await conductor.computeHosts()) {
            batch.addService({ host, binary: "nova-compute" });
        }
        const tables = ["instances", ...NOVA_TABLES] as const;
        const totals: number[] = [];
        for (const table of tables) {
            // The pages report a table that cannot be read.
            totals.push(await conductor.count(table).catch(() => 0));
        }
        const total = totals.reduce((sum, rows) => sum + rows, 0);
        let read = 0;
        for (const table of tables) {
            const before = read;
            try {
                let after: number | bigint | null = null;
                do {
                    const page: SqlRows = await conductor.rowsPage(table as "task_log", { after, limit: BATCH });
                    if (table === "instances") {
                        await addBlockDevices(conductor, page.rows as Document[]);
                    }
                    page.rows.forEach((row) => batch.addRow(table, row));
                    page.unreadable.forEach((row) => batch.rejectRow(table, row));
                    await batch.write();
                    read += page.rows.length + page.unreadable.length;
                    onBytes(Math.round((blob.size * read) / Math.max(total, 1)));
                    progress.update({ detail: batch.summary() });
                    await progress.pause();
                    progress.check();
                    if (page.next !== null && after !== null && page.next <= after) {
                        throw new ConsoleError({ code: "DBError", message: "the rows are not in the order of their ids" });
                    }
                    after = page.next;
                } while (after !== null);
            } catch (error) {
                const { code, cause } = error as { code?: unknown; cause?: unknown };
                if (code !== "DBError" || problemOf(error).code === "QuotaExceededError" || isFileLost(cause)) {
                    throw isFileLost(cause) ? cause : error;
                }
                // A damaged page of the file: what comes before and the other tables are kept.
                const { message } = error as Error;
                batch.rejectRow(table, { error: new Error(`the rest of the table cannot be read: ${message}`) });
                batch.note(`The table \`${table}\` is damaged: ${read - before} rows were read before the damage.`);
            }
        }
    } finally {
        database.close();
    }
}

/** Puts the rows of the block devices into documents, as cell files have them. */
async function addBlockDevices(conductor: SqlConductor, documents: Document[]): Promise<void> {
    const instance_uuids = documents.map(({ uuid }) => uuid as string);
    const devices = await conductor.blockDevicesByInstanceUuids({ instance_uuids });
    for (const document of documents) {
        document["block_devices"] = (devices[document["uuid"] as string] ?? []) as unknown as Document[];
    }
}

/** A row or server of a database that cannot be read. */
interface UnreadableRow {
    error: unknown;
    id?: number | bigint | null;
    instance_id?: number | bigint | null;
    instance_uuid?: string | null;
}

interface SqlRows {
    rows: unknown[];
    unreadable: UnreadableRow[];
    next: number | bigint | null;
}

function isFileLost(cause: unknown): boolean {
    return cause instanceof ConsoleError && cause.code === "UnreadableFile";
}

/** A row with where it comes from. */
interface Read<Row> {
    line: Line;
    row: Row;
}

/** The rows that are read and not yet written. */
class Batch {
    readonly #cell: Cell;
    readonly #record: ImportRecord;
    readonly #unreadable: Unreadable[] = [];
    #instances: { text: string; document: Record<string, unknown> }[] = [];
    #rows = new Map<NovaTable, Read<unknown>[]>();
    #services: Entry[] = [];
    #notifications: unknown[] = [];
    #writing: Promise<void> = Promise.resolve();
    #size = 0;
    #chars = 0;

    constructor(cell: Cell, record: ImportRecord) {
        this.#cell = cell;
        this.#record = record;
    }

    get isFull(): boolean {
        return this.#size >= BATCH || this.#chars >= BATCH_CHARS;
    }

    summary(): string {
        const { rows, unreadable } = this.#record;
        const servers = `${(rows.instances ?? 0).toLocaleString("en")} servers`;
        return unreadable === 0 ? servers : `${servers}, ${unreadable.toLocaleString("en")} unreadable`;
    }

    note(...notes: string[]): void {
        this.#record.notes.push(...notes);
    }

    addService(row: { host: string; binary: string }): void {
        this.#services.push({ key: ["service", this.#cell.info.name, row.host, row.binary], value: row });
        this.#size += 1;
    }

    /** Adds a row of a database. */
    addRow(table: "instances" | NovaTable, row: unknown): void {
        const { id } = row as { id: number | bigint };
        const line = { number: Number(id), text: `id ${id}`, tooLong: false };
        if (table === "instances") {
            this.#instance(line, row, textOf(row as object));
        } else {
            this.#push(table, { line, row });
        }
    }

    /** Keeps an unreadable row of a database apart. */
    rejectRow(table: string, { error, ...names }: UnreadableRow): void {
        // The error of a column has the number of the row.
        const { id: ofColumn } = (error as { arguments?: { id?: unknown } }).arguments ?? {};
        const number = Number(names.id ?? names.instance_id ?? ofColumn ?? 0);
        this.#reject({ number, text: jsonText(names), tooLong: false }, table, problemOf(error).message);
    }

    /** Adds a line of text. */
    add(line: Line): void {
        this.#chars += line.text.length;
        const parsed = parseLine(line);
        if ("reason" in parsed) {
            this.#reject(line, null, parsed.reason);
            return;
        }
        const { value } = parsed;
        if (this.#record.kind !== "cell") {
            this.#instance(line, value, line.text);
            return;
        }
        if (!isObject(value)) {
            this.#reject(line, null, "not an object");
            return;
        }
        if (value["nova_compute_utils"] === "cell") {
            this.#header(value);
            return;
        }
        const [kind, row] = Object.entries(value)[0] ?? [];
        this.#row(line, kind ?? "", row);
    }

    /** Begins to write what is read, after what was read before. Meanwhile, the next rows are read. */
    async write(): Promise<void> {
        await this.#writing;
        const { conductor, own, info } = this.#cell;
        const [instances, tables, services, notifications] = [this.#instances, this.#rows, this.#services, this.#notifications];
        [this.#instances, this.#services, this.#notifications] = [[], [], []];
        this.#rows = new Map();
        [this.#size, this.#chars] = [0, 0];
        const write = async () => {
            const index = await this.#cell.index;
            if (instances.length > 0) {
                await conductor.addInstances(instances.map(({ text }) => text));
                instances.forEach(({ document }) => index.put(serverRow(document)));
                this.#count("instances", instances.length);
            }
            for (const [table, rows] of tables) {
                await this.#importRows(table, rows);
            }
            if (services.length > 0) {
                await own.put(services);
                this.#count("services", services.length);
            }
            if (notifications.length > 0) {
                await own.append(["notification", info.name], notifications);
                this.#count("notifications", notifications.length);
            }
        };
        this.#writing = write();
        // Its error is that of the next call.
        this.#writing.catch(() => undefined);
    }

    /** Writes all that is read. */
    async flush(): Promise<void> {
        await this.write();
        await this.#writing;
    }

    /** Waits until nothing is written. */
    async settle(): Promise<void> {
        await this.#writing.catch(() => undefined);
    }

    /** Writes the unreadable lines. */
    async finish(): Promise<void> {
        const { info, own } = this.#cell;
        await own.put([{ key: ["unreadable", info.name, this.#record.id], value: this.#unreadable }]);
    }

    /** Writes rows. When the table refuses one, such as a second row for one window and host, only that is kept apart. */
    async #importRows(table: NovaTable, rows: Read<unknown>[]): Promise<void> {
        try {
            await this.#cell.conductor.importRows(table, rows.map(({ row }) => row) as never);
            this.#count(table, rows.length);
        } catch (error) {
            const { cause } = error as { cause?: { name?: unknown } };
            const isRefused = cause === undefined || cause?.name === "ConstraintError";
            if (!isRefused || !["DBError", "ValueError"].includes(problemOf(error).code)) {
                throw error;
            }
            const [only] = rows;
            if (rows.length === 1 && only !== undefined) {
                this.#reject(only.line, table, problemOf(error).message);
                return;
            }
            const middle = rows.length >> 1;
            await this.#importRows(table, rows.slice(0, middle));
            await this.#importRows(table, rows.slice(middle));
        }
    }

    #header(header: Record<string, unknown>): void {
        const { info } = this.#cell;
        const text = (name: string) => (typeof header[name] === "string" ? header[name] : null);
        const release = header["release"];
        for (const name of ["period", "from", "to", "now", "glance_endpoint"] as const) {
            info[name] = text(name);
        }
        if (release === "grizzly" || release === "hibiscus") {
            info.release = release;
        }
    }

    #row(line: Line, kind: string, row: unknown): void {
        if (kind === "instance") {
            // The text of the row without its wrapper, so that no number is rounded.
            const text = /^\s*\{\s*"instance"\s*:\s*([^]*)\}\s*$/.exec(line.text)?.[1] ?? JSON.stringify(row);
            this.#instance(line, row, text);
        } else if (kind === "service" && isObject(row) && typeof row["host"] === "string") {
            this.addService({ ...row, host: row["host"], binary: String(row["binary"] ?? "") });
        } else if (kind === "notification" && isObject(row)) {
            this.#notifications.push(row);
            this.#size += 1;
        } else if (NOVA_TABLES.includes(kind as NovaTable)) {
            this.#try(line, kind as NovaTable, () => {
                const table = kind as NovaTable;
                this.#push(table, { line, row: readRow(table, row) });
            });
        } else {
            this.#reject(line, null, `unknown kind \`${kind.slice(0, 60)}\``);
        }
    }

    #instance(line: Line, value: unknown, text: string): void {
        this.#try(line, "instances", () => {
            const document = value as Record<string, unknown>;
            readInstance(document);
            this.#instances.push({ text, document });
            this.#size += 1;
        });
    }

    #push(table: NovaTable, read: Read<unknown>): void {
        const rows = this.#rows.get(table) ?? [];
        rows.push(read);
        this.#rows.set(table, rows);
        this.#size += 1;
    }

    #try(line: Line, table: Table, read: () => void): void {
        try {
            read();
        } catch (error) {
            this.#reject(line, table, problemOf(error).message);
        }
    }

    #reject({ number, text }: Line, table: string | null, reason: string): void {
        this.#record.unreadable += 1;
        if (this.#unreadable.length < LIMITS.unreadable) {
            this.#unreadable.push({ line: number > 0 ? number : null, table, reason, text: text.slice(0, LIMITS.unreadableText) });
        }
    }

    #count(table: Table, rows: number): void {
        this.#record.rows[table] = (this.#record.rows[table] ?? 0) + rows;
    }
}
