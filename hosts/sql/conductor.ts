import type {
    BwUsage,
    Conductor,
    Context,
    Document,
    DocumentInput,
    InstancePage,
    Integer,
    TaskLog,
    TaskLogKey,
    Timestamp,
    UnreadableInstance,
    WindowQuery,
} from "nova-compute-utils";

import type { BwUsageQuery } from "../tables/bw_usage.js";
import { COLUMNS, type NovaTable } from "../tables/columns.js";
import { type HostError, hostError, isHostError, noNetworkApi } from "../tables/error.js";
import { readRow } from "../tables/import.js";
import { readInteger } from "../tables/integer.js";
import { type Page, pageLimit, type PageQuery } from "../tables/page.js";
import type {
    BwUsageCacheRow,
    InstanceActionEventRow,
    InstanceActionRow,
    InstanceFaultRow,
    TaskLogRow,
    VolumeUsageCacheRow,
} from "../tables/row.js";
import { compareStrings, type TableRows } from "../tables/store.js";
import type { TaskLogQuery } from "../tables/task_log.js";
import { readTime } from "../tables/time.js";
import { RowsAhead } from "./ahead.js";
import { BLOCK_DEVICE, type BlockDeviceRow } from "./block_devices.js";
import { and, ANY, type Condition, equal, LIVE, oneOf } from "./condition.js";
import { type DialectName, dialectOf } from "./dialect.js";
import { type DocumentOptions, INSTANCE, readDocuments, selectOfInstances } from "./documents.js";
import * as instances from "./instances.js";
import { type RunSql, runStatement, TableReader } from "./reader.js";
import type { SqlColumns, SqlRow } from "./row.js";
import { type Schema, SERVICE, Tables, unknownSchema } from "./schema.js";

/** The options of {@link sqlConductor}. */
export interface SqlConductorOptions extends DocumentOptions {
    /** The kind of the database: `sqlite`. */
    dialect: DialectName;
}

/** The tables that {@link SqlConductor.rowsPage} reads row by row. */
export interface SqlTableRows extends Pick<TableRows, NovaTable> {
    block_device_mapping: BlockDeviceRow;
}

/** A row that cannot be read. */
export interface UnreadableRow {
    /** The number of the row; null when it cannot be read either. */
    id: Integer | null;
    /** What cannot be read. */
    error: HostError;
}

/** A page of a table of a database. */
export interface SqlPage<Row, Unreadable> extends Page<Row, Integer> {
    /** The rows that cannot be read. They belong to the page. */
    unreadable: Unreadable[];
}

/**
 * The tables of a Nova cell database, for reading. `Conductor` documents the methods that have no description here.
 *
 * A method that reads rows fails with `DBError` when the database does, and with `UnreadableColumn` on a value that is
 * not of the type of its column. The methods that write always fail with `ReadOnly`.
 */
export class SqlConductor implements Conductor {
    /** The tables of the database. */
    readonly schema: Readonly<Schema>;
    readonly #reader: TableReader;
    readonly #options: DocumentOptions;
    /** Where the rows of the other tables are for the last page of instances and those after it. */
    #ahead: RowsAhead | null = null;

    /** @internal */
    constructor(reader: TableReader, schema: Schema, options: DocumentOptions) {
        this.schema = schema;
        this.#reader = reader;
        this.#options = options;
    }

    async taskLogGet(_context: Context, task: TaskLogKey): Promise<TaskLog | null> {
        const [row] = await this.taskLogGetAll(task);
        if (row === undefined) {
            return null;
        }
        const { task_name, state, host, period_beginning, period_ending, message, task_items, errors } = row;
        return { task_name, state, host, period_beginning, period_ending, message, task_items, errors };
    }

    /** Returns the rows for a task and window, of one host or all, in one state or any. Nova: `task_log_get_all`. */
    async taskLogGetAll(query: TaskLogQuery): Promise<TaskLogRow[]> {
        const { task_name, period_beginning, period_ending, host, state } = query;
        const condition = and(
            LIVE,
            equal("task_name", task_name),
            this.#atTime("period_beginning", period_beginning),
            this.#atTime("period_ending", period_ending),
            host === null || host === undefined ? ANY : equal("host", host),
            state === null || state === undefined ? ANY : equal("state", state),
        );
        return this.#rows("task_log", condition, "ORDER BY id");
    }

    /** Always fails with `ReadOnly`. */
    taskLogBeginTask(): Promise<never> {
        return readOnly("taskLogBeginTask");
    }

    /** Always fails with `ReadOnly`. */
    taskLogEndTask(): Promise<never> {
        return readOnly("taskLogEndTask");
    }

    /**
     * Returns at most `limit` of the instances that the query selects, and never more than 1000, ordered by
     * `project_id` and then `uuid`. An instance with a value that is not of the type of its column is `unreadable`.
     * Nova: `instance_get_active_by_window_joined`.
     */
    async instanceGetActiveByWindow(
        _context: Context,
        query: WindowQuery & { marker: string | null; limit: number },
    ): Promise<InstancePage> {
        return instances.getActiveByWindow(this.#reader, this.#options, query);
    }

    /** Returns how many instances the query selects, unreadable ones included. */
    async instanceCountActiveByWindow(_context: Context, query: WindowQuery): Promise<number> {
        return instances.countActiveByWindow(this.#reader, query);
    }

    /** Always fails with `NoNetworkApi`: the network info that a database caches is already in the document. */
    instanceGetNwInfo(_context: Context, _instance: Document): Promise<DocumentInput> {
        return Promise.reject(noNetworkApi());
    }

    /** Returns the counters of a vif in a period, or null. Nova: `bw_usage_get`. */
    async bwUsageGet({ uuid, mac, start_period }: BwUsageQuery): Promise<BwUsageCacheRow | null> {
        const rows = await this.#bwUsage([uuid], start_period);
        return rows.find((row) => row.mac === mac) ?? null;
    }

    async bwUsageGetByUuids(
        _context: Context,
        { uuids, start_period }: { uuids: string[]; start_period: Timestamp },
    ): Promise<BwUsage[]> {
        const rows = await this.#bwUsage(uuids, start_period);
        return rows.map(({ uuid, mac, start_period, bw_in, bw_out }) => ({ uuid, mac, start_period, bw_in, bw_out }));
    }

    /**
     * Returns the volumes whose `tot_last_refreshed` or `curr_last_refreshed` is null or later than `begin`. Nova:
     * `vol_get_usage_by_time`.
     */
    async volGetUsageByTime({ begin }: { begin: Timestamp }): Promise<VolumeUsageCacheRow[]> {
        const [after] = this.#reader.dialect.timestamps(readTime(begin));
        const isLater = (column: string) => `${column} IS NULL OR ${column} > ?`;
        const sql = `${isLater("tot_last_refreshed")} OR ${isLater("curr_last_refreshed")}`;
        return this.#rows("volume_usage_cache", { sql, values: [after, after] }, "ORDER BY id");
    }

    /** Always fails with `ReadOnly`. */
    instanceFaultCreate(): Promise<never> {
        return readOnly("instanceFaultCreate");
    }

    /**
     * Returns the faults of each instance, newest first; with `latest` only the newest one. An instance without faults
     * has an empty list. Nova: `instance_fault_get_by_instance_uuids`.
     */
    async instanceFaultGetByInstanceUuids({
        instance_uuids,
        latest = false,
    }: {
        instance_uuids: string[];
        latest?: boolean;
    }): Promise<Record<string, InstanceFaultRow[]>> {
        const order = "ORDER BY created_at DESC, id DESC";
        const rows = await this.#rowsOf("instance_faults", ["instance_uuid", instance_uuids], LIVE, order);
        const faults = groupByInstance(instance_uuids, rows);
        // Nova looks for the highest id here, and not for the newest timestamp.
        const newest = (rows: InstanceFaultRow[]) => rows.sort((one, other) => other.id - one.id).slice(0, 1);
        const shown = (rows: InstanceFaultRow[]) => (latest ? newest(rows) : rows);
        return Object.fromEntries(Object.entries(faults).map(([uuid, rows]) => [uuid, shown(rows)]));
    }

    /** Returns the actions of an instance, newest first. Nova: `actions_get`. */
    actionsGet({ instance_uuid }: { instance_uuid: string }): Promise<InstanceActionRow[]> {
        const condition = and(LIVE, equal("instance_uuid", instance_uuid));
        return this.#rows("instance_actions", condition, "ORDER BY created_at DESC, id DESC");
    }

    /** Returns the events of an action, newest first. Nova: `action_events_get`. */
    actionEventsGet({ action_id }: { action_id: number }): Promise<InstanceActionEventRow[]> {
        const condition = and(LIVE, equal("action_id", action_id));
        return this.#rows("instance_actions_events", condition, "ORDER BY created_at DESC, id DESC");
    }

    /** Always fails with `ReadOnly`. */
    actionStart(): Promise<never> {
        return readOnly("actionStart");
    }

    /** Always fails with `ReadOnly`. */
    actionFinish(): Promise<never> {
        return readOnly("actionFinish");
    }

    /** Always fails with `ReadOnly`. */
    actionEventStart(): Promise<never> {
        return readOnly("actionEventStart");
    }

    /** Always fails with `ReadOnly`. */
    actionEventFinish(): Promise<never> {
        return readOnly("actionEventFinish");
    }

    /**
     * Returns the block devices of each instance, oldest first, without soft-deleted ones. An instance without block
     * devices has an empty list. Nova: `block_device_mapping_get_all_by_instance_uuids`.
     */
    async blockDevicesByInstanceUuids({
        instance_uuids,
    }: {
        instance_uuids: string[];
    }): Promise<Record<string, BlockDeviceRow[]>> {
        const table = "block_device_mapping";
        const rows = this.#reader.tables.has(table)
            ? await selectOfInstances(this.#reader, table, columnsOf(table), instance_uuids, LIVE, this.#ahead)
            : [];
        return groupByInstance(instance_uuids, rows.map((row) => readTableRow(table, row)));
    }

    /** Returns the hosts that have a `nova-compute` service, in alphabetical order. */
    async computeHosts(): Promise<string[]> {
        return hostNames(await this.#services(LIVE));
    }

    /**
     * Returns the hosts that an instance or a `nova-compute` service names, deleted ones included, in alphabetical
     * order.
     */
    async knownHosts(): Promise<string[]> {
        const isNamed = { sql: "host IS NOT NULL", values: [] };
        const named = await this.#reader.select("instances", { host: "text" }, isNamed, "GROUP BY host");
        return hostNames([...named, ...(await this.#services(ANY))]);
    }

    /**
     * Returns a page of a table in the order of `id`, soft-deleted rows included. For `instances`, returns documents as
     * `instanceGetActiveByWindow` does. The rows of another table can be passed to `importRows` of the other
     * conductors, except those of `block_device_mapping`.
     */
    rowsPage(table: "instances", query?: PageQuery<Integer>): Promise<SqlPage<Document, UnreadableInstance>>;
    rowsPage<Name extends keyof SqlTableRows>(
        table: Name,
        query?: PageQuery<Integer>,
    ): Promise<SqlPage<SqlTableRows[Name], UnreadableRow>>;
    async rowsPage(
        table: "instances" | keyof SqlTableRows,
        { after = null, limit }: PageQuery<Integer> = {},
    ): Promise<SqlPage<unknown, unknown>> {
        const columns = columnsOf(table);
        const size = pageLimit(limit);
        const isAfter = after === null ? ANY : { sql: "id > ?", values: [readInteger("after", after)] };
        const found = await this.#reader.select(table, columns, isAfter, `ORDER BY id LIMIT ${size + 1}`);
        const page = found.slice(0, size);
        const next = found.length > size ? idOf(table, page) : null;
        if (table === "instances") {
            await this.#lookAhead(page, { isFirst: after === null, isLast: next === null });
            const { instances, unreadable } = await readDocuments(this.#reader, page, this.#options, this.#ahead);
            return { rows: instances, unreadable, next };
        }
        const [rows, unreadable]: [unknown[], UnreadableRow[]] = [[], []];
        for (const row of page) {
            try {
                rows.push(readTableRow(table, row));
            } catch (error) {
                if (!isHostError(error)) {
                    throw error;
                }
                unreadable.push({ id: row.integer("id") ?? null, error });
            }
        }
        return { rows, unreadable, next };
    }

    /** Returns the number of rows of a table, soft-deleted ones included. */
    async count(table: "instances" | keyof SqlTableRows): Promise<number> {
        columnsOf(table);
        return this.#reader.count(table, ANY);
    }

    /** Prepares the reading of a page of instances. A single page needs no preparation. */
    async #lookAhead(page: SqlRow[], { isFirst, isLast }: { isFirst: boolean; isLast: boolean }): Promise<void> {
        if (isFirst) {
            this.#ahead = null;
        }
        if (isFirst && isLast) {
            return;
        }
        if (this.#ahead?.turnTo(page) !== true) {
            const ahead = await RowsAhead.from(this.#reader, page);
            this.#ahead = ahead?.turnTo(page) === true ? ahead : null;
        }
    }

    #atTime(column: string, time: Timestamp): Condition {
        return oneOf(column, this.#reader.dialect.timestamps(readTime(time)));
    }

    /** Includes soft-deleted rows, as Nova does. */
    async #bwUsage(uuids: string[], start_period: Timestamp): Promise<BwUsageCacheRow[]> {
        return this.#rowsOf(
            "bw_usage_cache",
            ["uuid", uuids],
            this.#atTime("start_period", start_period),
            "ORDER BY id",
        );
    }

    #services(condition: Condition): Promise<SqlRow[]> {
        return this.#reader.select("services", SERVICE, and(equal("binary", "nova-compute"), condition), "ORDER BY id");
    }

    async #rows<Name extends keyof SqlTableRows>(
        table: Name,
        condition: Condition,
        order: string,
    ): Promise<SqlTableRows[Name][]> {
        const rows = await this.#reader.select(table, columnsOf(table), condition, order);
        return rows.map((row) => readTableRow(table, row));
    }

    async #rowsOf<Name extends keyof SqlTableRows>(
        table: Name,
        uuids: [column: string, uuids: string[]],
        condition: Condition,
        order: string,
    ): Promise<SqlTableRows[Name][]> {
        const rows = await this.#reader.selectOf(table, columnsOf(table), uuids, condition, order);
        return rows.map((row) => readTableRow(table, row));
    }
}

/**
 * Opens a conductor on a Nova cell database that `run` reads. Checks the tables first, and creates nothing.
 *
 * `UnknownSchema` when the database lacks a table or column that Nova databases of its age have; the error has the
 * arguments `missing`, `found` (the tables of the database) and `alembic_version`. `DBError` when the database cannot
 * be read, `ValueError` on an unknown dialect.
 */
export async function sqlConductor(run: RunSql, options: SqlConductorOptions): Promise<SqlConductor> {
    const dialect = dialectOf(options.dialect);
    const select = (sql: string): Promise<ArrayLike<unknown>[]> => runStatement(run, sql);
    const columns = await select(dialect.columns([...Tables.NAMES, "alembic_version"]));
    const tables = new Tables(columns.map(({ 0: table, 1: column }) => [String(table), String(column)]));
    const hasVersion = tables.has("alembic_version", "version_num");
    const [version] = hasVersion ? await select("SELECT version_num FROM alembic_version LIMIT 1") : [];
    const alembic_version = version === undefined ? null : String(version[0]);
    const lacks = tables.lacks();
    if (lacks.length > 0) {
        const found = (await select(dialect.tables)).map(({ 0: table }) => String(table));
        throw unknownSchema(lacks, found, alembic_version);
    }
    const schema = { release: tables.release, alembic_version, missing: tables.missing() };
    return new SqlConductor(new TableReader(run, dialect, tables), schema, options);
}

function readOnly(method: string): Promise<never> {
    return Promise.reject(hostError("ReadOnly", `the database is open for reading: \`${method}\` cannot write to it`));
}

function columnsOf(table: "instances" | keyof SqlTableRows): SqlColumns {
    const columns: Record<string, SqlColumns> = { ...COLUMNS, block_device_mapping: BLOCK_DEVICE, instances: INSTANCE };
    const found = Object.hasOwn(columns, table) ? columns[table] : undefined;
    if (found === undefined) {
        throw hostError("ValueError", `unknown table \`${table}\`: give one of ${Object.keys(columns).join(", ")}`);
    }
    return found;
}

/** Reads a row as `importRows` takes it. */
function readTableRow<Name extends keyof SqlTableRows>(table: Name, row: SqlRow): SqlTableRows[Name] {
    const document = row.document();
    if (table === "block_device_mapping") {
        return document as unknown as SqlTableRows[Name];
    }
    try {
        return readRow(table, document) as SqlTableRows[Name];
    } catch (error) {
        throw isHostError(error) ? hostError("UnreadableColumn", error.message, { arguments: error.arguments }) : error;
    }
}

/** Returns the `id` of the last row of a page, which the next one continues. */
function idOf(table: string, page: SqlRow[]): Integer | null {
    const id = page.at(-1)?.integer("id");
    if (id === undefined) {
        throw hostError("DBError", `the column \`${table}.id\` contains a value that is not an integer`);
    }
    return id;
}

function groupByInstance<Row extends { instance_uuid: string | null }>(
    uuids: string[],
    rows: Row[],
): Record<string, Row[]> {
    const groups = new Map<string, Row[]>(uuids.map((uuid) => [uuid, []]));
    for (const row of rows) {
        groups.get(row.instance_uuid ?? "")?.push(row);
    }
    return Object.fromEntries(groups);
}

/** Returns the host names of rows. A name that is not UTF-8 text is left out. */
function hostNames(rows: SqlRow[]): string[] {
    const names = new Set(rows.flatMap((row) => row.text("host") ?? []));
    return [...names].sort(compareStrings);
}
