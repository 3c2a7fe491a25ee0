"""Makes the sample of the console: a month of a small cloud, written and audited by the real Nova.

    python sample.py --out DIR [--seed N]

Needs a Python environment with `nova==34.0.0`. Writes `sample.ndjson.gz`, the cell, and `sample.json`, the answers of Nova and
the injuries of the bus that tests compare with. The same seed gives the same bytes.

The script plays a timeline on a fresh cell database. Servers are created, resized and deleted through Nova's own objects, and
after the end of each window the host runs Nova's own periodic task, `_instance_usage_audit`, with the clock set to that time.
Only these parts of Nova are replaced: the clock, `uuid4`, the transport of notifications, the resource tracker, and the commands
that Nova runs on a host.
"""

import argparse
import contextlib
import datetime
import gzip
import json
import logging
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import types
import uuid
from unittest import mock

# The order of sets of strings shows in rows that Nova writes.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.execve(sys.executable, [sys.executable, "-W", "ignore", *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import oslo_messaging
from keystoneauth1 import exceptions as keystone
from oslo_concurrency import processutils
from oslo_messaging.notify import _impl_test
from oslo_utils import timeutils

import nova.conf
from nova import config, context, exception, objects, rpc
from nova.api.openstack.compute.instance_usage_audit_log import InstanceUsageAuditLogController
from nova.compute import manager
from nova.compute import utils as compute_utils
from nova.conductor import manager as conductor
from nova.image import glance
from nova.network import model
from nova.virt.libvirt import driver as libvirt
from nova.virt.libvirt.volume import remotefs

CONF = nova.conf.CONF
DAY = datetime.timedelta(days=1)
FROM = datetime.datetime(2026, 10, 1, 6)
TO = FROM + 31 * DAY
NOW = datetime.datetime(2026, 11, 1, 9, 12)
PERIOD = "day@6"
GLANCE = "https://glance.example.org:9292"
# The bus is recorded from here on.
RECORDED_FROM = datetime.datetime(2026, 10, 30, 6)
SERVERS = 300
HOSTS = {"cmp-01": 46, "cmp-02": 43, "cmp-03": 19, "cmp-04": 44, "cmp-05": 46, "cmp-06": 24, "cmp-07": 28, "cmp-08": 50}

# The windows, by the day of October on which they begin.
NOT_RUN = {("cmp-03", 12), ("cmp-03", 13), ("cmp-06", 16), ("cmp-06", 17), ("cmp-06", 18), ("cmp-06", 19), ("cmp-07", 24),
           ("cmp-07", 25), ("cmp-07", 30)}
ERRORS = {("cmp-02", 8): 3, ("cmp-05", 15): 1, ("cmp-08", 21): 2, ("cmp-05", 29): 12}
KILLED = {("cmp-04", 30): 17}

FLAVORS = {
    "m1.small": dict(id=2, flavorid="2", vcpus=1, memory_mb=2048, root_gb=20, ephemeral_gb=0, swap=0),
    "m1.medium": dict(id=3, flavorid="3", vcpus=2, memory_mb=4096, root_gb=40, ephemeral_gb=0, swap=0),
    "m1.large": dict(id=4, flavorid="4", vcpus=4, memory_mb=8192, root_gb=80, ephemeral_gb=20, swap=1024),
    "c1.xlarge": dict(id=7, flavorid="9", vcpus=16, memory_mb=32768, root_gb=80, ephemeral_gb=0, swap=0),
    "r1.xlarge": dict(id=8, flavorid="12", vcpus=8, memory_mb=65536, root_gb=80, ephemeral_gb=100, swap=4096),
    "gpu.a100": dict(id=11, flavorid="20", vcpus=24, memory_mb=262144, root_gb=200, ephemeral_gb=1600, swap=0),
}
EXTRA_SPECS = {"c1.xlarge": {"hw:cpu_policy": "dedicated"}, "gpu.a100": {"resources:VGPU": "1"}}
IMAGES = {
    "debian-13": dict(bus="virtio", prefix="/dev/vd", disk_format="qcow2", min_disk="3", os_distro="debian"),
    "ubuntu-24.04": dict(bus="virtio", prefix="/dev/vd", disk_format="qcow2", min_disk="4", os_distro="ubuntu"),
    "rhel-9": dict(bus="scsi", prefix="/dev/sd", disk_format="raw", min_disk="10", os_distro="rhel"),
    "erp-2014-xen": dict(bus="xen", prefix="/dev/xvd", disk_format="vhd", min_disk="20", os_distro="centos"),
}
# Roles of servers by project, with the flavors and images of each.
PROJECTS = {
    "shop": {"web": ("m1.small", "debian-13"), "cart": ("m1.medium", "debian-13"), "db": ("m1.large", "rhel-9"),
             "cache": ("m1.medium", "debian-13")},
    "research": {"gpu-node": ("gpu.a100", "ubuntu-24.04"), "notebook": ("m1.large", "ubuntu-24.04"),
                 "batch": ("c1.xlarge", "ubuntu-24.04")},
    "ci": {"runner": ("m1.medium", "ubuntu-24.04"), "artifacts": ("m1.large", "debian-13")},
    "erp": {"erp-app": ("m1.large", "erp-2014-xen"), "erp-db": ("r1.xlarge", "rhel-9")},
    "telemetry": {"ingest": ("c1.xlarge", "debian-13"), "queue": ("m1.medium", "debian-13"),
                  "grafana-é": ("m1.small", "debian-13")},
    "测试": {"测试": ("m1.small", "ubuntu-24.04"), "\"staging\"": ("m1.medium", "ubuntu-24.04")},
}
METADATA = [{}, {}, {}, {"cost-center": "4711"}, {"cost-center": "4720", "owner": "payments"}, {"env": "staging"},
            {"backup": "nightly"}]

# The columns of each table that the cell contains. Those of `instances` leave out `user_data` and `key_data`.
COLUMNS = {
    "instances": "created_at updated_at deleted_at deleted id uuid user_id project_id image_ref kernel_id ramdisk_id hostname "
                 "launch_index key_name power_state vm_state task_state memory_mb vcpus root_gb ephemeral_gb host node compute_id "
                 "instance_type_id reservation_id launched_at terminated_at availability_zone display_name display_description "
                 "locked locked_by os_type architecture vm_mode root_device_name default_ephemeral_device default_swap_device "
                 "config_drive access_ip_v4 access_ip_v6 auto_disk_config progress cell_name hidden",
    "block_device_mapping": "source_type destination_type guest_format boot_index device_name delete_on_termination volume_id "
                            "volume_size image_id tag",
    "instance_metadata": "key value deleted",
    "instance_system_metadata": "key value deleted",
    "services": "host binary topic disabled",
    "task_log": "id task_name state host period_beginning period_ending message task_items errors created_at updated_at "
                "deleted_at deleted",
    "instance_actions": "id action instance_uuid request_id user_id project_id start_time finish_time message created_at "
                        "updated_at deleted_at deleted",
    "instance_actions_events": "id event action_id start_time finish_time result traceback host details created_at updated_at "
                               "deleted_at deleted",
    "instance_faults": "id instance_uuid code message details host created_at updated_at deleted_at deleted",
}
BOOLEANS = {"locked", "auto_disk_config", "hidden", "delete_on_termination", "disabled"}


class Killed(BaseException):
    """The end of a process in the middle of an audit. Nova catches every `Exception`."""


class Clock:
    """The clock of Nova, in the place of a list of times."""

    def __init__(self):
        self.now = FROM

    def pop(self, _index):
        return self.now

    def forward(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)


class Uuids:
    """UUIDs by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def __call__(self):
        return uuid.UUID(int=self.random.getrandbits(128), version=4)


def whole(seconds):
    return datetime.timedelta(seconds=int(seconds))


# The cloud ----------------------------------------------------------------------------------------------------------------

class Cloud:
    """A cell database and the operations on its servers, at the time of the clock."""

    def __init__(self, seed, clock):
        self.random, self.clock = random.Random(seed), clock
        self.bus = []
        self.limit = None
        self.auditing = False
        self.timeline = []
        self.counts = {}
        new = lambda: str(uuid.uuid4())
        self.projects = {name: (uuid.uuid4().hex, [uuid.uuid4().hex for _ in range(self.random.randrange(1, 4))])
                         for name in PROJECTS}
        self.images = {name: new() for name in IMAGES}
        self.networks = {name: (new(), "10.%d.0" % (20 + at)) for at, name in enumerate(PROJECTS)}
        self.storage = (new(), "172.16.8")
        self.shared = (new(), "192.0.2")

    def chance(self, share):
        return self.random.random() < share

    def at(self, time, call, *arguments):
        self.timeline.append((time, len(self.timeline), call, arguments))

    def run(self):
        """Runs the timeline. An operation may append further ones."""
        while self.timeline:
            entry = min(self.timeline)
            self.timeline.remove(entry)
            time, _, call, arguments = entry
            self.clock.now = time
            call(*arguments)

    def context(self, instance=None, **values):
        if instance is not None:
            values.update(user_id=instance.user_id, project_id=instance.project_id)
        return context.RequestContext(is_admin=True, overwrite=False, timestamp=self.clock.now, **values)

    # Notifications

    def notify(self, _driver, _context, message, _priority, _retry):
        """The transport: records a message. The process ends when the limit is reached."""
        if self.limit == 0:
            raise Killed
        if self.limit is not None:
            self.limit -= 1
        if self.auditing:
            self.clock.forward(0.02 + self.random.randrange(20) / 1000)
        if self.clock.now >= RECORDED_FROM:
            self.bus.append(json.loads(json.dumps(message)))

    def tell(self, ctx, instance, suffix, **extra):
        compute_utils.notify_about_instance_usage(rpc.get_notifier("compute", instance.host), ctx, instance, suffix, **extra)

    # Servers

    def flavor(self, ctx, name):
        return objects.Flavor(
            context=ctx, name=name, rxtx_factor=1.0, vcpu_weight=0, disabled=False, is_public=True, projects=[], description=None,
            extra_specs=EXTRA_SPECS.get(name, {}), created_at=None, updated_at=None, deleted_at=None, deleted=False,
            **FLAVORS[name])

    def vif(self, network, label, project_id, floating, ipv6):
        network_id, prefix = network
        port = str(uuid.uuid4())
        address = "%s.%d" % (prefix, self.random.randrange(10, 250))
        floating_ips = [model.IP(address="203.0.113.%d" % self.random.randrange(2, 250), type="floating")] if floating else []
        subnets = [model.Subnet(
            cidr=prefix + ".0/24", dns=[model.IP(address="192.0.2.53", type="dns")],
            gateway=model.IP(address=prefix + ".1", type="gateway"),
            ips=[model.FixedIP(address=address, floating_ips=floating_ips)], routes=[])]
        if ipv6:
            subnets.append(model.Subnet(
                cidr="2001:db8:20::/64", dns=[], gateway=model.IP(address="2001:db8:20::1", type="gateway"),
                ips=[model.FixedIP(address="2001:db8:20::%x" % self.random.randrange(16, 65000))], routes=[]))
        mac = "fa:16:3e:%02x:%02x:%02x" % tuple(self.random.randrange(256) for _ in range(3))
        return model.VIF(
            id=port, address=mac, type="ovs", devname="tap" + port[:11], ovs_interfaceid=port, active=True, vnic_type="normal",
            network=model.Network(id=network_id, bridge="br-int", label=label, subnets=subnets, tenant_id=project_id, mtu=1450))

    def network_info(self, project, role):
        project_id = self.projects[project][0]
        public = role.startswith(("web", "grafana", "runner")) and self.chance(0.15)
        if public:
            vifs = [self.vif(self.shared, "public", None, False, False)]
        else:
            vifs = [self.vif(self.networks[project], project + "-net", project_id, self.chance(0.25), self.chance(0.2))]
        if "db" in role or role == "artifacts" or self.chance(0.06):
            vifs.append(self.vif(self.storage, "storage", None, False, False))
        return model.NetworkInfo(vifs)

    def create(self, host, project, role, delete_after):
        """Requests a server. The host builds it some seconds later."""
        clock = self.clock
        flavor_name, image = PROJECTS[project][role]
        project_id, users = self.projects[project]
        user_id = self.random.choice(users)
        ctx = self.context(user_id=user_id, project_id=project_id)
        flavor = self.flavor(ctx, flavor_name)
        prefix = IMAGES[image]["prefix"]
        number = self.counts[role] = self.counts.get(role, 0) + 1
        name = "%s-%02d" % (role, number)
        system_metadata = {
            "image_base_image_ref": self.images[image], "image_container_format": "bare",
            "image_disk_format": IMAGES[image]["disk_format"], "image_min_disk": str(flavor.root_gb), "image_min_ram": "0",
            "image_hw_disk_bus": IMAGES[image]["bus"], "image_os_distro": IMAGES[image]["os_distro"],
            "owner_project_name": project, "owner_user_name": "%s-%d" % (project, users.index(user_id) + 1),
        }
        instance = objects.Instance(
            ctx, uuid=str(uuid.uuid4()), project_id=project_id, user_id=user_id, display_name=name, display_description=None,
            hostname=re.sub("[^a-z0-9-]", "", name.lower()).strip("-") or "server", instance_type_id=flavor.id,
            reservation_id="r-" + uuid.uuid4().hex[:8], image_ref=self.images[image], kernel_id="", ramdisk_id="",
            key_name=self.random.choice([None, project + "-ops"]), os_type="linux", architecture="x86_64", vm_state="building",
            task_state="scheduling", power_state=0, progress=0, root_device_name=prefix + "a", launch_index=0, locked=False,
            access_ip_v4=None, access_ip_v6=None, launched_at=None, terminated_at=None, memory_mb=flavor.memory_mb,
            vcpus=flavor.vcpus, root_gb=flavor.root_gb, ephemeral_gb=flavor.ephemeral_gb, auto_disk_config=True,
            metadata=self.random.choice(METADATA), system_metadata=system_metadata, flavor=flavor, old_flavor=None,
            new_flavor=None, availability_zone="az-1" if host < "cmp-05" else "az-2")
        instance.info_cache = objects.InstanceInfoCache(
            context=ctx, instance_uuid=instance.uuid, network_info=self.network_info(project, role))
        instance.create()
        self.disks(ctx, instance, role, prefix)
        objects.InstanceAction.action_start(ctx, instance.uuid, "create", want_result=False)
        clock.forward(self.random.randrange(2, 9))
        self.place(instance, host)
        instance.save()
        self.at(clock.now, self.build, ctx, instance, delete_after)
        return instance

    def place(self, instance, host):
        instance.host, instance.node = host, host + ".dc2.example.org"
        instance.compute_id = 1 + list(HOSTS).index(host)

    def disks(self, ctx, instance, role, prefix):
        letters = iter("abcdefghijklmnopqrstuvwxyz")
        disk = lambda **values: objects.BlockDeviceMapping(
            ctx, instance_uuid=instance.uuid, **{"device_name": prefix + next(letters), "boot_index": -1, **values}).create()
        volume = lambda size, **values: disk(
            source_type="volume", destination_type="volume", volume_id=str(uuid.uuid4()), volume_size=size,
            delete_on_termination=False, **values)
        if role == "erp-db":
            disk(source_type="image", destination_type="volume", boot_index=0, image_id=instance.image_ref,
                 volume_id=str(uuid.uuid4()), volume_size=instance.root_gb, delete_on_termination=True)
        else:
            disk(source_type="image", destination_type="local", boot_index=0, image_id=instance.image_ref,
                 delete_on_termination=True)
        local = dict(source_type="blank", destination_type="local", delete_on_termination=True)
        if instance.ephemeral_gb:
            instance.default_ephemeral_device = prefix + "b"
            disk(volume_size=instance.ephemeral_gb, guest_format="ext4", **local)
        if instance.flavor.swap:
            # In MiB, as in Nova; other disks are in GiB.
            instance.default_swap_device = prefix + ("c" if instance.ephemeral_gb else "b")
            disk(volume_size=instance.flavor.swap, guest_format="swap", **local)
        instance.save()
        if "db" in role:
            volume(self.random.choice([200, 500]), tag="data")
            volume(50, tag="wal")
        elif role in ("artifacts", "ingest"):
            volume(self.random.choice([500, 1000, 2000]))
            if instance.display_name.endswith("-01"):
                # Attached by an older release, which kept the name that the user asked for.
                volume(500, device_name="/dev/sdf")

    @contextlib.contextmanager
    def action(self, instance, name, pause=0):
        ctx = self.context(instance)
        objects.InstanceAction.action_start(ctx, instance.uuid, name, want_result=False)
        self.clock.forward(pause or self.random.randrange(1, 4))
        yield ctx

    @contextlib.contextmanager
    def event(self, ctx, instance, name, seconds, host=None):
        with compute_utils.EventReporter(ctx, name, host or instance.host, instance.uuid):
            self.clock.forward(seconds)
            yield

    def build(self, ctx, instance, delete_after):
        CONF.set_override("host", instance.host)
        fails = instance.display_name in ("batch-07", "notebook-08", "db-05")
        with self.event(ctx, instance, "compute__do_build_and_run_instance", self.random.randrange(9, 80)):
            if not fails:
                self.tell(ctx, instance, "create.start")
                instance.launched_at = self.clock.now
                instance.vm_state, instance.task_state, instance.power_state = "active", None, 1
                instance.save()
                self.tell(ctx, instance, "create.end", extra_usage_info={"message": "Success"})
            else:
                # Nova records a failed build as a fault of the server; the event succeeds.
                try:
                    raise exception.BuildAbortException(instance_uuid=instance.uuid, reason="Block Device Mapping is Invalid."
                                                        if instance.display_name == "notebook-08" else
                                                        "Insufficient compute resources: Requested instance NUMA topology "
                                                        "cannot fit the given host NUMA topology.")
                except exception.BuildAbortException as error:
                    compute_utils.add_instance_fault_from_exc(ctx, instance, error, sys.exc_info())
                    self.tell(ctx, instance, "create.error", extra_usage_info={"message": str(error)})
                instance.vm_state, instance.task_state = "error", None
                instance.save()
        if delete_after is not None:
            self.at(self.clock.now + delete_after, self.delete, instance)

    def alive(self, instance):
        return not instance.obj_attr_is_set("terminated_at") or instance.terminated_at is None

    def delete(self, instance):
        CONF.set_override("host", instance.host)
        with self.action(instance, "delete") as ctx:
            with self.event(ctx, instance, "compute_terminate_instance", self.random.randrange(3, 12)):
                self.tell(ctx, instance, "delete.start")
                for device in objects.BlockDeviceMappingList.get_by_instance_uuid(ctx, instance.uuid):
                    device.destroy()
                instance.terminated_at = self.clock.now
                instance.vm_state, instance.task_state, instance.power_state = "deleted", None, 0
                instance.save()
                self.tell(ctx, instance, "delete.end")
                instance.destroy()

    def power(self, instance, action, vm_state, power_state):
        if self.alive(instance) and instance.vm_state in ("active", "stopped"):
            with self.action(instance, action) as ctx:
                with self.event(ctx, instance, "compute_%s_instance" % action, self.random.randrange(2, 30)):
                    instance.vm_state, instance.power_state = vm_state, power_state
                    instance.save()

    def attach(self, instance, fails=False):
        if not self.alive(instance):
            return
        ctx = self.context(instance)
        devices = objects.BlockDeviceMappingList.get_by_instance_uuid(ctx, instance.uuid)
        with self.action(instance, "attach_volume") as ctx:
            with self.event(ctx, instance, "compute_reserve_block_device_name", 1):
                name = compute_utils.get_device_name_for_instance(instance, devices, None)
                volume_id = str(uuid.uuid4())
                device = objects.BlockDeviceMapping(
                    ctx, instance_uuid=instance.uuid, source_type="volume", destination_type="volume", boot_index=None,
                    device_name=name, volume_id=volume_id, volume_size=self.random.choice([10, 50, 100, 250]),
                    delete_on_termination=False)
                device.create()
            try:
                with self.event(ctx, instance, "compute_attach_volume", self.random.randrange(2, 9)):
                    if fails:
                        device.destroy()
                        raise exception.VolumeAttachFailed(volume_id=volume_id, reason="iscsiadm: no records found")
            except exception.VolumeAttachFailed as error:
                compute_utils.add_instance_fault_from_exc(ctx, instance, error, sys.exc_info())

    def leave_open(self, instance, action, event, task_state):
        """Begins an action whose host ends before the event does."""
        with self.action(instance, action) as ctx:
            objects.InstanceActionEvent.event_start(ctx, instance.uuid, event, want_result=False, host=instance.host)
            instance.task_state = task_state
            instance.save()

    # Resizes

    def resize(self, instance, flavor_name, host):
        if not self.alive(instance) or instance.vm_state not in ("active", "stopped"):
            return
        source = instance.host
        with self.action(instance, "resize") as ctx:
            for event, seconds, at in (("conductor_migrate_server", 2, "ctl-01"), ("compute_prep_resize", 1, host),
                                       ("compute_resize_instance", self.random.randrange(20, 200), source)):
                with self.event(ctx, instance, event, seconds, at):
                    pass
            with self.event(ctx, instance, "compute_finish_resize", self.random.randrange(8, 30), host):
                self.take(ctx, instance, flavor_name, host)
                instance.vm_state, instance.launched_at = "resized", self.clock.now
                instance.save()
                self.tell(ctx, instance, "finish_resize.end")
        self.at(self.clock.now + whole(self.random.randrange(120, 3000)), self.confirm, instance)

    def take(self, ctx, instance, flavor_name, host):
        flavor = instance.flavor = self.flavor(ctx, flavor_name)
        instance.instance_type_id, instance.memory_mb, instance.vcpus = flavor.id, flavor.memory_mb, flavor.vcpus
        instance.root_gb, instance.ephemeral_gb = flavor.root_gb, flavor.ephemeral_gb
        self.place(instance, host)

    def confirm(self, instance):
        with self.action(instance, "confirmResize") as ctx:
            with self.event(ctx, instance, "compute_confirm_resize", self.random.randrange(3, 9)):
                instance.vm_state = "active"
                instance.save()

    def fail_on_the_host(self, instance, flavor_name, host, stderr):
        """Nova's own `resize_instance`, with libvirt's driver, on a host that cannot reach the other one by SSH."""
        if not self.alive(instance) or instance.vm_state not in ("active", "stopped"):
            return
        CONF.set_override("host", instance.host)
        driver = libvirt.LibvirtDriver.__new__(libvirt.LibvirtDriver)
        driver._remotefs = remotefs.RemoteFilesystem()
        driver.get_host_ip_addr = lambda: "10.0.8.%d" % (10 + list(HOSTS).index(instance.host))
        compute = manager.ComputeManager.__new__(manager.ComputeManager)
        compute.host, compute.driver = instance.host, driver
        compute.notifier = rpc.get_notifier("compute", instance.host)
        compute.network_api = types.SimpleNamespace(get_instance_nw_info=lambda *_: instance.info_cache.network_info)
        compute._update_resource_tracker = compute._revert_allocation = lambda *_: None
        address = "10.0.8.%d" % (10 + list(HOSTS).index(host))
        process = types.SimpleNamespace(returncode=255, stdin=types.SimpleNamespace(close=lambda: None), pid=1,
                                        communicate=lambda *_, **__: (b"", stderr.replace("%s", address).encode()))
        with self.action(instance, "resize") as ctx:
            flavor = self.flavor(ctx, flavor_name)
            migration = objects.Migration(
                ctx, source_compute=instance.host, source_node=instance.node, dest_compute=host,
                dest_node=host + ".dc2.example.org",
                dest_compute_id=1 + list(HOSTS).index(host),
                dest_host=address, old_instance_type_id=instance.instance_type_id,
                new_instance_type_id=flavor.id, instance_uuid=instance.uuid, status="pre-migrating", migration_type="resize")
            migration.create()
            for event, seconds, at in (("conductor_migrate_server", 2, "ctl-01"), ("compute_prep_resize", 1, host)):
                with self.event(ctx, instance, event, seconds, at):
                    instance.task_state = "resize_prep"
                    instance.save()
            popen = lambda *_, **__: self.clock.forward(7) or process
            with mock.patch.object(processutils.subprocess, "Popen", popen), contextlib.suppress(exception.ResizeError):
                compute.resize_instance(ctx, instance, {}, migration, flavor, True, None)

    def fail_to_schedule(self, instance, flavor_name):
        """Nova's own `migrate_server`, with a scheduler that finds no host."""
        if not self.alive(instance) or instance.vm_state not in ("active", "stopped"):
            return
        CONF.set_override("host", "ctl-01")
        tasks = conductor.ComputeTaskManager.__new__(conductor.ComputeTaskManager)
        tasks.host = "ctl-01"
        tasks._get_request_spec_for_cold_migrate = lambda *_: None

        def execute():
            self.clock.forward(3)
            raise exception.NoValidHost(reason="There are not enough hosts available.")
        tasks._build_cold_migrate_task = lambda *_: types.SimpleNamespace(execute=execute)

        def no_mapping(*_):
            raise exception.InstanceMappingNotFound(uuid=instance.uuid)
        with self.action(instance, "resize") as ctx, contextlib.suppress(oslo_messaging.ExpectedException), \
                mock.patch.object(objects.InstanceMapping, "get_by_instance_uuid", no_mapping):
            tasks.migrate_server(ctx, instance, {"filter_properties": {}}, False, False, self.flavor(ctx, flavor_name), None,
                                 None)

    # Audits

    def audit(self, host, day):
        """Nova's periodic task of a host, after the end of the window that begins on a day of October."""
        CONF.set_override("host", host)
        errors = ERRORS.get((host, day), 0)
        self.limit, self.auditing = KILLED.get((host, day)), True
        real, left = glance.API.generate_image_url, [errors]

        def image_url(*arguments):
            if left[0]:
                left[0] -= 1
                raise keystone.ConnectFailure("Unable to establish connection to https://keystone.example.org:5000/v3")
            return real(*arguments)
        service = types.SimpleNamespace(host=host, notifier=rpc.get_notifier("compute", host))
        with mock.patch.object(glance.API, "generate_image_url", staticmethod(image_url)), contextlib.suppress(Killed):
            manager.ComputeManager._instance_usage_audit(service, context.get_admin_context())
        self.limit, self.auditing = None, False


def plan(cloud, seed):
    """Puts a month on the timeline."""
    choose = random.Random(seed)
    hosts = choose.sample([host for host, count in HOSTS.items() for _ in range(count)], SERVERS)
    roles = [(project, role) for project, roles in PROJECTS.items() for role in roles for _ in range(
        {"web": 9, "gpu-node": 1, "runner": 9, "batch": 4, "ingest": 2, "artifacts": 1, "\"staging\"": 1, "erp-db": 1,
         "grafana-é": 1}.get(role, 3))]
    made = []

    def create(*arguments):
        made.append(cloud.create(*arguments))

    for at in range(SERVERS):
        project, role = choose.choice(roles)
        old = choose.random() < 0.8
        created = FROM - whole(choose.randrange(3600, 200 * 86400)) if old else FROM + whole(choose.randrange(31 * 86400 - 3600))
        delete_after = None
        if choose.random() < (0.6 if role == "runner" else 0.14):
            end = FROM - DAY + whole(choose.randrange(32 * 86400))
            delete_after = end - created if end - created > DAY / 8 else whole(choose.randrange(1800, 30000))
        cloud.at(created, create, hosts[at], project, role, delete_after)

    for number in range(31):
        for host in HOSTS:
            if (host, number + 1) not in NOT_RUN:
                end = FROM + (number + 1) * DAY
                cloud.at(end + whole(choose.randrange(20, 560)), cloud.audit, host, number + 1)

    def later(method, count, *arguments, test=lambda _: True):
        """Runs an operation on that many servers, each at another time of the month."""
        for _ in range(count):
            time = FROM + whole(choose.randrange(3600, 31 * 86400 - 7200))
            cloud.at(time, pick, method, arguments, test)

    def pick(method, arguments, test):
        fit = [one for one in made if cloud.alive(one) and one.vm_state == "active" and one.task_state is None and test(one)]
        one = choose.choice(fit)
        method(one, *(argument(one) if callable(argument) else argument for argument in arguments))

    larger = {"m1.small": "m1.medium", "m1.medium": "m1.large", "m1.large": "r1.xlarge", "c1.xlarge": "r1.xlarge"}
    grows = lambda one: one.flavor.name in ("m1.small", "m1.medium")
    flavor = lambda one: larger[one.flavor.name]
    other = lambda one: choose.choice([host for host in HOSTS if host != one.host])
    later(cloud.power, 22, "stop", "stopped", 4)
    later(cloud.power, 26, "reboot", "active", 1)
    later(cloud.attach, 24)
    later(cloud.attach, 3, True)
    later(cloud.resize, 14, flavor, other, test=grows)
    for stderr, count in (("ssh: connect to host %s port 22: No route to host\r\n", 3),
                          ("Host key verification failed.\r\n", 2)):
        later(cloud.fail_on_the_host, count, flavor, other, stderr, test=grows)
    later(cloud.fail_to_schedule, 4, "gpu.a100", test=lambda one: one.flavor.name == "m1.large")
    cloud.at(datetime.datetime(2026, 10, 31, 14, 3, 20), pick, cloud.leave_open,
             ("live-migration", "compute_live_migration", "migrating"), lambda one: one.host == "cmp-04")
    cloud.at(datetime.datetime(2026, 10, 29, 22, 41, 7), pick, cloud.leave_open,
             ("reboot", "compute_reboot_instance", "rebooting"), lambda one: one.host == "cmp-06")

    def import_disk(one):
        one.root_device_name = "/dev/mapper/vg0-root"
        one.save()
    cloud.at(datetime.datetime(2026, 10, 2, 9), pick, import_disk, (), lambda one: one.display_name.startswith("erp-app"))
    return made


# The bus ------------------------------------------------------------------------------------------------------------------

def injure(bus, seed):
    """Returns the messages that a collector received, and what became of the others."""
    choose = random.Random(seed)
    exists = [at for at, message in enumerate(bus) if message["event_type"] == "compute.instance.exists"]
    ats = iter(choose.sample(exists, 60))
    fate = {}
    for name, count in (("lost", 26), ("doubled", 8), ("repeated", 4), ("changed", 8), ("unexpected", 3)):
        for _ in range(count):
            fate[next(ats)] = name
    changes = [
        lambda p: p.update(memory_mb=p["memory_mb"] // 2, vcpus=max(1, p["vcpus"] // 2), instance_type="m1.tiny"),
        lambda p: p.update(launched_at=(FROM + 28 * DAY + whole(choose.randrange(80000))).isoformat() + ".000000"),
        lambda p: p.update(host="cmp-09", node="cmp-09.dc2.example.org"),
        lambda p: p.update(metadata={"cost-center": "0000"}),
    ]
    received = []
    injuries = {name: [] for name in ("lost", "doubled", "repeated", "changed", "unexpected")}
    copy = lambda message, **values: json.loads(json.dumps({**message, **values}))
    for at, message in enumerate(bus):
        name, payload = fate.get(at), message["payload"]
        entry = {"message_id": message["message_id"], "instance_uuid": payload.get("instance_id"),
                 "publisher_id": message["publisher_id"], "window": payload.get("audit_period_beginning")}
        if name == "lost":
            injuries[name].append(entry)
            continue
        received.append(message)
        if name == "repeated":
            received.append(message)
        elif name == "doubled":
            received.append(copy(message, message_id=str(uuid.uuid4())))
            entry["second_id"] = received[-1]["message_id"]
        elif name == "changed":
            received[-1] = changed = copy(message)
            changes[len(injuries[name]) % len(changes)](changed["payload"])
            entry["fields"] = {key: [payload[key], value] for key, value in changed["payload"].items() if payload[key] != value}
        elif name == "unexpected":
            received.append(copy(message, message_id=str(uuid.uuid4())))
            received[-1]["payload"].update(instance_id=str(uuid.uuid4()), display_name="gone-%d" % len(injuries[name]))
            entry.update(message_id=received[-1]["message_id"], instance_uuid=received[-1]["payload"]["instance_id"])
        if name is not None:
            injuries[name].append(entry)
    return received, injuries


# Outputs ------------------------------------------------------------------------------------------------------------------

def rows(database, table, condition="1", *values, order="id"):
    """Reads rows of a table, in the form of the conductors."""
    names = COLUMNS[table].split()
    def value(name, raw):
        if raw is None:
            return None
        if name in BOOLEANS:
            return bool(raw)
        if name.endswith("_at") or name.endswith("_time") or name.startswith("period_"):
            return raw.replace(" ", "T") if "." in raw else raw.replace(" ", "T") + ".000000"
        if name in ("traceback", "details"):
            # The place of Nova on an operator's machine, and not on the one that made the sample.
            return re.sub(r'File "[^"]*/site-packages/', 'File "/usr/lib/python3/dist-packages/',
                          re.sub(r'File "[^"]*/contextlib\.py"', 'File "/usr/lib/python3.11/contextlib.py"',
                                 re.sub(r'File "[^"]*/sample\.py"', 'File "sample.py"', raw)))
        return raw
    quoted = ", ".join('"%s"' % name for name in names)
    found = database.execute("SELECT %s FROM %s WHERE %s ORDER BY %s" % (quoted, table, condition, order), values)
    return [{name: value(name, raw) for name, raw in zip(names, row)} for row in found]


def document(database, row):
    """Completes the row of an instance with those of other tables."""
    of = "instance_uuid = ?"
    one = lambda sql: database.execute(sql, [row["uuid"]]).fetchone()[0]
    return {
        **row,
        "metadata": rows(database, "instance_metadata", of, row["uuid"]),
        "system_metadata": rows(database, "instance_system_metadata", of, row["uuid"]),
        "info_cache": {"network_info": one("SELECT network_info FROM instance_info_caches WHERE instance_uuid = ?")},
        "flavor": one("SELECT flavor FROM instance_extra WHERE instance_uuid = ?"),
        "block_devices": rows(database, "block_device_mapping", of + " AND deleted = 0", row["uuid"]),
    }


def lines(database, received):
    """Yields the lines of the cell. Those of a server stand together, because they share much text."""
    timestamp = lambda time: time.isoformat(timespec="microseconds")
    yield {"nova_compute_utils": "cell", "version": 1, "cell": "sample", "release": "hibiscus", "period": PERIOD,
           "from": timestamp(FROM), "to": timestamp(TO), "now": timestamp(NOW), "glance_endpoint": GLANCE}
    for row in rows(database, "services"):
        yield {"service": row}
    for row in rows(database, "task_log"):
        yield {"task_log": row}
    messages = {}
    for message in received:
        messages.setdefault(message["payload"]["instance_id"], []).append(message)
    order = "host, project_id, display_name COLLATE BINARY, id"
    for instance in rows(database, "instances", order=order):
        of = instance["uuid"]
        yield {"instance": document(database, instance)}
        for row in rows(database, "instance_actions", "instance_uuid = ?", of):
            yield {"instance_actions": row}
            for event in rows(database, "instance_actions_events", "action_id = ?", row["id"]):
                yield {"instance_actions_events": event}
        for row in rows(database, "instance_faults", "instance_uuid = ?", of):
            yield {"instance_faults": row}
        for message in messages.pop(of, []):
            yield {"notification": message}
    for rest in messages.values():
        for message in rest:
            yield {"notification": message}


def answers(cloud):
    """Returns Nova's own answer for each window: `os-instance_usage_audit_log`."""
    controller = InstanceUsageAuditLogController()
    for number in range(31):
        cloud.clock.now = NOW
        answer = controller._get_audit_task_logs(context.get_admin_context(), before=FROM + (number + 1) * DAY + DAY / 24)
        # Nova's order is that of a set.
        yield {**answer, "hosts_not_run": sorted(answer["hosts_not_run"])}


def audit_again(cloud, database):
    """Audits the recorded windows once more, on the cell of today, and returns what differs from what Nova emitted then."""
    key = lambda message: (message["payload"]["audit_period_beginning"], message["payload"]["instance_id"])
    exists = lambda bus: {key(message): message["payload"] for message in bus if message["event_type"] == "compute.instance.exists"}
    emitted, cloud.bus = exists(cloud.bus), []
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM task_log")
    ERRORS.clear()
    KILLED.clear()
    for number in (29, 30, 31):
        for host in HOSTS:
            cloud.clock.now = FROM + number * DAY + DAY / 24
            cloud.audit(host, number)
    now = exists(cloud.bus)
    entry = lambda at: {"window": at[0], "instance_uuid": at[1]}
    changed = [{**entry(at), "fields": sorted(name for name in {*now[at], *emitted[at]}
                                              if now[at].get(name) != emitted[at].get(name))}
               for at in sorted(now) if at in emitted and now[at] != emitted[at]]
    return {
        "expected": len(now), "never_emitted": [entry(at) for at in sorted(now) if at not in emitted],
        "not_expected": [entry(at) for at in sorted(emitted) if at not in now], "changed_since": changed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    seed = arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        database = folder + "/cell.sqlite"
        options = pathlib.Path(folder, "nova.conf")
        options.write_text(
            "[DEFAULT]\nstate_path = /var/lib/nova\ntransport_url = fake://\ninstance_usage_audit = True\n"
            "instance_usage_audit_period = %s\n[database]\nconnection = sqlite:///%s\nsqlite_synchronous = False\n"
            "[api_database]\nconnection = sqlite:///%s.api\n[oslo_messaging_notifications]\ndriver = test\n"
            "[notifications]\nnotification_format = unversioned\n[glance]\nendpoint_override = %s\n"
            % (PERIOD, database, database, GLANCE))
        command = [pathlib.Path(sys.executable).with_name("nova-manage"), "--config-file", options, "db", "sync", "--local_cell"]
        subprocess.run(command, check=True, capture_output=True)

        clock = Clock()
        timeutils.set_time_override(clock)
        uuid.uuid4 = Uuids(seed)
        manager.time = types.SimpleNamespace(time=lambda: clock.now.replace(tzinfo=datetime.UTC).timestamp())
        logging.disable(logging.CRITICAL)
        config.parse_args(["sample", "--config-file", str(options)], default_config_files=[str(options)])
        objects.register_all()
        cloud = Cloud(seed, clock)
        _impl_test.TestDriver.notify = lambda driver, *message: cloud.notify(driver, *message)
        rpc.init(CONF)
        for host in HOSTS:
            clock.now = datetime.datetime(2026, 3, 2, 8)
            objects.Service(context.get_admin_context(), host=host, binary="nova-compute", topic="compute", report_count=0,
                            disabled=False, forced_down=False).create()
        plan(cloud, seed)
        cloud.run()

        received, injuries = injure(cloud.bus, seed)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA query_only = ON")
            cell = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines(connection, received)]
        windows = list(answers(cloud))
        emitted = len(cloud.bus)
        again = audit_again(cloud, database)

    arguments.out.mkdir(parents=True, exist_ok=True)
    text = "".join(line + "\n" for line in cell).encode()
    packed = gzip.compress(text, 9, mtime=0)
    (arguments.out / "sample.ndjson.gz").write_bytes(packed)
    expected = {
        "period": PERIOD, "hosts": list(HOSTS), "windows": windows,
        "not_run": [[w["period_beginning"], host] for w in windows for host in w["hosts_not_run"]],
        "running": [[w["period_beginning"], host] for w in windows for host, log in w["log"].items() if log["state"] == "RUNNING"],
        "errors": [[w["period_beginning"], host, log["errors"]] for w in windows for host, log in w["log"].items()
                   if log["errors"]],
        "notifications": {"recorded_from": RECORDED_FROM.isoformat(), "emitted": emitted, "received": len(received),
                          **injuries, **again},
    }
    (arguments.out / "sample.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    print("%d lines, %d bytes, %d packed" % (len(cell), len(text), len(packed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
