import type { Timestamp } from "nova-compute-utils";

import { hostError } from "./error.js";

/**
 * Returns a timestamp in the form of the tables: UTC, `YYYY-MM-DDTHH:MM:SS.ffffff`, so that timestamps compare as
 * strings. Digits beyond the microsecond are cut off. `ValueError` when it is not a timestamp.
 */
export function readTime(time: Timestamp): string {
    const text = typeof time === "string" ? parseTime(time) : format(time);
    if (text === undefined) {
        throw hostError("ValueError", `\`${String(time)}\` is not a time: write it as \`2026-11-01T00:17:03.250000\``);
    }
    return text;
}

/** Returns the timestamp as {@link readTime} does, or null when it is null or absent. */
export function readOptionalTime(time: Timestamp | null | undefined): string | null {
    return time === null || time === undefined ? null : readTime(time);
}

// A time zone is accepted only after seconds.
const FORM = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?)?)?$/i;

/** Returns the timestamp as {@link readTime} does, or `undefined` when the string is not a timestamp. */
export function parseTime(text: string): string | undefined {
    const match = FORM.exec(text);
    if (match === null) {
        return undefined;
    }
    const [, date, minutes = "00:00", seconds = "00", fraction = "", zone = "Z"] = match;
    const offset = offsetMinutes(zone);
    const local = `${date}T${minutes}:${seconds}`;
    const utc = new Date(`${local}Z`);
    // `Date` parses 30 February as a day in March and hour 24 as the next day; the comparison rejects both.
    if (offset === undefined || Number.isNaN(utc.getTime()) || formatSeconds(utc) !== local) {
        return undefined;
    }
    utc.setTime(utc.getTime() - offset * 60_000);
    // `Date` has milliseconds only, so the fraction is copied; zones have whole minutes and leave it unchanged.
    return isPythonYear(utc) ? `${formatSeconds(utc)}.${fraction.slice(0, 6).padEnd(6, "0")}` : undefined;
}

function format(date: unknown): string | undefined {
    const isValid = date instanceof Date && !Number.isNaN(date.getTime()) && isPythonYear(date);
    return isValid ? `${date.toISOString().slice(0, -1)}000` : undefined;
}

function offsetMinutes(zone: string): number | undefined {
    if (zone.toUpperCase() === "Z") {
        return 0;
    }
    const minutes = Number(zone.slice(-2));
    const offset = Number(zone.slice(1, 3)) * 60 + minutes;
    return minutes > 59 || offset >= 24 * 60 ? undefined : zone.startsWith("-") ? -offset : offset;
}

function formatSeconds(date: Date): string {
    return date.toISOString().slice(0, -".000Z".length);
}

/** Returns whether the year is one that Python's `datetime` supports: 1 to 9999. */
function isPythonYear(date: Date): boolean {
    return date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999;
}
