// Valid documents, rows, hosts and arguments. Each call returns new objects, which the test may change.

export const UUID = "fc57eb99-06bd-4ec2-b29d-3b59045e199f";

/** The current time in the tests. */
export const NOW = "2025-06-22T23:22:47.000000";

/** The last month that is complete at that time. */
export const MAY = { begin: "2025-05-01T00:00:00.000000", end: "2025-06-01T00:00:00.000000" };

const PROJECT_ID = "0d4f19a8e6f04a2fb4f4e0c5c2a9b9a1";
const USER_ID = "b2e1d0c9f8a74b6583920716253443a1";

// Options that several functions take.
const release = "hibiscus";
const instanceUuid = UUID;
const eventName = "compute_reboot_instance";
const window = MAY;
const now = NOW;
const auditPeriod = "month";
const glanceEndpoint = "http://glance.example:9292";
const computeDriver = "libvirt.LibvirtDriver";
const maxDiskDevicesToAttach = 26;
const rootDeviceName = "/dev/vda";
const device = "/dev/vdc";
const timesAreText = false;
const bdmsInNotifications = true;
const includeShareMapping = true;

/** Returns the UUID of the instance with a number of at most four digits. */
export const uuidOf = (number) => UUID.slice(0, -4) + String(number).padStart(4, "0");

export const context = () => ({
    user_id: "5f3c8d1a9b7e4c2f8a6d0e1b3c5f7a9d",
    project_id: PROJECT_ID,
    request_id: "req-e0666734-0883-4cc9-add2-ff4dfe5f823c",
    timestamp: "2025-06-22T23:22:40.000000",
    glance_endpoint: glanceEndpoint,
});

/** An instance of `hibiscus` that exists in May. */
export const hibiscus = (values = {}) => ({
    id: 40409,
    uuid: UUID,
    project_id: PROJECT_ID,
    user_id: USER_ID,
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
    ...values,
});

/** An instance of `grizzly`, which requires every column. */
export const grizzly = (values = {}) => ({
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
    system_metadata: Object.entries({
        instance_type_id: "5",
        instance_type_name: "m1.small",
        instance_type_memory_mb: "2048",
        instance_type_vcpus: "1",
        instance_type_root_gb: "20",
        instance_type_ephemeral_gb: "0",
        instance_type_flavorid: "2",
        instance_type_swap: "0",
        instance_type_rxtx_factor: "2.0",
        instance_type_vcpu_weight: null,
        image_os_distro: "ubuntu",
        image_image_type: "snapshot",
        instance_type_extra: "1",
    }).map(([key, value]) => ({ deleted: 0, key, value })),
    task_state: null,
    terminated_at: "2013-03-13T17:23:46.000000",
    updated_at: "2013-01-16T16:49:46.000000",
    user_id: "5f3c8d1a9b7e4c2f8a6d0e1b3c5f7a9d",
    uuid: "313c4394-ffe6-49f1-8423-d1149976e293",
    vcpus: 1,
    vm_state: "soft-delete",
    ...values,
});

/** The block devices of an instance of which `/dev/vdb` is in use. */
export const blockDevices = () => [{ device_name: "/dev/vdb", source_type: "volume", destination_type: "volume" }];

/** A row of `volume_usage_cache`. */
export const volUsage = () => ({
    volume_id: "a6b3c1de-33e2-4a3c-9a9e-0f2a3f6f2a10",
    instance_uuid: UUID,
    project_id: PROJECT_ID,
    user_id: USER_ID,
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

/** An unversioned `exists` notification of an instance. */
export const notification = (values = {}) => ({
    message_id: "2d4e1c0b-7f5a-4c1e-9a39-6a0d2f1b7c55",
    event_type: "compute.instance.exists",
    publisher_id: "compute.cmp-01",
    priority: "INFO",
    timestamp: "2025-06-01 00:17:03.250000",
    _context_project_id: PROJECT_ID,
    payload: {
        instance_id: UUID,
        tenant_id: PROJECT_ID,
        state: "active",
        instance_type: "m1.small",
        memory_mb: 2048,
        launched_at: "2025-04-26T12:19:14.999999",
        deleted_at: "",
        audit_period_beginning: "2025-05-01 00:00:00",
        audit_period_ending: "2025-06-01 00:00:00",
        image_meta: { os_distro: "ubuntu" },
        metadata: [{ key: "role", value: "pos" }],
    },
    ...values,
});

/** The columns that every table of Nova has. */
const common = () => ({ created_at: NOW, updated_at: null, deleted_at: null, deleted: false });

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
    ...common(),
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
    ...common(),
    ...values,
});

/** A row of `task_log` whose audit is not finished. */
export const runningTask = () => ({
    task_name: "instance_usage_audit",
    state: "RUNNING",
    host: "cmp-01",
    period_beginning: MAY.begin,
    period_ending: MAY.end,
    message: "Instance usage audit started...",
    task_items: 1,
    errors: 0,
});

/** The settings of the audits that `hostOptions` configures. */
const SETTINGS = "hibiscus unversioned message_ids=random bdms_in_notifications=false include_share_mapping=false";

/** The checkpoint of an audit that has sent no notification. */
export const auditCheckpoint = (values = {}) => ({
    marker: null,
    complete: false,
    retrying: false,
    num_instances: 1,
    instances: 0,
    notifications: 0,
    failures: [],
    seconds: 0.25,
    settings: SETTINGS,
    notifier_position: null,
    ...values,
});

/** A conductor that answers every call without a promise. */
export const conductor = (methods = {}) => ({
    taskLogGet: () => null,
    taskLogBeginTask: () => undefined,
    taskLogEndTask: () => undefined,
    auditCheckpointGet: () => auditCheckpoint(),
    auditCheckpointPut: () => true,
    instanceGetActiveByWindow: () => ({ instances: [hibiscus()], next_marker: null }),
    instanceCountActiveByWindow: () => 1,
    bwUsageGetByUuids: () => [],
    instanceGetNwInfo: () => [],
    instanceFaultCreate: () => undefined,
    actionStart: () => action(),
    actionFinish: () => action({ finish_time: NOW }),
    actionEventStart: () => actionEvent(),
    actionEventFinish: () => actionEvent({ finish_time: NOW, result: "Success" }),
    ...methods,
});

/** Options of `ComputeUtils` for the host `cmp-01`, whose clock stands still. */
export const hostOptions = (options = {}) => ({
    release,
    host: "cmp-01",
    clock: () => NOW,
    conductor: conductor(),
    notifier: { notify: () => undefined },
    ...options,
});

const existsNdjsonOptions = () => ({
    release,
    host: "cmp-01",
    hostFromInstance: false,
    windows: [window],
    timestamp: now,
    notificationFormat: "unversioned",
    bdmsInNotifications,
    includeShareMapping,
    context: context(),
    firstLine: 1,
});

const reconcileOptions = () => ({
    release,
    window,
    notificationFormat: "both",
    bdmsInNotifications,
    includeShareMapping,
    host: "cmp-01",
    context: context(),
    fields: ["state"],
});

const verifyNdjsonOptions = () => ({ fields: ["state"], firstLine: 1 });

const hoursNdjsonOptions = () => ({ windows: [window], firstLine: 1 });

/**
 * The arguments of every function, with every option.
 *
 * @type {Record<string, () => unknown[]>}
 */
export const FUNCTIONS = {
    auditPeriodBounds: () => [{ release, auditPeriod, currentPeriod: false, now }],
    defaultDeviceNamesForInstance: () => [
        { release, rootDeviceName, blockDeviceLists: [[rootDeviceName, null], []], maxDiskDevicesToAttach },
    ],
    deterministicMessageId: () => [
        { release, eventType: "compute.instance.exists", host: "cmp-01", window, instanceUuid },
    ],
    exceptionToDict: () => [{ fault: { class_name: "NoValidHost", text: "none" }, message: "no host" }],
    existsNdjson: () => [`${JSON.stringify(hibiscus())}\n`, existsNdjsonOptions()],
    existsNdjsonStream: () => [existsNdjsonOptions()],
    existsPayload: () => [
        {
            release,
            instance: hibiscus(),
            window,
            systemMetadata: {},
            extraUsageInfo: {},
            glanceEndpoint,
            timesAreText,
        },
    ],
    explainDeviceNameForInstance: () => FUNCTIONS.getDeviceNameForInstance(),
    explainNextDeviceName: () => FUNCTIONS.getNextDeviceName(),
    generateDeviceLetter: () => [1],
    generateDeviceName: () => [{ prefix: "vd", index: 1 }],
    getAuditCoverage: () => [
        {
            release,
            auditPeriod,
            clamp: false,
            begin: window.begin,
            end: window.end,
            now,
            hosts: ["cmp-01"],
            taskLogs: [runningTask()],
        },
    ],
    getAuditTaskLogs: () => [{ release, auditPeriod, before: now, hosts: ["cmp-01"], taskLogs: [runningTask()] }],
    getDeviceLetter: () => [{ release, deviceName: "/dev/vdb" }],
    getDeviceNameForInstance: () => [
        { release, instance: hibiscus(), bdms: blockDevices(), device, maxDiskDevicesToAttach, computeDriver },
    ],
    getNetworkInfo: () => [hibiscus()],
    getNextDeviceName: () => [
        {
            release,
            deviceNameList: [rootDeviceName, null],
            rootDeviceName,
            device,
            maxDiskDevicesToAttach,
            computeDriver,
        },
    ],
    getNwInfoForInstance: () => [{ info_cache: { network_info: "[]" } }],
    getUnusedLetter: () => [{ release, usedLetters: ["a"] }],
    hoursFor: () => [{ launchedAt: MAY.begin, terminatedAt: MAY.end, window }],
    hoursNdjson: () => [`${JSON.stringify(hibiscus())}\n`, hoursNdjsonOptions()],
    hoursNdjsonStream: () => [hoursNdjsonOptions()],
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
            glanceEndpoint,
            timesAreText,
        },
    ],
    instanceBlockMapping: () => [{ release, instance: hibiscus(), bdms: [], computeDriver }],
    instanceExistsPayload: () => [
        { context: context(), instance: hibiscus(), window, bdmsInNotifications, includeShareMapping },
    ],
    lastCompletedAuditPeriod: () => [{ release, unit: "month", auditPeriod: "day", before: now, clamp: false }],
    matchDevice: () => ["/dev/vdb"],
    packActionEventFinish: () => [
        { release, context: context(), instanceUuid, eventName, excVal: "broken", excTb: "frames", now },
    ],
    packActionEventStart: () => [{ release, context: context(), instanceUuid, eventName, host: "cmp-01", now }],
    packActionFinish: () => [{ release, context: context(), instanceUuid, now }],
    packActionStart: () => [{ release, context: context(), instanceUuid, actionName: "reboot" }],
    prependDev: () => ["vdb"],
    readNotification: () => [notification()],
    reconcileInstance: () => [{ ...reconcileOptions(), instance: hibiscus(), notifications: [notification()] }],
    reconcileNdjson: () => [
        `${JSON.stringify({ instance: hibiscus(), notifications: [] })}\n`,
        { ...reconcileOptions(), firstLine: 1 },
    ],
    reconcileNdjsonStream: () => [{ ...reconcileOptions(), firstLine: 1 }],
    reconcileTotals: () => [`${JSON.stringify({ findings: [{ verdict: "equal", hours: 1.5 }] })}\n`],
    safeTruncate: () => [{ value: "café", length: 4 }],
    stripDev: () => ["/dev/vdb"],
    stripPrefix: () => [{ release, deviceName: "/dev/vdb" }],
    tenantUsagesForPeriod: () => [{ instances: [hibiscus(), grizzly()], window, now, detailed: true }],
    usageVolumeInfo: () => [{ release, volUsage: volUsage(), timesAreText }],
    usagesBy: () => [{ instances: [hibiscus(), hibiscus()], window, key: "project" }],
    validateDeviceName: () => ["/dev/vdb"],
    verifyNdjson: () => [`${JSON.stringify([notification()])}\n`, verifyNdjsonOptions()],
    verifyNdjsonStream: () => [verifyNdjsonOptions()],
    verifyUsage: () => [{ notifications: [notification()], fields: ["state"] }],
    windowsBetween: () => [{ release, auditPeriod, begin: MAY.begin, end: NOW, clamp: false }],
};

/**
 * The arguments of every method of `ComputeUtils` and of its constructor, with every option.
 *
 * @type {Record<string, () => unknown[]>}
 */
export const METHODS = {
    constructor: () => [
        hostOptions({
            auditPeriod,
            notificationFormat: "both",
            bdmsInNotifications,
            includeShareMapping,
            randomBytes: (length) => new Uint8Array(length),
        }),
    ],
    actionFinish: () => [{ context: context(), instanceUuid }],
    actionStart: () => [{ context: context(), instanceUuid, actionName: "reboot" }],
    addInstanceFaultFromExc: () => [
        { context: context(), instanceUuid, fault: new Error("broken"), faultMessage: "it broke" },
    ],
    bandwidthUsage: () => [
        { context: context(), instance: hibiscus(), auditStart: MAY.begin, ignoreMissingNetworkData: true },
    ],
    eventFinish: () => [{ context: context(), instanceUuid, eventName }],
    eventFinishWithFailure: () => [
        { context: context(), instanceUuid, eventName, excVal: new Error("broken"), excTb: "frames" },
    ],
    eventStart: () => [{ context: context(), instanceUuid, eventName, host: "cmp-01" }],
    finishInstanceUsageAudit: () => [{ context: context(), window, host: "cmp-01", errors: 0, message: "done" }],
    hasAuditBeenRun: () => [{ context: context(), host: "cmp-01", timestamp: now }],
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
            timesAreText,
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
            timesAreText,
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
        {
            context: context(),
            resume: false,
            giveUp: false,
            retryFailed: false,
            messageIds: "deterministic",
            signal: new AbortController().signal,
            onProgress: () => undefined,
        },
    ],
    startInstanceUsageAudit: () => [{ context: context(), window, host: "cmp-01", numInstances: 1 }],
};

/**
 * Returns every function and method as a function of any arguments, with its valid arguments. All methods are called on
 * one object; the result of the constructor is freed.
 *
 * @param {typeof import("nova-compute-utils")} library
 * @returns {{ name: string, valid: () => unknown[], call: (...args: unknown[]) => unknown }[]}
 */
export function calls(library) {
    const functions = Object.entries(FUNCTIONS).map(([name, valid]) => ({ name, valid, call: library[name] }));
    const construct = (...args) => new library.ComputeUtils(...args);
    const nova = construct(...METHODS.constructor());
    const methods = Object.entries(METHODS).map(([name, valid]) => ({
        name: `ComputeUtils.${name}`,
        valid,
        call: name === "constructor" ? (...args) => construct(...args).free() : (...args) => nova[name](...args),
    }));
    return [...functions, ...methods];
}
