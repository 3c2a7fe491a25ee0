// The page's side of the worker.

import { proxy, type Remote, wrap } from "comlink";

import type { Api, ConsoleEvent } from "../worker/api.js";
import "../worker/errors.js";

export { ConsoleError, problemOf } from "../worker/errors.js";

const worker = new Worker(new URL("../worker/index.ts", import.meta.url), { type: "module", name: "nova-console" });

/** What the worker offers; each method returns a promise. */
export const api: Remote<Api> = wrap<Api>(worker);

/** Starts the worker. `listener` gets every later event. */
export function start(listener: (event: ConsoleEvent) => void) {
    return api.start(proxy(listener));
}

/** Ends the worker; the page must be reloaded afterwards. */
export function endWorker(): void {
    worker.terminate();
}
