import { COLUMNS } from "../tables/columns.js";
import { type HostError, hostError } from "../tables/error.js";
import { CHILDREN, INSTANCE } from "./documents.js";

/** The tables of a database and what the conductor misses in them. */
export interface Schema {
    /**
     * The Nova release that the tables belong to. `grizzly`: they contain no flavor of an instance, except in its
     * system metadata (Nova 2013.1 to 2014.2). `hibiscus`: `instance_extra` contains the flavors (Nova 2015.1 and
     * later).
     */
    release: "grizzly" | "hibiscus";
    /** The version of the schema in the table `alembic_version`; null without that table. */
    alembic_version: string | null;
    /** The tables and columns (`table.column`) that Nova has added later, or that are optional. They read as null. */
    missing: string[];
}

/** The release of the columns that are not in {@link ADDED}. */
const OLDEST = "2013.1 (Grizzly)";

const KILO = "2015.1 (Kilo)";

/** The columns that Nova has added later, oldest release first. */
const ADDED: [release: string, table: string, columns: string[]][] = [
    ["2013.2 (Havana)", "block_device_mapping", ["boot_index"]],
    ["2013.2 (Havana)", "instances", ["locked_by"]],
    ["2013.2 (Havana)", "volume_usage_cache", ["instance_uuid", "project_id", "user_id", "availability_zone"]],
    [KILO, "instance_extra", ["flavor"]],
    ["14.0.0 (Newton)", "block_device_mapping", ["tag"]],
    ["18.0.0 (Rocky)", "instance_actions_events", ["host"]],
    ["20.0.0 (Train)", "instances", ["hidden"]],
    ["21.0.0 (Ussuri)", "instance_actions_events", ["details"]],
    ["28.0.0 (2023.2 Bobcat)", "instances", ["compute_id"]],
];

/** The tables that an audit needs. The other tables may be missing from a database. */
const NEEDED = [
    "instances",
    "instance_extra",
    "instance_info_caches",
    "instance_metadata",
    "instance_system_metadata",
    "services",
    "task_log",
];

/** The columns of `services` that the conductor reads. */
export const SERVICE = { id: "integer", host: "text", binary: "text", deleted: "integer" } as const;

/** The columns that the conductor uses of each table. */
const USED: [table: string, columns: string[]][] = [
    { table: "instances", columns: INSTANCE },
    ...CHILDREN,
    { table: "services", columns: SERVICE },
    ...Object.entries(COLUMNS).map(([table, columns]) => ({ table, columns })),
].map(({ table, columns }) => [table, Object.keys(columns)]);

/** The tables of a database, each with its columns. */
export class Tables {
    /** The tables that matter. */
    static readonly NAMES: readonly string[] = USED.map(([table]) => table);

    readonly #tables = new Map<string, Set<string>>();

    /** @param columns the names of a table and of one of its columns; the other tables do not matter */
    constructor(columns: Iterable<[table: string, column: string]>) {
        for (const [table, column] of columns) {
            const known = this.#tables.get(table) ?? new Set();
            this.#tables.set(table, known.add(column));
        }
    }

    has(table: string, column?: string): boolean {
        const columns = this.#tables.get(table);
        return columns !== undefined && (column === undefined || columns.has(column));
    }

    get release(): Schema["release"] {
        return this.has("instance_extra", "flavor") ? "hibiscus" : "grizzly";
    }

    /** Returns the used tables and columns that the database lacks. */
    missing(): string[] {
        return USED.flatMap(([table, columns]) =>
            this.has(table)
                ? columns.filter((column) => !this.has(table, column)).map((column) => `${table}.${column}`)
                : [table],
        );
    }

    /**
     * Returns the missing tables and columns that Nova has not added after the release of this database, and the
     * release that has added each. The newest column of {@link ADDED} that the database has shows its release.
     */
    lacks(): { name: string; since: string }[] {
        const position = (release: string) => ADDED.findIndex(([added]) => added === release);
        const present = ADDED.filter(([, table, columns]) => columns.some((column) => this.has(table, column)));
        const newest = position(present.at(-1)?.[0] ?? OLDEST);
        return this.missing().flatMap((name) => {
            const [table = "", column = ""] = name.split(".");
            if (column === "" && !NEEDED.includes(table)) {
                return [];
            }
            const added = ADDED.find(([, added, columns]) => added === table && columns.includes(column))?.[0];
            const since = table === "instance_extra" ? KILO : (added ?? OLDEST);
            return since !== OLDEST && position(since) >= newest ? [] : [{ name, since }];
        });
    }
}

/**
 * Creates the error of a database that is not one of Nova, or that is damaged.
 *
 * @param lacks the value of {@link Tables.lacks}
 * @param found the tables of the database
 */
export function unknownSchema(
    lacks: { name: string; since: string }[],
    found: string[],
    alembic_version: string | null,
): HostError {
    const [{ name, since } = { name: "", since: "" }] = lacks;
    const shown = found.slice(0, 5).map((table) => `\`${table}\``);
    const others = found.length > shown.length ? ", …" : "";
    const tables = found.length === 0 ? "it has no tables" : `its tables are ${shown.join(", ")}${others}`;
    const message = name.includes(".")
        ? `the database has no column \`${name}\`, which Nova has had since ${since}`
        : `the database has no table \`${name}\`: it is not a Nova cell database; ${tables}`;
    const missing = lacks.map(({ name }) => name);
    return hostError("UnknownSchema", message, { arguments: { missing, found, alembic_version } });
}
