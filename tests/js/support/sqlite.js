// Databases of the official SQLite for browsers.

/**
 * Opens a copy of a database in memory, or an empty one.
 *
 * @param sqlite3 the SQLite library
 * @param {Uint8Array} [bytes] the file of the database
 */
export function openDatabase(sqlite3, bytes) {
    const database = new sqlite3.oo1.DB();
    if (bytes !== undefined) {
        const { capi, wasm } = sqlite3;
        const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
        const { length } = bytes;
        const copy = wasm.allocFromTypedArray(bytes);
        database.checkRc(capi.sqlite3_deserialize(database.pointer, "main", copy, length, length, flags));
    }
    return database;
}

/** Returns the function that `sqlConductor` takes. */
export function runner(database) {
    return (sql, parameters) => {
        const bind = parameters.length > 0 ? parameters : undefined;
        return database.exec({ sql, bind, rowMode: "array", returnValue: "resultRows" });
    };
}
