export { readRow } from "../tables/import.js";
export type * from "../tables/index.js";
export { readInstance } from "../tables/instances.js";
export type { BlockDeviceRow } from "./block_devices.js";
export type { SqlValue } from "./condition.js";
export {
    type SqlConductor,
    sqlConductor,
    type SqlConductorOptions,
    type SqlPage,
    type SqlTableRows,
    type UnreadableRow,
} from "./conductor.js";
export type { DialectName } from "./dialect.js";
export type { DocumentOptions } from "./documents.js";
export type { RunSql } from "./reader.js";
export type { Schema } from "./schema.js";
