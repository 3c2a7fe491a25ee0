// The size of a file, and of its tightest compressed forms. As a program, it prints the sizes as JSON.

import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/**
 * Returns the sizes of a file.
 *
 * @param {string} file
 * @returns {{ raw: number, gzip: number, brotli: number }} in bytes
 */
export function sizes(file) {
    const bytes = readFileSync(file);
    const gzip = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    return { raw: bytes.length, gzip: gzip.length, brotli: brotli.length };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
    console.log(JSON.stringify(sizes(argv[2])));
}
