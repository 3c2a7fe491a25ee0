// The windows: what the library's `getAuditCoverage` says of the task log, and the audits of windows that nobody ran.

import { type AuditProgress, ComputeUtils, type DocumentInput, getAuditCoverage, type Notification, windowsBetween } from "nova-compute-utils";
import { broadcastNotifier } from "nova-compute-utils/hosts/browser";

import {
    type AuditOutcome,
    type AuditRequest,
    type Coverage,
    COVERAGE_STATES,
    type CoverageCell,
    type CoverageQuery,
    type CoverageState,
    type JobResult,
    type Release,
    type ServerRow,
    type TaskLog,
} from "./api.js";
import { type Cell, type Cells, countRows, documentOf, PAGE, remember } from "./cells.js";
import { ConsoleError, problemOf } from "./errors.js";
import type { Progress } from "./jobs.js";
import type { OwnKey } from "./own-tables.js";

/** The library's names of the states; the page draws `COVERAGE_STATES`. */
const STATE_OF: Record<string, CoverageState> = {
    done: "done",
    errors: "errors",
    running: "running",
    not_run: "never",
    not_due: "notdue",
};

type TaskLogRow = TaskLog & { id: number; created_at: string | null; updated_at: string | null };

/** The channel on which the notifications of audits are posted. */
export const NOTIFICATIONS_CHANNEL = "nova-console-notifications";

/** A coverage of the library, with what the page needs to find the rows of the task log and the servers. */
interface Covered {
    coverage: Coverage;
    /** The id of the row of the task log for each host and window; 0: none. */
    ids: Float64Array;
}

function covered(cell: Cell, query: CoverageQuery): Promise<Covered> {
    const { release, period, from, to } = query;
    // Without a time of the copy, the clock goes on: windows become due.
    const minute = cell.info.now ?? new Date().toISOString().slice(0, 16);
    return remember(cell, JSON.stringify(["coverage", release, period, from, to, minute]), () => cover(cell, query));
}

async function cover(cell: Cell, { release, period, from, to }: CoverageQuery): Promise<Covered> {
    const { conductor, info, own } = cell;
    const taskLogs: TaskLogRow[] = await conductor.rows("task_log");
    const services = await own.list(["service", info.name]);
    const serviceHosts = services
        .map(({ value }) => value as { host: string; binary?: string })
        .filter(({ binary }) => binary === undefined || binary === "nova-compute")
        .map(({ host }) => host);
    const index = await cell.index;
    // A source without services: the hosts are those of its servers.
    const hosts = serviceHosts.length > 0 ? serviceHosts : index.hosts();
    const now = info.now ?? new Date().toISOString();
    const found = getAuditCoverage({ release, auditPeriod: period, begin: from, end: to, now, hosts, taskLogs });
    const { windows, rows } = found;
    const numbers = found.state_names.map((name) => COVERAGE_STATES.indexOf(STATE_OF[name] ?? "never"));
    const states = found.states.map((state) => numbers[state] ?? 0);
    const errors = rows.map((row, place) => (isState(states[place], "errors") ? Number(taskLogs[row]?.errors ?? 0) : 0));
    const counts = Object.fromEntries(COVERAGE_STATES.map((state) => [state, 0])) as Record<CoverageState, number>;
    found.state_names.forEach((name, place) => {
        counts[STATE_OF[name] ?? "never"] += found.state_counts[place] ?? 0;
    });
    const never = index.activeInAny(found.hosts, windows, (place) => isState(states[place], "never"));
    const running = Array.from(states.keys()).filter((place) => isState(states[place], "running"));
    const coverage: Coverage = {
        hosts: found.hosts,
        windows: windows.map((window) => {
            const { total_instances, total_errors } = window;
            return { ...window, total_instances: Number(total_instances), total_errors: Number(total_errors) };
        }),
        states,
        errors,
        servers: index.activeByHost(found.hosts, windows),
        running: running.map((place) => ({
            host: found.hosts[Math.floor(place / windows.length)] ?? "",
            begin: windows[place % windows.length]?.begin ?? "",
            since: taskLogs[rows[place] ?? -1]?.created_at ?? null,
        })),
        totals: {
            due: found.num_due,
            states: counts,
            hosts_never: found.num_hosts_not_run,
            servers_never: never.length,
        },
        known_hosts: found.num_hosts,
        other_rows: found.num_other_rows,
        now,
    };
    return { coverage, ids: Float64Array.from(rows, (row) => taskLogs[row]?.id ?? 0) };
}

function isState(number: number | undefined, state: CoverageState): boolean {
    return COVERAGE_STATES[number ?? -1] === state;
}

export async function coverage(cell: Cell, query: CoverageQuery): Promise<Coverage> {
    return (await covered(cell, query)).coverage;
}

/** Returns a function that finds the row of the task log of a host and window by its place in the coverage. */
export async function taskLogRows(cell: Cell, query: CoverageQuery): Promise<(place: number) => TaskLogRow | undefined> {
    const { ids } = await covered(cell, query);
    const rows: TaskLogRow[] = await cell.conductor.rows("task_log");
    const byId = new Map(rows.map((row) => [row.id, row]));
    return (place) => byId.get(ids[place] ?? 0);
}

export async function coverageCell(cell: Cell, query: CoverageQuery, host: string, begin: string): Promise<CoverageCell> {
    const { coverage, ids } = await covered(cell, query);
    const index = await cell.index;
    const [row, column] = [coverage.hosts.indexOf(host), coverage.windows.findIndex((window) => window.begin === begin)];
    const window = coverage.windows[column];
    if (row < 0 || window === undefined) {
        throw new ConsoleError({ code: "NoWindow", message: `no window of \`${host}\` begins at \`${begin}\`` });
    }
    const place = row * coverage.windows.length + column;
    const state = COVERAGE_STATES[coverage.states[place] ?? 0] ?? "never";
    const id = ids[place] ?? 0;
    const [taskLog = null] = id === 0 ? [] : (await cell.conductor.rowsPage("task_log", { after: id - 1, limit: 1 })).rows;
    const active = index.activeInAny([host], [window], () => true);
    const keys = active.slice(0, PAGE).map(({ project_id, uuid }) => ({ project_id, uuid }));
    const documents = await cell.conductor.getInstances(keys);
    const isChanged = (document: DocumentInput | null) => {
        const updated = document === null ? null : documentOf(document)["updated_at"];
        return typeof updated === "string" && updated.replace(" ", "T") > window.end;
    };
    const notified = (await notifiedServers(cell)).get(notifiedKey(host, window.begin)) ?? new Set();
    return {
        host,
        window: { begin: window.begin, end: window.end },
        state,
        since: state === "running" ? (taskLog?.created_at ?? null) : null,
        task_log: taskLog,
        servers: { total: active.length, first: active.slice(0, 50) },
        notifications: { total: notified.size, expected: active.length },
        changed: documents.filter(isChanged).length,
        missing: cell.info.tables.notifications === 0 ? [] : active.filter(({ uuid }) => !notified.has(uuid)).slice(0, 200),
    };
}

export async function serversNever(cell: Cell, query: CoverageQuery): Promise<ServerRow[]> {
    const { coverage } = await covered(cell, query);
    const { hosts, windows, states } = coverage;
    return (await cell.index).activeInAny(hosts, windows, (place) => isState(states[place], "never"));
}

/** The servers with an `exists` notification, by host and window. */
function notifiedServers(cell: Cell): Promise<Map<string, Set<string>>> {
    return remember(cell, "notified", async () => {
        const found = new Map<string, Set<string>>();
        const prefix: OwnKey = ["notification", cell.info.name];
        let after: OwnKey | undefined;
        for (;;) {
            const entries = await cell.own.list(prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) });
            for (const { value } of entries) {
                const { event_type, publisher_id, payload } = value as Notification;
                const uuid = payload?.["instance_id"];
                const isExists = event_type === "compute.instance.exists" && publisher_id?.startsWith("compute.");
                if (isExists && typeof uuid === "string") {
                    const key = notifiedKey(publisher_id.slice("compute.".length), String(payload["audit_period_beginning"]));
                    found.set(key, (found.get(key) ?? new Set()).add(uuid));
                }
            }
            after = entries.at(-1)?.key;
            if (entries.length < PAGE) {
                return found;
            }
        }
    });
}

function notifiedKey(host: string, begin: string): string {
    return `${begin.slice(0, 19).replace("T", " ")} ${host}`;
}

/** Nova's name of the audit in the task log. */
const AUDIT_TASK = "instance_usage_audit";

/** How many windows a period suggests to show. */
const SUGGESTED_WINDOWS = 62;

/** Finds the audit period that most rows of the task log are of, and the range of its windows. */
export async function suggestPeriod({ conductor, info }: Cell): Promise<void> {
    const counts = new Map<string, { rows: number; windows: Map<string, string> }>();
    const periods = new Map<string, string | null>();
    for (const { task_name, period_beginning: begin, period_ending: end } of await conductor.rows("task_log")) {
        const window = `${begin} ${end}`;
        const period = periods.get(window) ?? periodOf(info.release, begin, end);
        periods.set(window, period);
        if (task_name === AUDIT_TASK && period !== null) {
            const count = counts.get(period) ?? { rows: 0, windows: new Map() };
            count.rows += 1;
            count.windows.set(begin, end);
            counts.set(period, count);
        }
    }
    const [commonest] = [...counts].sort(([, one], [, other]) => other.rows - one.rows);
    if (commonest !== undefined) {
        const [period, { windows }] = commonest;
        const shown = [...windows].sort().slice(-SUGGESTED_WINDOWS);
        [info.period, info.from, info.to] = [period, shown[0]?.[0] ?? null, shown.at(-1)?.[1] ?? null];
    }
}

/** The audit period that has this window; null when no period has it. */
function periodOf(release: Release, begin: string, end: string): string | null {
    const [month, day, hour, minute] = [begin.slice(5, 7), begin.slice(8, 10), begin.slice(11, 13), begin.slice(14, 16)].map(Number);
    const candidates = [`hour@${minute}`, `day@${hour}`, `month@${day}`, `year@${month}`];
    const found = candidates.find((auditPeriod) => {
        try {
            const [window, ...others] = windowsBetween({ release, auditPeriod, begin, end });
            return window?.begin === begin && window.end === end && others.length === 0;
        } catch {
            // No period, such as `month@31` in a month without that day.
            return false;
        }
    });
    // The offset that a period has without one.
    return found?.replace(/^(hour|day)@0$|^(month|year)@1$/, "$1$2") ?? null;
}

/** Audits windows as Nova would have: each on its host, with the clock just after the window. */
export async function audit(cells: Cells, cell: Cell, request: AuditRequest, progress: Progress): Promise<JobResult> {
    const { release, period, pairs, notificationFormat = "unversioned" } = request;
    const outcomes: AuditOutcome[] = [];
    const { info, conductor, own } = cell;
    const broadcast = broadcastNotifier(NOTIFICATIONS_CHANNEL);
    let failed: unknown;
    for (const { host, window } of pairs) {
        const outcome = { host, window, progress: null, message: null, problem: null };
        if (progress.signal.aborted) {
            // Whole windows are kept, and the others are not begun.
            outcomes.push({ ...outcome, outcome: "cancelled" });
            continue;
        }
        // One second after the end, so that the window is the last complete one.
        const clock = new Date(Date.parse(`${window.end.slice(0, 23)}Z`) + 1000);
        const notifier = {
            async notify(context: never, notifications: Notification[]) {
                await own.append(["notification", info.name], notifications);
                broadcast.notify(context, notifications);
            },
        };
        const options = { release, host, auditPeriod: period, notificationFormat, clock: () => clock, conductor, notifier };
        const nova = new ComputeUtils(options);
        let last: AuditProgress | null = null;
        try {
            const report = await nova.runInstanceUsageAudit({
                context: { glance_endpoint: info.glance_endpoint },
                onProgress: (state) => {
                    last = state;
                    progress.update({ detail: `${host}: ${state.instances} of ${state.num_instances} servers` });
                },
            });
            const state = report === null ? "already" : report.failures.length > 0 ? "errors" : "done";
            const task = { task_name: AUDIT_TASK, host, period_beginning: window.begin, period_ending: window.end };
            const [row] = await conductor.taskLogGetAll(task);
            outcomes.push({ ...outcome, outcome: state, progress: last, message: row?.message ?? null });
        } catch (error) {
            const problem = problemOf(error);
            if (problem.code === "TaskAlreadyRunning") {
                // Another tab has begun the same window since this one read the task log.
                outcomes.push({ ...outcome, outcome: "already" });
            } else {
                failed = error;
                outcomes.push({ ...outcome, outcome: "failed", problem });
            }
        } finally {
            nova.free();
        }
        progress.update({ done: outcomes.length });
    }
    broadcast.close();
    await countRows(cell, ["task_log", "notifications"]);
    await cells.save(cell, ["task_log", "notifications"]);
    if (failed !== undefined && outcomes.every(({ outcome }) => outcome === "failed")) {
        throw failed;
    }
    return { kind: "audit", outcomes };
}
