// The types that all hosts export.

export type { Release } from "nova-compute-utils";
export type { BwUsageQuery, BwUsageUpdate } from "./bw_usage.js";
export type { NovaTable } from "./columns.js";
export type { ConductorOptions, TableConductor } from "./conductor.js";
export type { HostError } from "./error.js";
export type { NewInstanceFault } from "./faults.js";
export type { InstanceName } from "./instances.js";
export type { Page, PageQuery } from "./page.js";
export type * from "./row.js";
export type { StoredInstance, StoreName, TableName, TableRows } from "./store.js";
export type { TaskLogQuery } from "./task_log.js";
export type { VolUsageUpdate } from "./volume_usage.js";
