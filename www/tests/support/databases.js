// Databases for the tests: the real Nova cells of `tests/cells`, changed by SQL.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import sqlite3InitModule from "@sqlite.org/sqlite-wasm";

const execute = promisify(execFile);
const sqlite3 = await sqlite3InitModule();

/** Unpacks a file of a cell. @returns {Promise<Buffer>} */
async function unpacked(cell, file) {
    const options = { encoding: "buffer", maxBuffer: 1 << 28 };
    return (await execute("xz", ["--decompress", "--stdout", pathOf(cell, file)], options)).stdout;
}

const pathOf = (cell, file) => fileURLToPath(new URL(`../../../tests/cells/${cell}/${file}`, import.meta.url));

/** Reads the database of a cell. @returns {Promise<Uint8Array>} */
export async function cellDatabase(cell) {
    return new Uint8Array(await unpacked(cell, "nova-cell.sqlite.xz"));
}

/** Reads the documents that the Rust host makes of a cell. @returns {Promise<any[]>} */
export async function cellDocuments(cell) {
    const text = (await unpacked(cell, "documents.ndjson.xz")).toString("utf8");
    return text.trim().split("\n").map((line) => JSON.parse(line));
}

export const readCell = async (cell, file) => JSON.parse(await readFile(pathOf(cell, file), "utf8"));

export async function readMessages(cell) {
    const text = await readFile(pathOf(cell, "nova-emitted.ndjson"), "utf8");
    return text.trim().split("\n").map((line) => JSON.parse(line).message);
}

/** Returns a copy of a database with a damaged root page of a table. */
export function damaged(bytes, table) {
    let page = 0;
    let size = 0;
    open(bytes, (database) => {
        page = database.selectValue("SELECT rootpage FROM sqlite_master WHERE name = ?", table);
        size = database.selectValue("PRAGMA page_size");
    });
    return new Uint8Array(bytes).fill(0xff, (page - 1) * size, page * size);
}

/** Returns the file of a database after SQL has changed it; without `bytes`, of a new one. */
export function changed(bytes, ...statements) {
    return open(bytes, (database) => {
        statements.forEach((sql) => database.exec(sql));
        return sqlite3.capi.sqlite3_js_db_export(database);
    });
}

const open = (bytes, work) => openDatabase(bytes, "main", work);

/** Opens a new database in memory for `work`, with a copy of another one under the name `schema`. */
export function openDatabase(bytes, schema, work) {
    const { capi, wasm } = sqlite3;
    const database = new sqlite3.oo1.DB();
    try {
        if (schema !== "main") {
            database.exec(`ATTACH ':memory:' AS ${schema}`);
        }
        if (bytes !== null) {
            const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
            const copy = wasm.allocFromTypedArray(bytes);
            const { length } = bytes;
            database.checkRc(capi.sqlite3_deserialize(database.pointer, schema, copy, length, length, flags));
        }
        return work(database);
    } finally {
        database.close();
    }
}
