// What the windows view draws: names of windows, the runs of cells that are not as they should be, and the chosen cells.

import { day, time } from "../../lib/format.js";
import { type Coverage, COVERAGE_STATES, type CoverageState, type Window } from "../../worker/api.js";

export const stateAt = (coverage: Coverage, place: number): CoverageState =>
    COVERAGE_STATES[coverage.states[place] ?? 0] ?? "notdue";

const [DONE, ERRORS, RUNNING, NEVER] = ["done", "errors", "running", "never"].map((state) =>
    COVERAGE_STATES.indexOf(state as CoverageState),
) as [number, number, number, number];

/** The names of a window: in the head of its column, in the line above it, and in sentences. */
export interface WindowName {
    column: string;
    group: string;
    /** The group where it spans few columns. */
    shortGroup: string;
    name: string;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const LONG_MONTHS = "January February March April May June July August September October November December".split(" ");

export const UNITS = ["hour", "day", "month", "year"] as const;
export type Unit = (typeof UNITS)[number];

/** Splits a period such as `day@6`. A period that Nova refuses stays as it is, and Nova's error is shown. */
export function splitPeriod(period: string): { unit: string; offset: string } {
    const [unit = "", offset = ""] = period.split("@", 2);
    return { unit, offset };
}

export function windowName({ begin }: Window, unit: string, local: boolean): WindowName {
    const [, year = "", month = "1", date = "", clock = ""] = /^(\d+)-(\d\d)-(\d\d) (\d\d:\d\d)/.exec(time(begin, local)) ?? [];
    const place = Number(month) - 1;
    const short = day(begin, { local });
    switch (unit) {
        case "hour":
            return { column: clock.slice(0, 2), group: `${short} ${year}`, shortGroup: short, name: day(begin, { local, clock: true }) };
        case "month":
            return { column: MONTHS[place] ?? "", group: year, shortGroup: year, name: `${MONTHS[place]} ${year}` };
        case "year":
            return { column: year, group: "", shortGroup: "", name: year };
        default:
            return { column: String(Number(date)), group: `${LONG_MONTHS[place]} ${year}`, shortGroup: MONTHS[place] ?? "", name: short };
    }
}

/** The range that is asked for when neither the address nor the cell names one: the windows before a time. */
export function defaultRange(unit: string, now: string): { from: string; to: string } {
    const end = new Date(`${now.slice(0, 19)}Z`);
    const begin = new Date(end);
    if (unit === "hour") {
        begin.setUTCHours(begin.getUTCHours() - 48);
    } else if (unit === "day") {
        begin.setUTCDate(begin.getUTCDate() - 31);
    } else if (unit === "month") {
        begin.setUTCMonth(begin.getUTCMonth() - 12);
    } else {
        begin.setUTCFullYear(begin.getUTCFullYear() - 5);
    }
    return { from: begin.toISOString().slice(0, 19), to: end.toISOString().slice(0, 19) };
}

/** Windows in a row of one host in one state. */
export interface Run {
    host: number;
    /** The first window, and how many. */
    first: number;
    count: number;
    state: "never" | "errors" | "running";
    /** The sum of the errors. */
    errors: number;
    /** The largest number of servers in one of the windows. */
    servers: number;
}

/** More runs than that are not sorted: nobody reads them. */
const MAX_RUNS = 2 ** 20;
const MAX_WEIGHT = 2 ** 29 - 1;

/** What one pass over all cells finds. It allocates nothing per cell: 660,000 cells take some milliseconds. */
export interface Survey {
    /** How many runs are not as they should be. */
    count: number;
    /** A run, worst first. */
    run(place: number): Run;
    /** How many windows are in such runs, on how many hosts. */
    windows: number;
    hosts: number;
    /** The states that occur on each host, one bit per number of a state. */
    masks: Uint8Array;
    /** The servers in no report, for each window. */
    unreported: Int32Array;
}

export function survey(coverage: Coverage): Survey {
    const { hosts, windows, states, errors, servers } = coverage;
    const width = windows.length;
    const masks = new Uint8Array(hosts.length);
    const unreported = new Int32Array(width);
    const places: number[] = [];
    const counts: number[] = [];
    const errorSums: number[] = [];
    const mostServers: number[] = [];
    let concerned = 0;
    let concernedHosts = 0;
    for (let host = 0; host < hosts.length; host += 1) {
        let last = -1;
        let mask = 0;
        for (let window = 0; window < width; window += 1) {
            const place = host * width + window;
            const state = states[place] ?? 0;
            const active = Math.max(0, servers[place] ?? 0);
            mask |= 1 << state;
            if (state === NEVER) {
                unreported[window] = (unreported[window] ?? 0) + active;
            }
            if (state === NEVER || state === ERRORS || state === RUNNING) {
                concerned += 1;
                const run = places.length - 1;
                if (state === last) {
                    counts[run] = (counts[run] ?? 0) + 1;
                    errorSums[run] = (errorSums[run] ?? 0) + (errors[place] ?? 0);
                    mostServers[run] = Math.max(mostServers[run] ?? 0, active);
                } else if (places.length < MAX_RUNS) {
                    places.push(place);
                    counts.push(1);
                    errorSums.push(errors[place] ?? 0);
                    mostServers.push(active);
                }
            }
            last = state;
        }
        masks[host] = mask;
        concernedHosts += Number((mask & ~((1 << DONE) | (1 << COVERAGE_STATES.indexOf("notdue")))) !== 0);
    }
    // Sorted as numbers, which is quick: the state, then the weight, then the order of the hosts.
    const keys = Float64Array.from(places, (place, run) => {
        const state = states[place] ?? 0;
        const order = state === NEVER ? 0 : state === ERRORS ? 1 : 2;
        const weight = state === ERRORS ? (errorSums[run] ?? 0) : (mostServers[run] ?? 0) * (counts[run] ?? 0);
        return (order * (MAX_WEIGHT + 1) + MAX_WEIGHT - Math.min(weight, MAX_WEIGHT)) * MAX_RUNS + run;
    }).sort();
    return {
        count: places.length,
        run(number) {
            const run = (keys[number] ?? 0) % MAX_RUNS;
            const place = places[run] ?? 0;
            return {
                host: Math.floor(place / width),
                first: place % width,
                count: counts[run] ?? 0,
                state: COVERAGE_STATES[states[place] ?? 0] as Run["state"],
                errors: errorSums[run] ?? 0,
                servers: mostServers[run] ?? 0,
            };
        },
        windows: concerned,
        hosts: concernedHosts,
        masks,
        unreported,
    };
}

/** A cell by its place on the map: the number of its row among the shown hosts, and that of its window. */
export interface Place {
    row: number;
    window: number;
}

/** The chosen cells: a rectangle of the map, and single cells besides. */
export interface Choice {
    first: Place;
    last: Place;
    /** `row * windows + window` of each further cell. */
    also: ReadonlySet<number>;
}

export const isChosen = ({ first, last, also }: Choice, row: number, window: number, width: number): boolean =>
    (row >= first.row && row <= last.row && window >= first.window && window <= last.window) || also.has(row * width + window);

export const rectangle = (one: Place, other: Place): Pick<Choice, "first" | "last"> => ({
    first: { row: Math.min(one.row, other.row), window: Math.min(one.window, other.window) },
    last: { row: Math.max(one.row, other.row), window: Math.max(one.window, other.window) },
});

/** The chosen cells in the order of the map. */
export function* cellsOf({ first, last, also }: Choice, width: number): Generator<Place> {
    for (let row = first.row; row <= last.row; row += 1) {
        for (let window = first.window; window <= last.window; window += 1) {
            yield { row, window };
        }
    }
    for (const place of also) {
        const one = { row: Math.floor(place / width), window: place % width };
        if (!isChosen({ first, last, also: new Set() }, one.row, one.window, width)) {
            yield one;
        }
    }
}

/** `16 to 19 Oct`, or one name. */
export function rangeName(names: readonly WindowName[], first: number, last: number): string {
    const [from, to] = [names[first], names[last]];
    if (from === undefined || to === undefined || first === last) {
        return from?.name ?? "";
    }
    const [fromDay, fromMonth] = from.name.split(" ");
    const [, toMonth] = to.name.split(" ");
    const isSameMonth = from.group === to.group && fromMonth === toMonth && /^\d+ \D+$/.test(from.name);
    return `${isSameMonth ? fromDay : from.name} to ${to.name}`;
}

/** The label of a cell, as a screen reader says it after the name of the host. */
export function cellLabel(coverage: Coverage, place: number, name: string): string {
    const servers = coverage.servers[place] ?? -1;
    const counted = servers < 0 ? "" : `, ${servers}`;
    switch (stateAt(coverage, place)) {
        case "done":
            return `${name}, done${counted}`;
        case "errors": {
            const errors = coverage.errors[place] ?? 0;
            return `${name}, done with ${errors} ${errors === 1 ? "error" : "errors"}${counted}`;
        }
        case "running":
            return `${name}, running${counted}`;
        case "never":
            return `${name}, nobody ran it${servers < 0 ? "" : `, ${servers} in no report`}`;
        default:
            return `${name}, not due`;
    }
}
