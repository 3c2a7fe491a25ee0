// Exports: tables and the list of servers as CSV or NDJSON, and a cell as one NDJSON file.

import type { DocumentInput } from "nova-compute-utils";

import {
    COVERAGE_STATES,
    type CoverageQuery,
    type ExportRequest,
    type JobResult,
    SERVER_COLUMNS,
    type ServerQuery,
    type Table,
    TABLES,
} from "./api.js";
import { type Cell, PAGE, textOf } from "./cells.js";
import type { Progress } from "./jobs.js";
import { jsonText } from "./json.js";
import type { OwnKey } from "./own-tables.js";
import { coverage, taskLogRows } from "./windows.js";

/** The kind of line that a cell file has for each table. */
const LINE_KINDS: Partial<Record<Table, string>> = { instances: "instance", services: "service", notifications: "notification" };

/** How many characters of lines are joined before they become a part of the file. */
const PART_CHARS = 4 * 1024 ** 2;

export async function exportRows(cell: Cell, request: ExportRequest, progress: Progress): Promise<JobResult> {
    const { what, format } = request;
    // The browser keeps the parts; strings of the whole file would fill the memory of the worker.
    const parts: Blob[] = [];
    let lines: string[] = [];
    let chars = 0;
    let rows = 0;
    const finishPart = () => {
        parts.push(new Blob(lines));
        [lines, chars] = [[], 0];
    };
    const write = (line: string) => {
        lines.push(line, "\n");
        chars += line.length;
        if (chars >= PART_CHARS) {
            finishPart();
        }
        rows += 1;
        progress.update({ done: rows });
    };
    let name: string;
    if (what.kind === "cell") {
        name = `${cell.info.name}.cell.ndjson`;
        const { name: cellName, release, period, from, to, now, glance_endpoint } = cell.info;
        const header = { nova_compute_utils: "cell", version: 1, cell: cellName, release, period, from, to, now };
        write(JSON.stringify({ ...header, glance_endpoint }));
        for (const table of TABLES) {
            const kind = LINE_KINDS[table] ?? table;
            for await (const row of tableRows(cell, table, progress)) {
                write(`{${JSON.stringify(kind)}:${textOf(row)}}`);
            }
        }
    } else if (what.kind === "servers") {
        name = `${cell.info.name}.servers.${format}`;
        await writeServers(cell, what.query, format, write, progress);
    } else if (what.kind === "windows") {
        name = `${cell.info.name}.windows.${format}`;
        await writeWindows(cell, what.query, format, write, progress);
    } else {
        name = `${cell.info.name}.${what.table}.${format}`;
        let columns: string[] | null = null;
        for await (const row of tableRows(cell, what.table, progress)) {
            if (format === "ndjson") {
                write(textOf(row));
                continue;
            }
            const values = (typeof row === "string" ? JSON.parse(row) : row) as Record<string, unknown>;
            if (columns === null) {
                columns = Object.keys(values);
                write(csvLine(columns));
            }
            write(csvLine(columns.map((column) => values[column])));
        }
    }
    finishPart();
    const type = format === "csv" ? "text/csv;charset=utf-8" : "application/x-ndjson";
    const plain = new Blob(parts, { type });
    if (request.gzip !== true) {
        return { kind: "export", name, blob: plain, rows };
    }
    const packed = await new Response(plain.stream().pipeThrough(new CompressionStream("gzip"))).blob();
    return { kind: "export", name: `${name}.gz`, blob: packed, rows };
}

async function writeServers(
    cell: Cell,
    query: ServerQuery,
    format: "csv" | "ndjson",
    write: (line: string) => void,
    progress: Progress,
): Promise<void> {
    const index = await cell.index;
    if (format === "csv") {
        write(csvLine([...SERVER_COLUMNS]));
        for (const row of index.all(query)) {
            progress.check();
            write(csvLine(SERVER_COLUMNS.map((column) => row[column])));
        }
        return;
    }
    const { found } = index.search(query);
    for (let from = 0; from < found; from += PAGE) {
        progress.check();
        const keys = index.range(query, from, from + PAGE).map(({ project_id, uuid }) => ({ project_id, uuid }));
        for (const document of await cell.conductor.getInstances(keys)) {
            // A server that another tab has removed since.
            if (document !== null) {
                write(textOf(document));
            }
        }
        await progress.pause();
    }
}

/** One line per host and window: its state, and the row of the task log where there is one. */
async function writeWindows(
    cell: Cell,
    query: CoverageQuery,
    format: "csv" | "ndjson",
    write: (line: string) => void,
    progress: Progress,
): Promise<void> {
    const { hosts, windows, states, errors, servers } = await coverage(cell, query);
    const rows = await taskLogRows(cell, query);
    const columns = ["host", "begin", "end", "state", "errors", "servers", "task_items", "message", "started_at", "ended_at"];
    if (format === "csv") {
        write(csvLine(columns));
    }
    for (const [place, host] of hosts.entries()) {
        progress.check();
        await progress.pause();
        for (const [number, { begin, end }] of windows.entries()) {
            const index = place * windows.length + number;
            const { task_items = null, message = null, created_at = null, updated_at = null } = rows(index) ?? {};
            const state = COVERAGE_STATES[states[index] ?? 0];
            const values = [host, begin, end, state, errors[index], servers[index], task_items, message, created_at, updated_at];
            const named = () => Object.fromEntries(columns.map((column, column_) => [column, values[column_]]));
            write(format === "csv" ? csvLine(values) : jsonText(named()));
        }
    }
}

async function* tableRows(cell: Cell, table: Table, progress: Progress): AsyncGenerator<DocumentInput> {
    const { conductor } = cell;
    if (table === "services" || table === "notifications") {
        yield* ownRows(cell, table === "services" ? "service" : "notification", progress);
        return;
    }
    let after: string | number | null = null;
    do {
        await progress.pause();
        progress.check();
        const page: { rows: DocumentInput[]; next: string | number | null } = await conductor.rowsPage(table as "instances", {
            after: after as string | null,
            limit: PAGE,
        });
        yield* page.rows;
        after = page.next;
    } while (after !== null);
}

async function* ownRows({ own, info }: Cell, kind: "service" | "notification", progress: Progress): AsyncGenerator<object> {
    let after: OwnKey | undefined;
    for (;;) {
        progress.check();
        const entries = await own.list([kind, info.name], { limit: PAGE, ...(after === undefined ? {} : { after }) });
        yield* entries.map(({ value }) => value as object);
        after = entries.at(-1)?.key;
        if (entries.length < PAGE) {
            return;
        }
    }
}

/** Writes a line of CSV (RFC 4180). A cell that a spreadsheet would run as a formula gets a leading apostrophe. */
function csvLine(values: unknown[]): string {
    return `${values.map(csvCell).join(",")}\r`;
}

function csvCell(value: unknown): string {
    if (value === null || value === undefined) {
        return "";
    }
    const text = typeof value === "object" ? jsonText(value) : String(value);
    const isNumber = typeof value === "number" || typeof value === "bigint";
    const harmless = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
