// Rows of a table on their way in, column by column.

/**
 * Returns a column of some rows: its distinct values, for each of them the index of its first row, and for each row the
 * index of its value.
 *
 * @param {unknown[]} rows
 * @param {string} name
 * @returns {[unknown[], Uint32Array, Uint32Array]}
 */
export function column(rows, name) {
    const places = new Map();
    const firsts = [];
    const indexes = Uint32Array.from(rows, (row, index) => {
        const value = row?.[name];
        let place = places.get(value);
        if (place === undefined) {
            place = places.size;
            places.set(value, place);
            firsts.push(index);
        }
        return place;
    });
    return [[...places.keys()], Uint32Array.from(firsts), indexes];
}
