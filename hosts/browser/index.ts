export type * from "../tables/index.js";
export { deleteDatabase, type IndexedDbConductor, indexedDbConductor } from "./conductor.js";
export { type BroadcastMessage, type BroadcastNotifier, broadcastNotifier } from "./notifier.js";
