// Reading a server's document: members of any type, as text.

import type { Document, Value } from "../../worker/api.js";

export const text = (value: unknown): string =>
    typeof value === "string" ? value : typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : "";

export const list = (value: unknown): Document[] => (Array.isArray(value) ? (value as Document[]) : []);

export const member = (value: unknown, ...path: string[]): Value | undefined =>
    path.reduce<unknown>((at, name) => (typeof at === "object" && at !== null ? (at as Document)[name] : undefined), value) as Value | undefined;

/** The members of a versioned payload, without Nova's envelope. */
export const data = (value: unknown): Document => (member(value, "nova_object.data") ?? {}) as Document;

/** The keys and values of metadata, which is a mapping or a list of rows. */
export function pairs(value: unknown): [string, string][] {
    if (Array.isArray(value)) {
        return list(value).filter((row) => !Number(row["deleted"] ?? 0)).map((row) => [text(row["key"]), text(row["value"])]);
    }
    return typeof value === "object" && value !== null ? Object.entries(value).map(([key, one]) => [key, text(one)]) : [];
}

/** `8 GB`, `512 MB`. */
export const memory = (mib: unknown): string => {
    const value = Number(mib);
    return value >= 1024 ? `${Number((value / 1024).toFixed(1))} GB` : `${value} MB`;
};
