import type { Moment } from "nova-compute-utils";

import { hostError } from "./error.js";

/**
 * A moment as the tables keep it: UTC, `YYYY-MM-DDTHH:MM:SS.ffffff`. Two of them compare as text. A zone is converted
 * away, and digits beyond the microsecond are cut off; `ValueError` on what is no moment.
 */
export function readMoment(moment: Moment): string {
    const text = typeof moment === "string" ? read(moment) : readDate(moment);
    if (text === undefined) {
        throw hostError("ValueError", `\`${String(moment)}\` is no moment: write it as \`2026-11-01T00:17:03.250000\``);
    }
    return text;
}

/** The same, where there may be none. */
export function readOptionalMoment(moment: Moment | null | undefined): string | null {
    return moment === null || moment === undefined ? null : readMoment(moment);
}

// A zone stands after seconds only.
const FORM = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?)?)?$/i;

function read(text: string): string | undefined {
    const [, date, minutes = "00:00", seconds = "00", fraction = "", zone = "Z"] = FORM.exec(text) ?? [];
    if (date === undefined) {
        return undefined;
    }
    const whole = `${date}T${minutes}:${seconds}`;
    const utc = new Date(`${whole}Z`);
    // A `Date` takes the 30th of February for a day in March, and hour 24 for the next day.
    if (Number.isNaN(utc.getTime()) || wholeSeconds(utc) !== whole) {
        return undefined;
    }
    const offset = minutesOf(zone);
    if (offset === undefined) {
        return undefined;
    }
    utc.setTime(utc.getTime() - offset * 60_000);
    // A `Date` has milliseconds only. No zone touches the fraction.
    return inCalendar(utc) ? `${wholeSeconds(utc)}.${fraction.slice(0, 6).padEnd(6, "0")}` : undefined;
}

function readDate(date: unknown): string | undefined {
    const isMoment = date instanceof Date && !Number.isNaN(date.getTime()) && inCalendar(date);
    return isMoment ? `${date.toISOString().slice(0, -1)}000` : undefined;
}

function minutesOf(zone: string): number | undefined {
    if (zone.toUpperCase() === "Z") {
        return 0;
    }
    const minutes = Number(zone.slice(-2));
    const size = Number(zone.slice(1, 3)) * 60 + minutes;
    return minutes > 59 || size >= 24 * 60 ? undefined : zone.startsWith("-") ? -size : size;
}

function wholeSeconds(date: Date): string {
    return date.toISOString().slice(0, -".000Z".length);
}

/** Python's calendar goes from year 1 to year 9999. */
function inCalendar(date: Date): boolean {
    return date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999;
}
