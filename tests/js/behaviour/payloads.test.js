// Payloads: block devices and shares in `instance.exists`, and network info that the library copies as it is.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { loadPackage } from "../support/project.js";
import { grizzly, hibiscus, hostOptions, MAY } from "../support/samples.js";

const { library, memory, remove } = await loadPackage();
const { ComputeUtils, infoFromInstance, instanceExistsPayload } = library;
after(remove);

/** An instance whose document has its rows of `block_device_mapping` and `share_mapping`. */
const withDevices = () =>
    hibiscus({
        block_devices: [
            { device_name: "/dev/vda", volume_id: "volume-1", boot_index: 0, delete_on_termination: false, tag: null },
            { device_name: "/dev/vdb", volume_id: null, boot_index: -1, delete_on_termination: true, tag: null },
        ],
        shares: [{ uuid: "mapping-1", share_id: "share-1", status: "active", tag: "share-1" }],
    });

/** Returns the names of the devices and of the shares of a payload; null if the payload lists none. */
function devicesOf(payload) {
    const { block_devices, shares } = payload["nova_object.data"];
    const member = (name) => (object) => object["nova_object.data"][name];
    return [block_devices?.map(member("device_name")) ?? null, shares?.map(member("share_id")) ?? null];
}

/** Creates a `ComputeUtils`, and the notifier that collects its notifications. */
function createCollector(options) {
    const notifier = memory.collectingNotifier();
    return { nova: new ComputeUtils(hostOptions({ notifier, ...options })), notifier };
}

/** The options, and the devices and shares that a payload then lists. Nova lists only block devices with a volume. */
const DEVICES = [
    [{}, [null, null]],
    [{ bdmsInNotifications: false, includeShareMapping: false }, [null, null]],
    [{ bdmsInNotifications: true }, [["/dev/vda"], null]],
    [{ includeShareMapping: true }, [null, ["share-1"]]],
    [{ bdmsInNotifications: true, includeShareMapping: true }, [["/dev/vda"], ["share-1"]]],
];

test("instanceExistsPayload lists block devices and shares only if the options say so", () => {
    for (const [options, expected] of DEVICES) {
        const payload = instanceExistsPayload({ instance: withDevices(), window: MAY, ...options });
        assert.deepEqual(devicesOf(payload), expected, JSON.stringify(options));
    }
});

test("notifyUsageExists lists block devices and shares only if the options say so", async () => {
    for (const [options, expected] of DEVICES) {
        const { nova, notifier } = createCollector({ notificationFormat: "versioned", ...options });
        await nova.notifyUsageExists({ instance: withDevices() });
        assert.equal(notifier.notifications.length, 1);
        assert.deepEqual(devicesOf(notifier.notifications[0].payload), expected, JSON.stringify(options));
        nova.free();
    }
});

const ADDRESS = { address: "10.0.0.4", version: 4, meta: { label: "in meta" } };

/** The vif of these addresses, not hydrated. */
const vif = (...ips) => ({ address: "fa:16:3e:00:00:01", network: { label: "private", subnets: [{ ips }] } });

for (const { release, instance, added } of [
    { release: "grizzly", instance: grizzly(), added: { label: "private" } },
    { release: "hibiscus", instance: hibiscus(), added: { label: "private", vif_mac: "fa:16:3e:00:00:01" } },
]) {
    const fixedIps = (...ips) => infoFromInstance({ release, instance, networkInfo: [vif(...ips)] }).fixed_ips;

    test(`${release}: an address gains no type and no floating addresses`, () => {
        assert.deepEqual(fixedIps(ADDRESS, { address: "10.0.0.5" }), [
            { ...ADDRESS, ...added },
            { address: "10.0.0.5", ...added },
        ]);
    });

    test(`${release}: the label of the network replaces the label of an address`, () => {
        assert.deepEqual(fixedIps({ ...ADDRESS, label: "old" }), [{ ...ADDRESS, ...added }]);
    });

    test(`${release}: notifyAboutInstanceUsage copies network info as it is`, async () => {
        const { nova, notifier } = createCollector({ release });
        const networkInfo = [vif({ ...ADDRESS, label: "old" })];
        await nova.notifyAboutInstanceUsage({ instance, eventSuffix: "reboot.end", networkInfo });
        assert.deepEqual(notifier.notifications[0].payload.fixed_ips, [{ ...ADDRESS, ...added }]);
        nova.free();
    });
}
