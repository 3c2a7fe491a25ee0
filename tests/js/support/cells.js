// The real Nova cells in `tests/cells`, and databases of the official SQLite for browsers, which runs in Node, too.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import sqlite3InitModule from "@sqlite.org/sqlite-wasm";

import { openDatabase } from "./sqlite.js";

const execute = promisify(execFile);

export const CELLS = ["month", "day6", "hour15"];

const pathOf = (cell, file) => fileURLToPath(new URL(`../../cells/${cell}/${file}`, import.meta.url));

/** Reads a file of a cell that `xz` packs. */
export async function unpack(cell, file) {
    const options = { encoding: "buffer", maxBuffer: 1 << 28 };
    const { stdout } = await execute("xz", ["--decompress", "--stdout", pathOf(cell, file)], options);
    // SQLite takes no subclass of `Uint8Array`.
    return new Uint8Array(stdout);
}

/** Reads a JSON file of a cell. */
export async function readJson(cell, file) {
    return JSON.parse(await readFile(pathOf(cell, file), "utf8"));
}

/** Reads a packed or plain file of a cell with one JSON text per line. */
export async function readLines(cell, file) {
    const text = file.endsWith(".xz")
        ? new TextDecoder().decode(await unpack(cell, file))
        : await readFile(pathOf(cell, file), "utf8");
    return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
}

/** The alias that lets Vite find the SQLite library for a page in a project without it. */
export const SQLITE = {
    "@sqlite.org/sqlite-wasm": fileURLToPath(new URL("../node_modules/@sqlite.org/sqlite-wasm", import.meta.url)),
};

const sqlite3 = await sqlite3InitModule();

/** Opens a copy of a database in memory. @param {Uint8Array} bytes */
export const openFile = (bytes) => openDatabase(sqlite3, bytes);

/** Opens a copy of the database of a cell in memory. */
export async function openCell(cell) {
    return openFile(await unpack(cell, "nova-cell.sqlite.xz"));
}

/** Opens an empty database. */
export const openEmpty = () => openDatabase(sqlite3);
