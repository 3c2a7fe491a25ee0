// Servers for the tests.

const uuid = (number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

/** A document of a server with this number. */
export function server(number, changes = {}) {
    return {
        id: number,
        uuid: uuid(number),
        display_name: `web-${number}`,
        hostname: `web-${number}`,
        host: `cmp-0${(number % 8) + 1}`,
        node: `cmp-0${(number % 8) + 1}`,
        project_id: `project-${number % 5}`,
        user_id: "user-1",
        vm_state: "active",
        root_device_name: "/dev/vda",
        created_at: "2026-10-01T00:00:00.000000",
        launched_at: "2026-10-01T00:00:10.000000",
        terminated_at: null,
        flavor: { id: 1, name: "m1.small", flavorid: "1", memory_mb: 2048, vcpus: 1, root_gb: 20, ephemeral_gb: 0, swap: 0, extra_specs: {} },
        metadata: {},
        system_metadata: {},
        info_cache: { network_info: "[]" },
        block_devices: [],
        ...changes,
    };
}

/** Servers as NDJSON. */
export const ndjson = (count) => Array.from({ length: count }, (_, number) => `${JSON.stringify(server(number))}\n`).join("");
