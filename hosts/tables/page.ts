/** The most rows or instances that are read or returned at once. */
export const LARGEST_PAGE = 1000;

/** Which page of a table to read. */
export interface PageQuery<Key> {
    /** The `next` of the previous page; null or absent for the first page. */
    after?: Key | null;
    /** The most rows to return; 1000 by default, and never more. */
    limit?: number;
}

/** A page of a table. */
export interface Page<Row, Key> {
    rows: Row[];
    /** What `after` has to be for the next page; null on the last page. */
    next: Key | null;
}

/** Returns the size of a page. An empty page would have no row to continue from. */
export function pageLimit(limit: number = LARGEST_PAGE): number {
    return Math.min(Math.max(Math.trunc(limit) || 1, 1), LARGEST_PAGE);
}

/** Reads one row more than the page holds, which shows that another page follows. */
export async function readPage<Row, Key>(
    { limit }: PageQuery<Key>,
    read: (limit: number) => Promise<Row[]>,
    keyOf: (row: Row) => Key,
): Promise<Page<Row, Key>> {
    const size = pageLimit(limit);
    const found = await read(size + 1);
    const rows = found.slice(0, size);
    const last = rows.at(-1);
    return { rows, next: found.length > size && last !== undefined ? keyOf(last) : null };
}
