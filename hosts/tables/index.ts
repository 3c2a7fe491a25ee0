// The types that the hosts in memory and in the browser both export.

export type { Release } from "nova-compute-utils";
export type { BwUsageQuery, BwUsageUpdate } from "./bw_usage.js";
export type { ConductorOptions, TableConductor } from "./conductor.js";
export type { HostError } from "./error.js";
export type { NewInstanceFault } from "./faults.js";
export type * from "./row.js";
export type { StoreName, TableName, TableRows } from "./store.js";
export type { TaskLogQuery } from "./task_log.js";
export type { VolUsageUpdate } from "./volume_usage.js";
