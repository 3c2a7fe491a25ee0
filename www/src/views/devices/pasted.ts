// A server that is typed or pasted into `#/devices`.

import type { Document } from "../../worker/api.js";

export interface Described {
    instance: Document;
    devices: Document[];
}

/** The longest text that the address keeps. */
const LONGEST = 200_000;
/** The large columns that no device name depends on. */
const LARGE = ["info_cache", "metadata", "services", "fault", "faults", "numa_topology", "pci_requests", "vcpu_model", "trusted_certs", "keypairs"];

const isObject = (value: unknown): value is Document => typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a server: a document, or the arguments of Nova's function. */
export function read(text: string): Described | { problem: string } {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch (error) {
        return { problem: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` };
    }
    const whole = isObject(value) && isObject(value["instance"]) ? value : { instance: value };
    const { instance } = whole;
    if (!isObject(instance)) {
        return { problem: "A server is an object with `root_device_name`; this is none." };
    }
    const devices = ("bdms" in whole ? whole.bdms : instance["block_devices"]) ?? [];
    if (!Array.isArray(devices) || !devices.every(isObject)) {
        return { problem: "The block devices must be a list of objects." };
    }
    return { instance, devices };
}

/** The text without line breaks, spaces and large columns; the text itself when it cannot be read. */
export function shortened(text: string): string {
    const found = read(text);
    if ("problem" in found) {
        return text.slice(0, LONGEST);
    }
    const kept = Object.entries(found.instance).filter(([name]) => !LARGE.includes(name) && name !== "block_devices");
    return JSON.stringify({ instance: Object.fromEntries(kept), bdms: found.devices });
}

/** A server with this root device, and volumes at these names. */
export function described(root: string, names: string): Described {
    const volumes = names.split(/[\s,]+/).filter((name) => name !== "");
    return {
        instance: { uuid: "00000000-0000-4000-8000-000000000000", root_device_name: root },
        devices: volumes.map((name, place) => ({
            device_name: name,
            source_type: "volume",
            destination_type: "volume",
            boot_index: null,
            volume_id: `volume-${place + 1}`,
        })),
    };
}
