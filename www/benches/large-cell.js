// Large cells for measuring: copies of the servers of the real cell `month`, each with its own uuid, name, time of launch,
// project, host, flavor and network port, about 4 KB of JSON each. The same count gives the same files.
//
//     node benches/large-cell.js DIRECTORY [COUNT]
//
// writes `COUNT.ndjson` and `COUNT.sqlite`; the default count is 100,000.

import { closeSync, createWriteStream, openSync, statSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { cellDatabase, cellDocuments, openDatabase } from "../tests/support/databases.js";

export const HOSTS = 500;
const PROJECTS = 200;
/** The days of the task log; one host in five has no row of the last one. */
const DAYS = 30;

/** Spreads numbers over 32 bits, so that the order of the uuids is not that of the servers. The factor is odd: no two are equal. */
const FACTOR = 2654435761;
/** The four parts of the id of a project. */
const FACTORS = [FACTOR, 2246822519, 3266489917, 668265263];

const hex = (number, digits) => number.toString(16).padStart(digits, "0");
const uuidOf = (number) => `${hex(Math.imul(number, FACTOR) >>> 0, 8)}-${hex(number & 0xffff, 4)}-4000-8000-${hex(number, 12)}`;

/** Returns the name of a server, which a search finds. */
export const nameOf = (display_name, number) => `${display_name.replace(/\d+$/, "")}${number}`;

/** Writes servers as NDJSON. */
export async function writeInstances(path, count) {
    const documents = await cellDocuments("month");
    const file = createWriteStream(path);
    for (let number = 0; number < count; number += 1) {
        const document = documents[number % documents.length];
        const { info_cache, flavor } = document;
        const line = JSON.stringify({
            ...document,
            id: number + 1,
            uuid: uuidOf(number),
            display_name: nameOf(document.display_name, number),
            launched_at: document.launched_at === null ? null : `${document.launched_at.slice(0, 20)}${String(number).padStart(6, "0")}`,
            host: `cmp-${String(number % HOSTS).padStart(4, "0")}`,
            project_id: FACTORS.map((factor) => hex(Math.imul((number % PROJECTS) + 1, factor) >>> 0, 8)).join(""),
            flavor: flavor.replace('"name": "', `"name": "g${number % 4}.`),
            info_cache: { network_info: info_cache.network_info.replace('"devname": "tap', `"devname": "tap${hex(number, 5)}`) },
        });
        if (!file.write(`${line}\n`)) {
            await once(file, "drain");
        }
    }
    file.end();
    await once(file, "finish");
}

/** What each copy has of its own, as SQL of its number `n`. */
const UUID = `printf('%08x-%04x-4000-8000-%012x', (n * ${FACTOR}) & 0xffffffff, n & 0xffff, n)`;
const COPIED = {
    instances: {
        id: "n + 1",
        uuid: UUID,
        display_name: "rtrim(display_name, '0123456789') || n",
        launched_at: "substr(launched_at, 1, 20) || printf('%06d', n)",
        host: `printf('cmp-%04d', n % ${HOSTS})`,
        project_id: FACTORS.map((factor) => `printf('%08x', ((n % ${PROJECTS} + 1) * ${factor}) & 0xffffffff)`).join(" || "),
        // What the console does not read takes its room, too.
        user_data: "printf('%0400d', n)",
    },
    instance_extra: { flavor: `replace(flavor, '"name": "', '"name": "g' || (n % 4) || '.')` },
    instance_info_caches: { network_info: `replace(network_info, '"devname": "tap', printf('"devname": "tap%05x', n))` },
    instance_metadata: {},
    instance_system_metadata: {},
    block_device_mapping: { uuid: "printf('%08x-0000-4000-8000-%012x', old.id, n)" },
};

/** Writes a cell database with Nova's schema. */
export async function writeDatabase(path, count) {
    const month = await cellDatabase("month");
    openDatabase(month, "month", (database) => {
        const copy = (sql) => database.exec(sql);
        const created = (type) => database.selectValues(`SELECT sql FROM month.sqlite_master WHERE type = '${type}' AND sql IS NOT NULL`);
        copy("PRAGMA journal_mode = OFF; PRAGMA cache_size = -65536; BEGIN");
        created("table").forEach(copy);
        copy(`CREATE TEMP TABLE original AS SELECT uuid AS of, row_number() OVER (ORDER BY id) - 1 AS place FROM month.instances;
              INSERT INTO alembic_version SELECT * FROM month.alembic_version`);
        const numbers = (table) => {
            // The order of the copies.
            return `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${count}) ${table}`;
        };
        const servers = database.selectValue("SELECT count(*) FROM original");
        for (const [table, own] of Object.entries(COPIED)) {
            const columns = database.selectValues(`SELECT name FROM pragma_table_info('${table}') ORDER BY cid`);
            const link = table === "instances" ? "uuid" : "instance_uuid";
            const value = (name) => own[name] ?? (name === "id" ? "NULL" : name === link ? UUID : `"${name}"`);
            copy(
                numbers(`INSERT INTO main.${table} SELECT ${columns.map(value).join(", ")} FROM numbers
                         CROSS JOIN original ON place = n % ${servers} CROSS JOIN month.${table} AS old ON old.${link} = original.of`),
            );
        }
        copy(`WITH RECURSIVE hosts (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hosts WHERE n + 1 < ${HOSTS})
              INSERT INTO services (host, "binary", topic, report_count, disabled, deleted)
              SELECT printf('cmp-%04d', n), 'nova-compute', 'compute', 1, 0, 0 FROM hosts`);
        copy(`WITH RECURSIVE hosts (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hosts WHERE n + 1 < ${HOSTS}),
              days (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM days WHERE d + 1 < ${DAYS})
              INSERT INTO task_log (created_at, task_name, state, host, period_beginning, period_ending, message, task_items, errors, deleted)
              SELECT datetime('2026-10-02', d || ' days'), 'instance_usage_audit', 'DONE', printf('cmp-%04d', n),
              datetime('2026-10-01', d || ' days'), datetime('2026-10-02', d || ' days'), '', 200, 0, 0
              FROM hosts, days WHERE d < ${DAYS - 1} OR n % 5 > 0`);
        created("index").forEach(copy);
        copy("COMMIT");
        // Page by page: the whole file would need its size in memory once more.
        const file = openSync(path, "w");
        database.exec({ sql: "SELECT data FROM sqlite_dbpage('main') ORDER BY pgno", callback: ([page]) => void writeSync(file, page) });
        closeSync(file);
    });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
    const [directory = ".", count = "100000"] = argv.slice(2);
    await mkdir(directory, { recursive: true });
    for (const [ending, write] of Object.entries({ ndjson: writeInstances, sqlite: writeDatabase })) {
        const path = join(directory, `${count}.${ending}`);
        const before = performance.now();
        await write(path, Number(count));
        const { size } = statSync(path);
        console.log(`${path}: ${(size / 1e6).toFixed(0)} MB in ${((performance.now() - before) / 1000).toFixed(1)} s`);
    }
}
