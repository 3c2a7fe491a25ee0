// Prints the size of a file as JSON: as it is, and packed as tightly as servers can.

import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const bytes = readFileSync(argv[2]);
const gzip = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }).length;
const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
console.log(JSON.stringify({ raw: bytes.length, gzip, brotli }));
