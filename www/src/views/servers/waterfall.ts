// The actions of a server, their events and faults, each action on a line of time of its own.

import { instant } from "../../lib/format.js";
import type { ActionEventRow, ActionRow, FaultRow, ServerActions } from "../../worker/api.js";

export interface Bar {
    /** In percent of the line. */
    start: number;
    width: number;
    /** Whether it has no end. */
    open: boolean;
}

export interface Step {
    key: string;
    event: ActionEventRow | null;
    fault: FaultRow | null;
    bar: Bar;
    /** Milliseconds from its start to its end; null when it has none. */
    took: number | null;
}

export interface Group {
    key: string;
    /** Null for faults that belong to no action. */
    action: ActionRow | null;
    at: number;
    steps: Step[];
    /** How long the line of time is, in milliseconds. */
    span: number;
    state: "done" | "errors" | "running";
    /** Whether an event has no end. */
    open: boolean;
}

/** Where an open bar ends: outside of the line, so that its end is not seen. */
const OVER = 110;

const time = (value: string | null): number => (value === null ? NaN : instant(value));

/** How long after the last event of an action a fault still belongs to it: Nova stores it in a later step. */
const LATER = 120_000;

/** Puts faults in place among the actions, newest first. */
export function waterfall({ actions, faults }: ServerActions): Group[] {
    const left = new Set(faults);
    // The oldest first, so that the next action ends the one before.
    const ordered = actions.toSorted((a, b) => time(a.start_time) - time(b.start_time));
    const groups = ordered.map((action, place): Group => {
        const start = time(action.start_time);
        const ends = action.events.flatMap((event) => [time(event.start_time), time(event.finish_time)]);
        const last = Math.max(start, ...[...ends, time(action.finish_time)].filter((one) => !Number.isNaN(one)));
        const next = time(ordered[place + 1]?.start_time ?? null);
        const until = Math.min(last + LATER, Number.isNaN(next) ? Infinity : Math.max(last, next));
        const own = [...left].filter((fault) => time(fault.created_at) >= start && time(fault.created_at) <= until);
        own.forEach((fault) => left.delete(fault));
        return drawn(action, own, start, Math.max(last, ...own.map((fault) => time(fault.created_at))));
    });
    const alone = [...left].map((fault): Group => {
        const step: Step = { key: `f${fault.id}`, event: null, fault, bar: { start: 0, width: 0, open: false }, took: null };
        return { key: `F${fault.id}`, action: null, at: time(fault.created_at), steps: [step], span: 0, state: "errors", open: false };
    });
    return [...groups, ...alone].sort((a, b) => b.at - a.at || (b.action?.id ?? 0) - (a.action?.id ?? 0));
}

function drawn(action: ActionRow, faults: FaultRow[], start: number, last: number): Group {
    const isOpen = action.finish_time === null && (action.events.length === 0 || action.events.some(({ finish_time }) => finish_time === null));
    // An open end reaches the edge: the line goes on after the last time that is known.
    const span = Math.max(1000, last - start) * (isOpen ? 2 : 1);
    const percent = (at: number) => (Number.isNaN(at) ? 0 : Math.max(0, Math.min(100, ((at - start) / span) * 100)));
    const steps: (Step & { at: number })[] = [
        ...action.events.map((event) => {
            const [begin, end] = [time(event.start_time), time(event.finish_time)];
            const open = event.finish_time === null;
            const took = open ? null : end - begin;
            return { key: `e${event.id}`, event, fault: null, bar: { start: percent(begin), width: (open ? OVER : percent(end)) - percent(begin), open }, took, at: begin };
        }),
        ...faults.map((fault) => {
            const at = time(fault.created_at);
            return { key: `f${fault.id}`, event: null, fault, bar: { start: percent(at), width: 0, open: false }, took: null, at };
        }),
    ];
    const failed = faults.length > 0 || action.events.some(({ result }) => result !== null && result.toLowerCase() === "error");
    return {
        key: `a${action.id}`,
        action,
        at: start,
        steps: steps.sort((a, b) => a.at - b.at),
        span,
        state: failed ? "errors" : isOpen ? "running" : "done",
        open: isOpen,
    };
}
