// Two payloads, line against line.

import { marks, type Part } from "../devices/marks.js";
import type { Field, Fields } from "./exact.js";
import { GROUP_NAMES, meaningOf } from "./fields.js";

export type Difference = "same" | "form" | "moved" | "left" | "right";

export interface Line {
    /** The name that the address has for it. */
    key: string;
    left: Field | null;
    right: Field | null;
    difference: Difference;
    from: string;
    /** The values, with the characters that differ. */
    parts: [Part[], Part[]];
}

export interface Side {
    versioned: boolean;
    fields: Fields;
}

/** The sign and the word of each difference, between a left and a right side of these names. */
export const SIGNS: Record<Difference, string> = { form: "≠", moved: "→", left: "−", right: "+", same: "=" };

export function words(left: string, right: string): Record<Difference, string> {
    return { form: "other form", moved: "renamed or moved", left: `only ${left}`, right: `only ${right}`, same: "same" };
}

/** Groups the fields of both sides by meaning. */
export function compare(left: Side, right: Side, envelope: boolean): { group: string; lines: Line[] }[] {
    const found = new Map<string, { group: string; place: number; from: string; left: Field | null; right: Field | null }>();
    const add = (side: "left" | "right", { versioned, fields }: Side) => {
        for (const field of [...fields.fields, ...(envelope ? fields.envelope : [])]) {
            const { group, place, from, unversioned, versioned: other } = meaningOf(field.path, versioned);
            const key = unversioned ?? other ?? field.path;
            const line = found.get(key) ?? { group, place, from, left: null, right: null };
            found.set(key, { ...line, [side]: field });
        }
    };
    add("left", left);
    add("right", right);
    const lines = [...found].sort(([, a], [, b]) => a.place - b.place);
    return GROUP_NAMES.map((group) => ({
        group,
        lines: lines.filter(([, line]) => line.group === group).map(([key, line]) => ({ key, ...drawn(line) })),
    })).filter(({ lines }) => lines.length > 0);
}

function drawn({ left, right, from }: Pick<Line, "left" | "right" | "from">): Omit<Line, "key"> {
    const plain = (field: Field | null): Part[] => (field === null ? [] : [{ text: field.text, differs: false }]);
    const difference: Difference =
        left === null ? "right" : right === null ? "left" : left.text !== right.text ? "form" : left.path === right.path ? "same" : "moved";
    const parts: [Part[], Part[]] = difference === "form" ? marks(left?.text ?? "", right?.text ?? "") : [plain(left), plain(right)];
    return { left, right, difference, from, parts };
}
