// Device names: the answer to a wish, and the letters of each bus.

import {
    type Document,
    explainDeviceNameForInstance,
    generateDeviceLetter,
    generateDeviceName,
    type GetDeviceNameForInstanceOptions,
    instanceBlockMapping,
    matchDevice,
    NovaError,
    prependDev,
    type TakenLetter,
} from "nova-compute-utils";

import type { Bus, DeviceAnswer, DeviceHolder, Malformed } from "./api.js";

/** How many next names are drawn. */
const NEXT = 3;
/** How many letters a bus has at most: `a` to `zz`. */
const LETTERS = 702;

export function explainDevice(options: GetDeviceNameForInstanceOptions): DeviceAnswer {
    const answer = explain(options);
    // The buses are drawn for a malformed wish, too.
    const free = options.device === undefined || options.device === null ? answer : explain({ ...options, device: null });
    const shown = answer.explanation ?? free.explanation;
    const next = free.explanation?.device_name == null ? [] : nextNames(options, free.explanation.device_name);
    return {
        ...answer,
        malformed: malformed(answer.error, options),
        next,
        next_error: free.error,
        buses: buses(shown?.prefix ?? null, shown?.taken ?? mapped(options), [...next, answer.explanation?.device_name]),
        taken: shown?.taken ?? mapped(options),
    };
}

function explain(options: GetDeviceNameForInstanceOptions): Pick<DeviceAnswer, "explanation" | "error"> {
    try {
        const { error, ...explanation } = explainDeviceNameForInstance(options);
        return { explanation, error: error === null ? null : failure(error) };
    } catch (error) {
        // Nova stops before it chooses a prefix, as at a malformed name.
        if (error instanceof NovaError) {
            return { explanation: null, error: failure(error) };
        }
        throw error;
    }
}

const failure = ({ code, message, arguments: members }: NovaError) => ({ code, message, arguments: (members ?? {}) as Document });

/** The devices of the mapping, when no explanation lists the letters. */
function mapped({ release, instance, bdms, computeDriver = null }: GetDeviceNameForInstanceOptions): TakenLetter[] {
    try {
        const mapping = Object.entries(instanceBlockMapping({ release, instance, bdms, computeDriver }));
        return mapping.map(([role, name]) => ({ letter: null, device_name: name, by: { role } }));
    } catch (error) {
        if (error instanceof NovaError) {
            return [];
        }
        throw error;
    }
}

/** The names that the next volumes get, one after the other. */
function nextNames(options: GetDeviceNameForInstanceOptions, first: string): string[] {
    const names = [first];
    let { bdms } = options;
    while (names.length < NEXT) {
        const attached = { device_name: names.at(-1) ?? null, source_type: "volume", destination_type: "volume", volume_id: "next" };
        bdms = [...bdms, attached];
        const name = explain({ ...options, bdms, device: null }).explanation?.device_name;
        // Without a root device name Nova does not look at the block devices, and gives the same name again.
        if (name == null || names.includes(name)) {
            break;
        }
        names.push(name);
    }
    return names;
}

/** The letters of each bus in order, that of new devices first. */
function buses(prefix: string | null, taken: readonly TakenLetter[], named: (string | null | undefined)[]): Bus[] {
    const held = new Map<string, DeviceHolder[]>();
    const found = new Map<string, Map<string, DeviceHolder[]>>();
    const bus = (name: string) => found.get(name) ?? found.set(name, new Map()).get(name)!;
    if (prefix !== null) {
        bus(prefix);
    }
    for (const { letter, device_name, by } of taken) {
        const name = device_name === null ? null : prependDev(device_name);
        const parts = name === null ? null : matchDevice(name);
        const own = letter ?? parts?.suffix ?? null;
        // A disk that a driver adds has a letter and no name: it is on the bus of new devices.
        const place = parts?.prefix ?? (name === null ? prefix : null);
        if (own === null) {
            continue;
        }
        const holder = { name: name ?? `${prefix ?? ""}${own}`, by };
        held.set(own, [...(held.get(own) ?? []), holder]);
        if (place !== null) {
            bus(place).set(own, [...(bus(place).get(own) ?? []), holder]);
        }
    }
    const letters = Array.from({ length: LETTERS }, (_, index) => generateDeviceLetter(index));
    const wanted = new Set(named.map((name) => (name == null ? undefined : matchDevice(name)?.suffix)));
    return [...found].map(([name, holders]) => {
        const isNew = name === prefix;
        const last = Math.max(25, letters.findLastIndex((letter) => holders.has(letter) || (isNew && (held.has(letter) || wanted.has(letter)))));
        const shown = isNew ? letters.slice(0, last + 1) : letters.filter((letter) => holders.has(letter));
        // A letter of a length that Nova never chooses is shown all the same.
        const others = [...holders.keys()].filter((letter) => !letters.includes(letter));
        return {
            prefix: name,
            is_new: isNew,
            after: isNew && shown.length < LETTERS ? generateDeviceName({ prefix: name, index: shown.length }) : null,
            slots: [...shown, ...others].map((letter) => ({
                letter,
                name: `${name}${letter}`,
                taken: holders.get(letter) ?? [],
                held: holders.has(letter) ? [] : (held.get(letter) ?? []),
            })),
        };
    });
}

// ---------------------------------------------------------------- the character at fault

const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const LOWER = ASCII.filter((character) => character >= "a" && character <= "z");
const DIGITS = ASCII.filter((character) => character >= "0" && character <= "9");
const isWithin = (part: readonly string[], whole: ReadonlySet<string>) => part.every((character) => whole.has(character));

/**
 * Finds the first character that no device name has at this place. The library's `matchDevice` decides: a start can go on
 * when some end of a known name makes it a name.
 */
function malformed(error: DeviceAnswer["error"], options: GetDeviceNameForInstanceOptions): Malformed | null {
    const path = error?.code === "InvalidDevicePath" ? error.arguments["path"] : undefined;
    if (typeof path !== "string" || matchDevice(path) !== null) {
        return null;
    }
    const known = generateDeviceName({ prefix: "/dev/vd", index: 0 });
    const ends = Array.from({ length: known.length + 1 }, (_, index) => known.slice(index));
    const canGoOn = (start: string) => ends.some((end) => matchDevice(start + end) !== null);
    const characters = [...path];
    let at = characters.findIndex((_, index) => !canGoOn(characters.slice(0, index + 1).join("")));
    if (at === -1) {
        at = characters.length;
    }
    const before = characters.slice(0, at).join("");
    const fitting = new Set(ASCII.filter((character) => canGoOn(before + character)));
    const expected: string[] = [];
    for (const [part, word] of [[LOWER, "a lower-case letter"], [DIGITS, "a digit"]] as const) {
        if (isWithin(part, fitting)) {
            expected.push(word);
            part.forEach((character) => fitting.delete(character));
        }
    }
    expected.unshift(...[...fitting].map((character) => `\`${character}\``));
    if (matchDevice(before) !== null) {
        expected.push("the end");
    }
    return { path, of_wish: path === options.device, before, character: characters[at] ?? "", after: characters.slice(at + 1).join(""), expected };
}
