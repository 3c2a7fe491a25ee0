// Measures the npm package: `node benches/js.js [DIRECTORY …]`. Each directory is an assembled package; the default is
// `pkg`.
// The packages take turns in every round, so that all run under the same load. Only ratios are comparable between
// machines.

import { argv } from "node:process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROUNDS = 15;
const INSTANCES = 1_000;

const flavor = { id: 7, name: "m1.small", flavorid: "2", memory_mb: 2048, vcpus: 1, root_gb: 20, ephemeral_gb: 0, swap: 0 };
const vif = {
    id: "4e3f2c0a-3f0b-4a52-8d6e-2f7c0f5b9a01",
    address: "fa:16:3e:12:34:56",
    network: {
        id: "0c1d2e3f-0000-4000-8000-000000000001",
        bridge: "br-int",
        label: "private",
        subnets: [{ cidr: "10.0.0.0/24", ips: [{ address: "10.0.0.5", type: "fixed", version: 4 }], version: 4 }],
    },
};

/** Returns an instance as a cell stores it, about 4 KB of JSON. */
function createInstance(number) {
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`key_${key}`, `value ${number} ${key}`]));
    return {
        uuid: `fc57eb99-06bd-4ec2-b29d-${String(number).padStart(12, "0")}`,
        project_id: "6f70656e737461636b20342065766572",
        user_id: "fake",
        host: "cmp-01",
        node: "cmp-01",
        display_name: `server-${number}`,
        hostname: `server-${number}`,
        vm_state: "active",
        task_state: null,
        power_state: 1,
        launched_at: "2026-10-05T10:43:11.000000",
        created_at: "2026-10-05T10:42:59.000000",
        terminated_at: null,
        deleted_at: null,
        image_ref: "155d900f-4e14-4e4c-a73d-069cbf4541e6",
        os_type: "linux",
        architecture: "x86_64",
        availability_zone: "nova",
        root_device_name: "/dev/vda",
        instance_type_id: 7,
        flavor,
        metadata,
        system_metadata: { ...metadata, image_os_distro: "debian", image_min_disk: "20" },
        info_cache: { network_info: JSON.stringify([vif]) },
    };
}

const instances = Array.from({ length: INSTANCES }, (_, number) => createInstance(number));
const texts = instances.map((instance) => JSON.stringify(instance));
const lines = `${texts.join("\n")}\n`;
const window = { begin: "2026-10-01T00:00:00", end: "2026-11-01T00:00:00" };
const deviceNameList = Array.from({ length: 26 }, (_, index) => `/dev/vd${String.fromCharCode(97 + index)}`);

/** The measured calls; each function processes `INSTANCES` items. */
const CASES = {
    "object in, object out": (nova) => {
        for (const instance of instances) {
            nova.existsPayload({ release: "hibiscus", instance, window });
        }
    },
    "JSON text in, object out": (nova) => {
        for (const instance of texts) {
            nova.existsPayload({ release: "hibiscus", instance, window });
        }
    },
    "NDJSON, one call": (nova) => {
        nova.existsNdjson(lines, { release: "hibiscus", host: "cmp-01", windows: [window], timestamp: window.end });
    },
    "JSON.parse and JSON.stringify alone": () => {
        for (const text of texts) {
            JSON.stringify(JSON.parse(text));
        }
    },
    "next device name, 26 attached": (nova) => {
        for (let call = 0; call < INSTANCES; call += 1) {
            nova.getNextDeviceName({ release: "hibiscus", deviceNameList, rootDeviceName: "/dev/vda" });
        }
    },
};

const directories = argv.length > 2 ? argv.slice(2) : ["pkg"];
const packages = await Promise.all(directories.map((directory) => import(pathToFileURL(resolve(directory, "node.js")).href)));

/** The microseconds per item, by case, package and round. */
const measured = Object.fromEntries(Object.keys(CASES).map((name) => [name, packages.map(() => [])]));
for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(CASES)) {
        for (const [index, nova] of packages.entries()) {
            const begin = performance.now();
            run(nova);
            measured[name][index].push(((performance.now() - begin) * 1_000) / INSTANCES);
        }
    }
}

const median = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
console.log(`${"microseconds per item".padEnd(40)}${directories.map((directory) => directory.padStart(16)).join("")}`);
for (const [name, perPackage] of Object.entries(measured)) {
    console.log(name.padEnd(40) + perPackage.map((times) => median(times).toFixed(1).padStart(16)).join(""));
}
