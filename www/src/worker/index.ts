// The worker: the module, the tables and the index. `api.ts` documents the methods.

import { expose } from "comlink";
import { init, lastCompletedAuditPeriod, windowsBetween } from "nova-compute-utils";

import type { Api, ConsoleEvent } from "./api.js";
import { Cells } from "./cells.js";
import { explainDevice } from "./devices.js";
import { exportRows } from "./export.js";
import { importSources } from "./import.js";
import { Jobs } from "./jobs.js";
import * as servers from "./servers.js";
import { inspect } from "./sources.js";
import * as windows from "./windows.js";

const listeners = new Set<(event: ConsoleEvent) => void>();
const emit = (event: ConsoleEvent) => listeners.forEach((listener) => listener(event));
const cells = new Cells(emit);
const jobs = new Jobs(emit);
let started: Promise<void> | undefined;

const api: Api = {
    async start(listener) {
        listeners.add(listener);
        started ??= Promise.all([init(), cells.start()]).then(() => undefined);
        await started;
        return { storage: cells.storage, cells: cells.list() };
    },
    storage: () => cells.estimate(),
    async useMemory() {
        await cells.useMemory("chosen by you");
        return cells.storage;
    },
    cells: async () => cells.list(),
    removeCell: (cell) => cells.remove(cell),
    updateCell: (cell, changes) => cells.update(cell, changes),
    clearEverything: () => cells.clear(),

    async inspect(source) {
        const info = await inspect(source);
        const { quota, usage } = cells.storage;
        // The tables take about as much room as the text of their rows.
        return { ...info, fits: quota === null || usage === null ? null : info.bytes * (info.gzip ? 8 : 1) <= quota - usage };
    },
    async startImport(request) {
        const title = request.sources[0]?.name ?? "";
        const start = { kind: "import", cell: null, title, unit: "bytes", total: null } as const;
        return jobs.start(start, (progress) => importSources(cells, request, progress));
    },
    async startExport(request) {
        const cell = await cells.get(request.cell);
        const title = request.what.kind === "table" ? request.what.table : request.what.kind;
        const start = { kind: "export", cell: request.cell, title, unit: "rows", total: null } as const;
        return jobs.start(start, (progress) => exportRows(cell, request, progress));
    },
    async startAudit(request) {
        const cell = await cells.get(request.cell);
        const total = request.pairs.length;
        const start = { kind: "audit", cell: request.cell, title: total === 1 ? "1 window" : `${total} windows`, unit: "windows", total } as const;
        return jobs.start(start, (progress) => windows.audit(cells, cell, request, progress));
    },
    async cancel(job, keep) {
        jobs.cancel(job, keep);
    },
    jobs: async () => jobs.list(),
    async unreadable(cell, importId) {
        return ((await cells.own(cell).get(["unreadable", cell, importId])) ?? []) as never;
    },

    async windowsBetween({ release, period, from, to }) {
        return windowsBetween({ release, auditPeriod: period, begin: from, end: to });
    },
    coverage: async (cell, query) => windows.coverage(await cells.get(cell), query),
    coverageCell: async (cell, query, host, begin) => windows.coverageCell(await cells.get(cell), query, host, begin),
    serversNever: async (cell, query) => windows.serversNever(await cells.get(cell), query),

    searchServers: async (cell, query) => (await (await cells.get(cell)).index).search(query),
    serverRows: async (cell, query, from, to) => (await (await cells.get(cell)).index).range(query, from, Math.min(to, from + 500)),
    serverPosition: async (cell, query, uuid) => (await (await cells.get(cell)).index).position(query, uuid),
    server: async (cell, uuid) => servers.server(await cells.get(cell), uuid),
    payloads: async (cell, uuid, requests) => servers.payloads(await cells.get(cell), uuid, requests),
    serverActions: async (cell, uuid) => servers.serverActions(await cells.get(cell), uuid),

    async lastCompletedWindow(release, period, before) {
        return lastCompletedAuditPeriod({ release, auditPeriod: period, before });
    },
    explainDevice: async (options) => explainDevice(options),
};

expose(api);
