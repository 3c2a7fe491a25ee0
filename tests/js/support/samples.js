// Something good to call everything with. Each is made anew: a test may do with it what it likes.

export const UUID = "fc57eb99-06bd-4ec2-b29d-3b59045e199f";

/** When the tests take place. */
export const NOW = "2025-06-22T23:22:47.000000";

/** The month before. */
export const MAY = { begin: "2025-05-01T00:00:00.000000", end: "2025-06-01T00:00:00.000000" };

export const context = () => ({
    user_id: "5f3c8d1a9b7e4c2f8a6d0e1b3c5f7a9d",
    project_id: "0d4f19a8e6f04a2fb4f4e0c5c2a9b9a1",
    request_id: "req-e0666734-0883-4cc9-add2-ff4dfe5f823c",
    timestamp: "2025-06-22T23:22:40.000000",
});

/** An instance of hibiscus, alive in May. */
export const hibiscus = () => ({
    id: 40409,
    uuid: UUID,
    project_id: "0d4f19a8e6f04a2fb4f4e0c5c2a9b9a1",
    user_id: "b2e1d0c9f8a74b6583920716253443a1",
    display_name: "café-pos",
    display_description: null,
    hostname: "caf-pos",
    host: "cmp-01",
    node: "cmp-01",
    reservation_id: "r-5c1b3770",
    image_ref: "1",
    root_device_name: "/dev/vda",
    vm_state: "active",
    created_at: "2025-04-26T12:09:24.999999",
    launched_at: "2025-04-26T12:19:14.999999",
    updated_at: "2025-04-26T12:19:14.999999",
    terminated_at: null,
    deleted_at: null,
    deleted: false,
    metadata: { role: "pos" },
    system_metadata: { image_os_distro: "ubuntu" },
    info_cache: { network_info: '[{"id": "5a92d5c4-d71c-4972-bcbb-019167ffd7f1", "address": "fa:16:3e:00:00:01"}]' },
    flavor: {
        id: 5,
        flavorid: "2",
        name: "m1.small",
        memory_mb: 2048,
        vcpus: 1,
        root_gb: 20,
        ephemeral_gb: 0,
        swap: 0,
        rxtx_factor: 1.0,
        extra_specs: {},
    },
});

/** One of grizzly, which wants every column to be there. */
export const grizzly = () => ({
    access_ip_v4: null,
    access_ip_v6: null,
    architecture: "i686",
    availability_zone: "az-1",
    created_at: "2013-01-16T16:46:24.000000",
    deleted: 0,
    deleted_at: null,
    display_name: "café-pos",
    ephemeral_gb: 0,
    host: "nova-cmp-03",
    hostname: "caf-pos",
    id: 16692,
    image_ref: "",
    instance_type_id: 5,
    kernel_id: "b64b291b-f895-4061-90f6-8bcab0fa84a1",
    launched_at: "2013-01-16T16:49:46.000000",
    memory_mb: 2048,
    metadata: [],
    node: "nova-cmp-03",
    os_type: "linux",
    project_id: "fake_project",
    ramdisk_id: "43231c97-b3de-4460-bce5-8d00e7a3c032",
    reservation_id: "r-dd1e8e27",
    root_device_name: "/dev/vda",
    root_gb: 20,
    system_metadata: [
        { deleted: 0, key: "instance_type_id", value: "5" },
        { deleted: 0, key: "instance_type_name", value: "m1.small" },
        { deleted: 0, key: "instance_type_memory_mb", value: "2048" },
        { deleted: 0, key: "instance_type_vcpus", value: "1" },
        { deleted: 0, key: "instance_type_root_gb", value: "20" },
        { deleted: 0, key: "instance_type_ephemeral_gb", value: "0" },
        { deleted: 0, key: "instance_type_flavorid", value: "2" },
        { deleted: 0, key: "instance_type_swap", value: "0" },
        { deleted: 0, key: "instance_type_rxtx_factor", value: "2.0" },
        { deleted: 0, key: "instance_type_vcpu_weight", value: null },
        { deleted: 0, key: "image_os_distro", value: "ubuntu" },
        { deleted: 0, key: "image_image_type", value: "snapshot" },
        { deleted: 0, key: "instance_type_extra", value: "1" },
    ],
    task_state: null,
    terminated_at: "2013-03-13T17:23:46.000000",
    updated_at: "2013-01-16T16:49:46.000000",
    user_id: "5f3c8d1a9b7e4c2f8a6d0e1b3c5f7a9d",
    uuid: "313c4394-ffe6-49f1-8423-d1149976e293",
    vcpus: 1,
    vm_state: "soft-delete",
});

/** A row of `volume_usage_cache`. */
export const volUsage = () => ({
    volume_id: "a6b3c1de-33e2-4a3c-9a9e-0f2a3f6f2a10",
    instance_uuid: UUID,
    project_id: "0d4f19a8e6f04a2fb4f4e0c5c2a9b9a1",
    user_id: "b2e1d0c9f8a74b6583920716253443a1",
    availability_zone: "az-1",
    tot_last_refreshed: "2025-05-01T00:00:00.000000",
    tot_reads: 1,
    tot_read_bytes: 2,
    tot_writes: 3,
    tot_write_bytes: 4,
    curr_last_refreshed: "2025-05-02T00:00:00.000000",
    curr_reads: 5,
    curr_read_bytes: 6,
    curr_writes: 7,
    curr_write_bytes: 8,
});

/** A row of `instance_actions`. */
export const action = (values = {}) => ({
    id: 1,
    action: "reboot",
    instance_uuid: UUID,
    request_id: context().request_id,
    user_id: null,
    project_id: null,
    start_time: NOW,
    finish_time: null,
    message: null,
    created_at: NOW,
    updated_at: null,
    deleted_at: null,
    deleted: false,
    ...values,
});

/** A row of `instance_actions_events`. */
export const actionEvent = (values = {}) => ({
    id: 1,
    event: "compute_reboot_instance",
    action_id: 1,
    start_time: NOW,
    finish_time: null,
    result: null,
    traceback: null,
    host: "cmp-01",
    details: null,
    created_at: NOW,
    updated_at: null,
    deleted_at: null,
    deleted: false,
    ...values,
});

/** A conductor that answers everything, at once. */
export const conductor = (others = {}) => ({
    taskLogGet: () => null,
    taskLogBeginTask: () => undefined,
    taskLogEndTask: () => undefined,
    instanceGetActiveByWindow: () => ({ instances: [hibiscus()], next_marker: null }),
    instanceCountActiveByWindow: () => 1,
    bwUsageGetByUuids: () => [],
    instanceGetNwInfo: () => [],
    instanceFaultCreate: () => undefined,
    actionStart: () => action(),
    actionFinish: () => action({ finish_time: NOW }),
    actionEventStart: () => actionEvent(),
    actionEventFinish: () => actionEvent({ finish_time: NOW, result: "Success" }),
    ...others,
});

const release = "hibiscus";
const instanceUuid = UUID;
const eventName = "compute_reboot_instance";
const window = MAY;
const now = NOW;

/**
 * Arguments for every function: all that it takes.
 *
 * @type {Record<string, () => unknown[]>}
 */
export const FUNCTIONS = {
    auditPeriodBounds: () => [{ release, auditPeriod: "month", currentPeriod: false, now }],
    defaultDeviceNamesForInstance: () => [
        { release, rootDeviceName: "/dev/vda", blockDeviceLists: [["/dev/vda", null], []], maxDiskDevicesToAttach: 26 },
    ],
    exceptionToDict: () => [{ fault: { class_name: "NoValidHost", text: "none" }, message: "no host" }],
    existsNdjson: () => [
        new TextEncoder().encode(`${JSON.stringify(hibiscus())}\n`),
        {
            release,
            host: "cmp-01",
            window,
            auditPeriod: "month",
            notificationFormat: "unversioned",
            glanceEndpoint: "http://glance.example:9292",
            context: context(),
            now,
            firstLine: 1,
        },
    ],
    existsNdjsonStream: () => FUNCTIONS.existsNdjson().slice(1),
    existsPayload: () => [
        {
            release,
            instance: hibiscus(),
            window,
            systemMetadata: {},
            extraUsageInfo: {},
            glanceEndpoint: "http://glance.example:9292",
            timesAreText: false,
        },
    ],
    explainDeviceNameForInstance: () => FUNCTIONS.getDeviceNameForInstance(),
    explainNextDeviceName: () => FUNCTIONS.getNextDeviceName(),
    generateDeviceLetter: () => [1],
    generateDeviceName: () => [{ prefix: "vd", index: 1 }],
    getDeviceLetter: () => [{ release, deviceName: "/dev/vdb" }],
    getDeviceNameForInstance: () => [
        {
            release,
            instance: hibiscus(),
            bdms: [{ device_name: "/dev/vdb", source_type: "volume", destination_type: "volume" }],
            device: "/dev/vdc",
            maxDiskDevicesToAttach: 26,
            computeDriver: "libvirt.LibvirtDriver",
        },
    ],
    getNetworkInfo: () => [hibiscus()],
    getNextDeviceName: () => [
        {
            release,
            deviceNameList: ["/dev/vda", null],
            rootDeviceName: "/dev/vda",
            device: "/dev/vdc",
            maxDiskDevicesToAttach: 26,
            computeDriver: "libvirt.LibvirtDriver",
        },
    ],
    getNwInfoForInstance: () => [{ info_cache: { network_info: "[]" } }],
    getUnusedLetter: () => [{ release, usedLetters: ["a"] }],
    hydrate: () => [{ release, networkInfo: [{ id: "5a92d5c4-d71c-4972-bcbb-019167ffd7f1" }] }],
    imageMeta: () => [{ image_os_distro: "ubuntu" }],
    infoFromInstance: () => [
        {
            release,
            instance: hibiscus(),
            networkInfo: [],
            systemMetadata: {},
            extra: {},
            populateImageRefUrl: true,
            glanceEndpoint: "http://glance.example:9292",
            timesAreText: false,
        },
    ],
    instanceBlockMapping: () => [{ release, instance: hibiscus(), bdms: [], computeDriver: "libvirt.LibvirtDriver" }],
    instanceExistsPayload: () => [{ context: context(), instance: hibiscus(), window }],
    lastCompletedAuditPeriod: () => [{ release, unit: "month", auditPeriod: "day", before: now, clamp: false }],
    matchDevice: () => ["/dev/vdb"],
    packActionEventFinish: () => [
        { release, context: context(), instanceUuid, eventName, excVal: "broken", excTb: "frames", now },
    ],
    packActionEventStart: () => [{ release, context: context(), instanceUuid, eventName, host: "cmp-01", now }],
    packActionFinish: () => [{ release, context: context(), instanceUuid, now }],
    packActionStart: () => [{ release, context: context(), instanceUuid, actionName: "reboot" }],
    prependDev: () => ["vdb"],
    safeTruncate: () => [{ value: "café", length: 4 }],
    stripDev: () => ["/dev/vdb"],
    stripPrefix: () => [{ release, deviceName: "/dev/vdb" }],
    usageVolumeInfo: () => [{ release, volUsage: volUsage(), timesAreText: false }],
    validateDeviceName: () => ["/dev/vdb"],
    windowsBetween: () => [{ release, auditPeriod: "month", begin: MAY.begin, end: NOW, clamp: false }],
};

/**
 * Arguments for every method of `ComputeUtils`, and for its constructor.
 *
 * @type {Record<string, () => unknown[]>}
 */
export const METHODS = {
    constructor: () => [
        {
            release,
            host: "cmp-01",
            auditPeriod: "month",
            notificationFormat: "both",
            glanceEndpoint: "http://glance.example:9292",
            conductor: conductor(),
            notifier: { notify: () => undefined },
            clock: () => NOW,
            randomBytes: (length) => new Uint8Array(length),
        },
    ],
    actionFinish: () => [{ context: context(), instanceUuid }],
    actionStart: () => [{ context: context(), instanceUuid, actionName: "reboot" }],
    addInstanceFaultFromExc: () => [{ instanceUuid, fault: new Error("broken"), faultMessage: "it broke" }],
    bandwidthUsage: () => [{ instance: hibiscus(), auditStart: MAY.begin, ignoreMissingNetworkData: true }],
    eventFinish: () => [{ context: context(), instanceUuid, eventName }],
    eventFinishWithFailure: () => [
        { context: context(), instanceUuid, eventName, excVal: new Error("broken"), excTb: "frames" },
    ],
    eventStart: () => [{ context: context(), instanceUuid, eventName, host: "cmp-01" }],
    finishInstanceUsageAudit: () => [{ window, host: "cmp-01", errors: 0, message: "done" }],
    hasAuditBeenRun: () => [{ host: "cmp-01", timestamp: now }],
    notifyAboutInstanceUsage: () => [
        {
            context: context(),
            instance: hibiscus(),
            eventSuffix: "reboot.end",
            host: "cmp-01",
            networkInfo: [],
            systemMetadata: {},
            extraUsageInfo: {},
            fault: new Error("broken"),
            bestEffort: false,
            timesAreText: false,
        },
    ],
    notifyAboutVolumeUsage: () => [{ context: context(), volUsage: volUsage(), host: "cmp-01" }],
    notifyUsageExists: () => [
        {
            context: context(),
            instance: hibiscus(),
            host: "cmp-01",
            currentPeriod: false,
            ignoreMissingNetworkData: true,
            systemMetadata: {},
            extraUsageInfo: {},
            timesAreText: false,
        },
    ],
    reportEvent: () => [
        {
            context: context(),
            eventName,
            instanceUuids: [UUID],
            host: "cmp-01",
            gracefulExit: false,
            swallowBodyError: false,
        },
        () => "done",
    ],
    runInstanceUsageAudit: () => [
        { context: context(), signal: new AbortController().signal, onProgress: () => undefined },
    ],
    startInstanceUsageAudit: () => [{ window, host: "cmp-01", numInstances: 1 }],
};

/**
 * Every function and method with its arguments, as something to call with any. Methods are called on an object of
 * their own, and what a constructor makes is freed.
 *
 * @param {typeof import("nova-compute-utils")} library
 * @returns {{ name: string, good: () => unknown[], call: (...given: unknown[]) => unknown }[]}
 */
export function calls(library) {
    const functions = Object.entries(FUNCTIONS).map(([name, good]) => ({ name, good, call: library[name] }));
    const make = (...given) => new library.ComputeUtils(...given);
    const nova = make(...METHODS.constructor());
    const methods = Object.entries(METHODS).map(([name, good]) => ({
        name: `ComputeUtils.${name}`,
        good,
        call: name === "constructor" ? (...given) => make(...given).free() : (...given) => nova[name](...given),
    }));
    return [...functions, ...methods];
}
