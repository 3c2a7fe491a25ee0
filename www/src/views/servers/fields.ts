// What each field of a payload is derived from, and where the fields stand: by meaning, not by alphabet.

export interface Meaning {
    group: string;
    unversioned: string | null;
    versioned: string | null;
    /** What it is derived from; names in backquotes are code. */
    from: string;
}

type Row = [unversioned: string | null, versioned: string | null, from: string];

const same = (name: string, from = `\`instances.${name}\``): Row => [name, name, from];
const flavor = (name: string, from = `\`flavor.${name}\``): Row => [null, `flavor.${name}`, from];

const GROUPS: [string, Row[]][] = [
    ["Window", [
        ["audit_period_beginning", "audit_period.audit_period_beginning", "The window that is audited. Unversioned: Python's text of the time; versioned: ISO 8601 with Z"],
        ["audit_period_ending", "audit_period.audit_period_ending", "The end of the window, which is excluded"],
        ["bandwidth", null, "`bw_usage_cache` in the window, by the label of each network"],
    ]],
    ["Server", [
        ["instance_id", "uuid", "`instances.uuid`"],
        same("display_name"),
        ["hostname", "host_name", "`instances.hostname`"],
        same("tenant_id", "`instances.project_id`"),
        same("user_id"),
        same("reservation_id"),
        same("metadata", "Rows of `instance_metadata` that are not deleted"),
        ["cell_name", null, "`instances.cell_name`; empty for null"],
        [null, "key_name", "`instances.key_name`"],
        [null, "display_description", "`instances.display_description`"],
        [null, "locked", "`instances.locked`"],
        [null, "locked_reason", "Key `locked_reason` of the system metadata"],
        [null, "action_initiator_user", "The request context; an audit has none"],
        [null, "action_initiator_project", "The request context; an audit has none"],
        [null, "request_id", "The request context, when it has both user and project"],
    ]],
    ["Place", [
        same("host"),
        same("node"),
        same("availability_zone"),
        [null, "auto_disk_config", "`instances.auto_disk_config`, by name"],
        [null, "block_devices", "`block_device_mapping`; null unless `[notifications] bdms_in_notifications`"],
        [null, "shares", "`share_mapping`; null unless `[notifications] include_share_mapping`"],
    ]],
    ["State", [
        same("state", "`instances.vm_state`"),
        ["state_description", "task_state", "`instances.task_state`. Unversioned: empty for null"],
        same("progress", "`instances.progress`. Unversioned: empty for null and for 0, a habit of Nova's that is kept"),
        [null, "power_state", "`instances.power_state`, by name"],
    ]],
    ["Times", [
        same("created_at", "`instances.created_at`. Unversioned: Python's text with the zone; versioned drops the fraction"),
        same("launched_at", "`instances.launched_at`. Unversioned: without zone, empty when never launched"),
        same("terminated_at"),
        same("deleted_at", "`instances.deleted_at`; in grizzly `instances.terminated_at`"),
        [null, "updated_at", "`instances.updated_at`"],
    ]],
    ["Flavor", [
        ["instance_type", "flavor.name", "`flavor.name`, of the flavor that is kept with the server, not the flavor of today"],
        ["instance_flavor_id", "flavor.flavorid", "`flavor.flavorid`"],
        ["instance_type_id", null, "`instances.instance_type_id`, a number of this database only"],
        ["vcpus", "flavor.vcpus", "`flavor.vcpus`"],
        ["memory_mb", "flavor.memory_mb", "`flavor.memory_mb`, in MiB"],
        ["disk_gb", null, "`flavor.root_gb` + `flavor.ephemeral_gb`"],
        ["root_gb", "flavor.root_gb", "`flavor.root_gb`"],
        ["ephemeral_gb", "flavor.ephemeral_gb", "`flavor.ephemeral_gb`"],
        flavor("swap", "`flavor.swap`, in MiB"),
        flavor("description"),
        flavor("disabled"),
        flavor("is_public"),
        flavor("projects"),
        flavor("rxtx_factor"),
        flavor("vcpu_weight"),
        flavor("extra_specs"),
    ]],
    ["Image", [
        ["image_ref_url", "image_uuid", "Glance's endpoint, `/images/` and `instances.image_ref`; versioned has the id alone"],
        ["image_meta", null, "Keys of `instance_system_metadata` that begin with `image_`, without these six characters"],
        same("architecture"),
        same("kernel_id"),
        same("ramdisk_id"),
        same("os_type"),
    ]],
    ["Network", [
        ["access_ip_v4", null, "`instances.access_ip_v4`"],
        ["access_ip_v6", null, "`instances.access_ip_v6`, in its short lower-case form"],
    ]],
];

const ALL: Meaning[] = GROUPS.flatMap(([group, rows]) => rows.map(([unversioned, versioned, from]) => ({ group, unversioned, versioned, from })));
const PLACES = new Map(ALL.flatMap((meaning, place) => [meaning.unversioned, meaning.versioned].map((name) => [name, place] as const)));

const ADDRESS: Record<string, string> = {
    address: "`instance_info_caches.network_info`: the fixed address",
    device_name: "`instance_info_caches.network_info`: the vif's device",
    label: "`instance_info_caches.network_info`: the label of the vif's network",
    mac: "`instance_info_caches.network_info`: the vif's address",
    meta: "`instance_info_caches.network_info`: the address's meta, values as text",
    port_uuid: "`instance_info_caches.network_info`: the vif's id",
    version: "`instance_info_caches.network_info`: the address's version",
};

export const GROUP_NAMES = [...GROUPS.map(([group]) => group), "Envelope", "Other"];

/** What a field means; `name` is that of one of the two formats. */
export function meaningOf(path: string, versioned: boolean): Meaning & { place: number } {
    const found = PLACES.get(path);
    if (found !== undefined) {
        const meaning = ALL[found];
        if (meaning !== undefined && (versioned ? meaning.versioned : meaning.unversioned) === path) {
            return { ...meaning, place: found };
        }
    }
    const other = { unversioned: versioned ? null : path, versioned: versioned ? path : null, place: ALL.length };
    if (path.includes("nova_object.")) {
        return { ...other, group: "Envelope", from: "The name, namespace and version of Nova's payload object" };
    }
    const address = /^ip_addresses(?:\[\d+\]\.(\w+))?$/.exec(path);
    if (address !== null) {
        return { ...other, group: "Network", from: ADDRESS[address[1] ?? ""] ?? "`instance_info_caches.network_info`" };
    }
    return { ...other, group: "Other", from: "This console does not know the field" };
}
