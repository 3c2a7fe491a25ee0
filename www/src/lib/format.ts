// Numbers and times as the page writes them.

const integers = new Intl.NumberFormat("en");
const decimals = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (value: number): string => integers.format(value);
/** One decimal: `497.2`. */
export const decimal = (value: number): string => decimals.format(value);
/** `1 server`, `2 servers`. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB"];

/** `3.4 MB`. */
export function bytes(value: number): string {
    const power = Math.min(Math.floor(Math.log(Math.max(value, 1)) / Math.log(1000)), BYTE_UNITS.length - 1);
    const scaled = value / 1000 ** power;
    return `${power === 0 ? count(value) : decimal(scaled)} ${BYTE_UNITS[power]}`;
}

/** The instant of a timestamp of the tables; NaN when it is none. */
export function instant(time: string): number {
    const text = time.trim().replace(" ", "T");
    return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
}

const pad = (value: number) => String(value).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `2026-10-17 06:00:41`, in UTC or in the zone of the browser. What is no timestamp stays as it is. */
export function time(value: string, local = false): string {
    const date = new Date(instant(value));
    if (Number.isNaN(date.getTime())) {
        return value;
    }
    if (!local) {
        return date.toISOString().slice(0, 19).replace("T", " ");
    }
    const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
    return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** `17 Oct`, or with `clock` `17 Oct 06:00`. */
export function day(value: string, { local = false, clock = false } = {}): string {
    const text = time(value, local);
    const [, month, date, hours] = /^\d+-(\d\d)-(\d\d) (\d\d:\d\d)/.exec(text) ?? [];
    const short = date === undefined ? text : `${Number(date)} ${MONTHS[Number(month) - 1]}`;
    return clock && hours !== undefined ? `${short} ${hours}` : short;
}

/** `27 h 11 min`, `4.2 s`, `120 ms`. */
export function duration(milliseconds: number): string {
    if (milliseconds < 1000) {
        return `${Math.round(milliseconds)} ms`;
    }
    if (milliseconds < 60_000) {
        return `${decimal(milliseconds / 1000)} s`;
    }
    const minutes = Math.floor(milliseconds / 60_000);
    return minutes < 60 ? `${minutes} min` : `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** The name of the browser's zone: `Europe/Vienna`. */
export const zoneName = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
