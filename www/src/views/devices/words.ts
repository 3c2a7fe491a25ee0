// Words for devices and characters.

import type { Document, TakenLetter } from "../../worker/api.js";

const NAMES: Record<string, string> = {
    " ": "a space (U+0020)",
    "\n": "a line feed (U+000A)",
    "\r": "a carriage return (U+000D)",
    "\t": "a tab (U+0009)",
    "\u00a0": "a no-break space (U+00A0)",
};

/** What a character is. */
export function character(one: string): string {
    const code = `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    return NAMES[one] ?? (/[\p{C}\p{Z}\p{M}]/u.test(one) ? `the invisible character ${code}` : `${one} (${code})`);
}

/** A short word for the heading. */
export function kind(one: string): string {
    const kinds: [RegExp, string][] = [
        [/^$/, "too short"],
        [/^ $/, "a space"],
        [/^\n$/, "a line feed"],
        [/^\p{Lu}$/u, "a capital letter"],
        [/^\p{Nd}$/u, "a digit"],
        [/^[\p{P}\p{S}]$/u, "a sign"],
        [/^[\p{C}\p{Z}]$/u, "an invisible character"],
    ];
    return kinds.find(([pattern]) => pattern.test(one))?.[1] ?? "a letter";
}

/** Shows a character that has no shape of its own. */
export const visible = (one: string): string => (one === "\n" ? "↵" : one === "\t" ? "⇥" : one);

/** The kind of a device: `root`, `ephemeral`, `swap`, `volume`; otherwise its role. */
export function role(by: TakenLetter["by"]): string {
    if (typeof by === "string") {
        return by === "xen_swap_disk" ? "swap of Xen" : "ephemeral of Xen";
    }
    if ("place" in by) {
        return `device ${by.place + 1}`;
    }
    return by.role.startsWith("ebs") ? "volume" : by.role.replace(/\d+$/, "");
}

/** The size of a device: the mapping counts swap in MiB and all else in GiB. */
export function size(device: Document | undefined, rootGb: unknown): { value: number; unit: string } | null {
    const own = device?.["volume_size"];
    const isSwap = device?.["guest_format"] === "swap";
    if (typeof own === "number" || typeof own === "bigint") {
        return isSwap && Number(own) % 1024 !== 0 ? { value: Number(own), unit: "MB" } : { value: Number(own) / (isSwap ? 1024 : 1), unit: "GB" };
    }
    const isRoot = device?.["boot_index"] === 0 && device["destination_type"] === "local";
    return isRoot && typeof rootGb === "number" && rootGb > 0 ? { value: rootGb, unit: "GB" } : null;
}

export const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "");

/** The start of an id. */
export const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 8)}…` : id);
