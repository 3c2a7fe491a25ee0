export { readRow } from "../tables/import.js";
export type * from "../tables/index.js";
export { readInstance } from "../tables/instances.js";
export { deleteDatabase, type IndexedDbConductor, indexedDbConductor } from "./conductor.js";
export { type BroadcastMessage, type BroadcastNotifier, broadcastNotifier } from "./notifier.js";
