"""The real Nova as a live oracle: runs it on random cases and writes vector files.

    python oracle.py --out DIR [--count N] [--seed N]

Needs a Python environment with `nova==34.0.0`. The files have the form of `tests/vectors`, so the same runner checks the
faces against them. Clocks and settings are pinned. Only these parts of Nova are replaced: the database call that stores a fault
and the transport of notifications, which are recorded, and the queries for the block devices and shares of an instance, which
return those of the case. The cells in `tests/cells` are read by Nova's own database layer.

Beyond the form of `tests/vectors`, a case may have

* `network_info_is_raw`: the network info reached Nova without having been hydrated;
* `error.kwargs`: the keyword arguments of the exception, without the code that every class of Nova adds.
"""

import argparse
import contextlib
import copy
import datetime
import functools
import json
import lzma
import pathlib
import random
import sys
import tempfile
import types
import uuid
from unittest import mock

from oslo_utils import timeutils

import nova.conf
from nova.api.openstack.compute import instance_usage_audit_log, simple_tenant_usage
from nova import block_device, config, context, exception, objects, rpc
from nova import utils as nova_utils
from nova.compute import utils as compute_utils
from nova.network import model
from nova.notifications import base as notifications
from nova.notifications.objects import instance as instance_payloads
from nova.objects import instance_fault

CONF = nova.conf.CONF
GLANCE = "http://glance.example:9292"


# Inputs -------------------------------------------------------------------------------------------------------------------

class Generator:
    """Random inputs. Unusual ones are frequent, because implementations differ most on them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def uuid(self):
        bits = "%032x" % self.random.getrandbits(128)
        return "-".join([bits[:8], bits[8:12], "4" + bits[13:16], "a" + bits[17:20], bits[20:]])

    def text(self, longest=12):
        letters = "abcXYZ019 -_./@%é中\U0001f600\u0000\ufeff\"\\\n"
        return "".join(self.random.choice(letters) for _ in range(self.random.randrange(longest + 1)))

    def time(self):
        year = self.one(1, 2, 1970, 2012, 2013, 2024, 2025, 2026, 2100, 9999)
        month, hour = self.random.randrange(1, 13), self.one(0, 0, 6, 23, self.random.randrange(24))
        day = self.one(1, 1, 28, self.random.randrange(1, 29))
        fraction = self.one(0, 0, 1, 999999, self.random.randrange(1000000))
        minute, second = self.one(0, 0, 59, self.random.randrange(60)), self.one(0, 0, self.random.randrange(60))
        return datetime.datetime(year, month, day, hour, minute, second, fraction)

    def recent(self):
        return self.time().replace(year=self.one(2024, 2025, 2026))

    def period(self):
        unit = self.one("hour", "day", "month", "year", "hour", "day", "month", "year", "fortnight", "", "Day")
        offset = self.one("", "", "@0", "@1", "@15", "@28", "@29", "@31", "@12", "@13", "@23", "@24", "@59", "@60", "@-1", "@ 7 ",
                          "@+3", "@1_0", "@x", "@", "@1.5", "@99999999999999999999", "@\u0663", "@5@6")
        return unit + offset

    def device(self):
        prefix = self.one("/dev/", "/dev/", "/dev/", "", "/dev//dev/")
        disk = self.one("vd", "sd", "xvd", "hd", "vd", "sd", "md", "x", "", "mapper/vg-", "VD")
        letter = self.one("a", "b", "c", "d", "e", "z", "aa", "az", "zz", "aaa", "", "é")
        return prefix + disk + letter + self.one("", "", "", "1", "12", "\u0663", "\n", " ", "p1")

    def maybe(self, make, share=0.2):
        return None if self.random.random() < share else make()

    def json_value(self):
        return self.one(None, True, 0, 5, -1, 2 ** 63, 2 ** 70, 1.5, 1e16, "", "é", [], {}, [1, "a"], {"k": None})

    def flavor(self):
        sizes = [0, 1, 20, 80, 2 ** 31]
        return {
            "id": self.random.randrange(1, 50), "name": self.one("m1.tiny", "gpu.a100", "é"),
            "flavorid": self.one("1", self.uuid()), "memory_mb": self.one(*sizes), "vcpus": self.one(1, 4, 96),
            "root_gb": self.one(*sizes), "ephemeral_gb": self.one(*sizes), "swap": self.one(0, 512),
            "rxtx_factor": self.one(1.0, 2.5), "vcpu_weight": self.one(None, 0, 10), "disabled": self.one(True, False),
            "is_public": self.one(True, False), "extra_specs": self.one({}, {"hw:cpu_policy": "dedicated"}),
            "description": self.one(None, "é\""),
        }

    def ip(self, kind):
        address = self.one("10.0.%d.%d" % (self.random.randrange(256), self.random.randrange(256)),
                           "fd00::%x" % self.random.randrange(1, 65536), "::1:2", "2001:DB8::1")
        return {"address": address, "type": kind, **self.one({}, {}, {"version": 4}, {"extra": 1})}

    def vif(self):
        ips = [dict(self.ip("fixed"), floating_ips=self.one([], [self.ip("floating")]))
               for _ in range(self.random.randrange(3))]
        subnet = {"cidr": self.one("10.0.0.0/16", "fd00::/64", None), "dns": self.one([], [self.ip("dns")]),
                  "gateway": self.one(None, self.ip("gateway")), "ips": ips, "routes": []}
        network = {"id": self.uuid(), "bridge": "br-int", "label": self.one("private", "public-é", "public", None),
                   "subnets": [subnet], "mtu": 1450}
        return {"id": self.uuid(), "address": self.one("fa:16:3e:00:00:0a", "FA-16-3E-00-00-0B", "fa:16:3e:00:00:0c", None),
                "network": self.one(network, network, network, None), "devname": self.one("tap0", None),
                "meta": self.one({}, {"rxtx_cap": 1.0}, {"a": True, "b": 7, "c": "x"}), "active": True}

    def some(self, values):
        """Returns some of the members of a mapping, in random order."""
        names = [name for name in values if self.random.random() < 0.9]
        self.random.shuffle(names)
        return {name: values[name] for name in names}

    def raw_network_info(self):
        """Network info that was not hydrated: mappings with additional keys, and without some of Nova's."""
        ip = lambda: self.some({
            "address": self.one("10.0.0.7", "fd00::7", "bad", None), "version": self.one(4, 6, None), "label": self.one("given", 7),
            "vif_mac": "00:00", "type": "fixed", "meta": self.one({}, {"a": 1}),
            "floating_ips": self.one([], [{"address": "192.0.2.1"}]), "extra": self.json_value(),
        })
        most = lambda values: values if self.random.random() < 0.9 else self.some(values)
        subnet = lambda: most({"cidr": "10.0.0.0/16", "ips": [ip() for _ in range(self.random.randrange(3))]})
        network = lambda: most({"id": self.uuid(), "label": self.one("private", "é", None, 7),
                                "subnets": [subnet() for _ in range(self.random.randrange(3))]})
        vif = lambda: most({"id": self.uuid(), "address": self.one("fa:16:3e:00:00:0a", None, 7),
                            "network": self.one(network, network, network, lambda: {}, lambda: None)()})
        return [vif() for _ in range(self.random.randrange(4))]

    def block_device(self):
        return {"boot_index": self.one(None, 0, 1, -1), "delete_on_termination": self.one(True, False, None),
                "destination_type": self.one("volume", "local"), "device_name": self.one(None, "/dev/vda", "é", ""),
                "source_type": self.one("volume", "image", "snapshot", "blank"), "tag": self.one(None, "", "db\n"),
                "volume_id": self.one(None, self.uuid(), self.uuid())}

    def share(self):
        return {"export_location": "10.0.0.9:/share", "share_id": self.uuid(),
                "share_proto": self.one("NFS", "CEPHFS"), "tag": self.one("", "data", "é"),
                "status": self.one("attaching", "detaching", "active", "inactive", "error"), "uuid": self.uuid()}

    def instance(self):
        text = lambda *choices: self.one(None, *choices)
        created = self.recent()
        stamp = lambda: self.one(None, self.recent())
        network_info = self.one(None, None, [self.vif() for _ in range(self.random.randrange(3))])
        cache = self.one(None, {"network_info": None if network_info is None else json.dumps(network_info)})
        uuid = self.uuid()
        if cache is not None:
            cache["instance_uuid"] = uuid
        return {
            "access_ip_v4": text("203.0.113.7"), "access_ip_v6": text("2001:DB8::1", "::1:2", "fe80::1"),
            "architecture": text("x86_64"), "auto_disk_config": self.one(True, False), "availability_zone": text("nova", "é"),
            "cell_name": text("", "cell!1"), "created_at": created, "deleted": False, "deleted_at": stamp(),
            "display_description": text("", "é"), "display_name": text("web", "测试", "\"q\""), "flavor": self.flavor(),
            "host": text("cmp-01"), "hostname": text("vm"), "id": self.random.randrange(1, 10 ** 6),
            "image_ref": text("", self.uuid()), "info_cache": cache, "instance_type_id": self.random.randrange(1, 50),
            "kernel_id": text("", self.uuid()), "key_name": text("mykey"), "launched_at": stamp(),
            "locked": self.one(True, False), "memory_mb": 512, "metadata": self.one({}, {"a": "1", "é": "\n"}),
            "node": text("cmp-01.example.org"), "os_type": text("linux"),
            "power_state": self.one(None, 0, 1, 2, 3, 4, 6, 7), "progress": self.one(None, 0, 1, 50, 100),
            "project_id": text("0d4f19a8e6f04a2fb4f4e0c5c2a9b9a1"), "ramdisk_id": text(""), "reservation_id": text("r-90f0a38d"),
            "root_device_name": text("/dev/vda"), "root_gb": 1, "ephemeral_gb": 0,
            "system_metadata": self.one({}, {"image_": "e", "image_image_z": "z", "IMAGE_a": "no", "image_min_ram": "0",
                                             "locked_reason": "because", "x": "y"}),
            "task_state": text("", "spawning", "powering-off"), "terminated_at": stamp(), "updated_at": stamp(),
            "user_id": text("fake_user"), "uuid": uuid, "vcpus": 1,
            "vm_state": self.one("active", "error", "soft-delete", "building", None),
        }

    def server(self, near):
        """An instance with what its usage depends on; its times are around some other times."""
        def time():
            time, later = self.one(*near), self.one(0, 0, 1, -1, self.random.randrange(-10 ** 13, 10 ** 13))
            # The years 1 and 9999 have nothing before and after them.
            return time + datetime.timedelta(microseconds=later) if 1 < time.year < 9999 else time

        text = lambda *choices: self.one(None, *choices)
        return {"availability_zone": text("nova", "é", "é"), "display_name": text("web", "=1+1", "a,b\n"), "flavor": self.flavor(),
                "host": text("cmp-01", "cmp-10", "cmp-02"), "launched_at": time(), "project_id": text("shop", "lab", "测试", "__proto__"),
                "terminated_at": self.maybe(time, 0.6), "uuid": self.uuid(), "vm_state": text("active", "stopped", "shelved_offloaded")}

    def window(self):
        begin, hour = self.recent(), 3600 * 10 ** 6
        length = self.one(1, hour, 31 * 24 * hour, self.random.randrange(1, 10 ** 14))
        return begin, begin + datetime.timedelta(microseconds=length)

    def context(self):
        return {"is_admin": self.one(True, False), "project_id": self.one(None, "fake_project"),
                "request_id": "req-" + self.uuid(), "timestamp": self.recent(), "user_id": self.one(None, "fake_user")}

    def fault(self):
        text = self.one("", "boom", "é" * self.random.randrange(200), "x" * 300, "中" * 100, self.text(300))
        return self.one(
            lambda: (Exception, [text], {}),
            lambda: (ValueError, [], {}),
            lambda: (exception.NovaException, [text] if text else [], {}),
            lambda: (exception.NovaException, [text] if text else [], {"code": self.one(404, 500, 409)}),
            lambda: (exception.ImageNotFound, [], {"image_id": text}),
            lambda: (exception.InstanceNotFound, [], {"instance_id": self.uuid()}),
            lambda: (exception.InvalidDevicePath, [], {"path": text}),
        )()


# Calls --------------------------------------------------------------------------------------------------------------------

def make_context(given):
    return context.RequestContext(
        user_id=given["user_id"], project_id=given["project_id"], is_admin=given["is_admin"], request_id=given["request_id"],
        timestamp=given["timestamp"], overwrite=False)


def make_instance(given, ctx):
    values = {name: value for name, value in given.items() if name not in ("block_devices", "shares")}
    flavor = objects.Flavor(context=ctx, **values.pop("flavor"))
    cache = values.pop("info_cache")
    instance = objects.Instance(ctx, **values)
    instance.flavor = flavor
    instance.info_cache = None
    if cache is not None:
        instance.info_cache = objects.InstanceInfoCache(ctx, instance_uuid=cache["instance_uuid"])
        instance.info_cache.network_info = cache["network_info"]
    return instance


def make_raw_network_info(given):
    """Puts the mappings into Nova's own classes, without their constructors, which fill in defaults."""
    def as_given(cls, values):
        made = cls.__new__(cls)
        made.update(values)
        return made

    def subnet(values):
        ips = [as_given(model.FixedIP, ip) for ip in values.get("ips", [])]
        return as_given(model.Subnet, dict(values, ips=ips) if "ips" in values else values)

    def network(values):
        subnets = [subnet(member) for member in values.get("subnets", [])]
        return as_given(model.Network, dict(values, subnets=subnets) if "subnets" in values else values)

    def vif(values):
        return as_given(model.VIF, dict(values, network=network(values["network"])) if values.get("network") else values)

    return model.NetworkInfo([vif(values) for values in copy.deepcopy(given)])


@contextlib.contextmanager
def tables_of(given, ctx):
    """Makes the queries for block devices and shares return those of the instance's document."""
    def rows(cls, name):
        return [cls(ctx, **row) for row in given.get(name) or []]

    with mock.patch.object(objects.BlockDeviceMappingList, "get_by_instance_uuid",
                           lambda *_: rows(objects.BlockDeviceMapping, "block_devices")), \
         mock.patch.object(objects.ShareMappingList, "get_by_instance_uuid", lambda *_: rows(objects.ShareMapping, "shares")):
        yield


def resolve(fault):
    """Returns everything that a function can see of an exception."""
    formatted = None
    if hasattr(fault, "format_message"):
        formatted = {"return": fault.format_message()}
    return {"class": type(fault).__name__, "str": str(fault), "kwargs": getattr(fault, "kwargs", None),
            "format_message": formatted}


class Recorder:
    """A transport that records notifications."""

    def __init__(self):
        self.calls = []

    def notifier(self, name, publisher_id):
        def send(priority):
            def notify(ctxt, event_type, payload):
                payload = json.loads(json.dumps(payload, default=plain))
                self.calls.append({"call": name, "event_type": event_type, "payload": payload, "priority": priority,
                                   "publisher_id": publisher_id, "timestamp": str(timeutils.utcnow())})
            return notify
        return types.SimpleNamespace(info=send("INFO"), error=send("ERROR"))


class Cell:
    """One of the cells in `tests/cells`, unpacked."""

    def __init__(self, folder):
        unpacked = lambda name: lzma.decompress((folder / name).read_bytes())
        self.file = tempfile.NamedTemporaryFile(suffix=".sqlite")
        self.file.write(unpacked("nova-cell.sqlite.xz"))
        self.file.flush()
        documents = map(json.loads, unpacked("documents.ndjson.xz").splitlines())
        self.documents = {document["uuid"]: document for document in documents}
        self.now = datetime.datetime.fromisoformat(json.loads((folder / "cell.json").read_text())["now"])
        self.mapping = objects.CellMapping(
            uuid=str(uuid.uuid4()), name=folder.name, transport_url="none:///", database_connection="sqlite:///" + self.file.name)

    @staticmethod
    @functools.cache
    def all():
        return [Cell(folder.parent) for folder in sorted(pathlib.Path(__file__).parent.glob("../cells/*/cell.json"))]


def message_id(*parts):
    return str(uuid.uuid5(uuid.UUID("7d0f3a52-5c0e-5e0b-9d8e-3a1f5c6b7e21"), "/".join(parts)))


def zoned(time):
    return time.replace(tzinfo=datetime.timezone.utc)


def is_active(server, begin, end):
    launched, terminated = server["launched_at"], server["terminated_at"]
    return launched is not None and launched < end and (terminated is None or terminated > begin)


class Oracle:
    """One method per function: fills in a random case and returns the call of Nova."""

    def __init__(self, seed):
        self.generate = Generator(seed)
        self.number = 0

    def match_device(self, case):
        device = case["args"]["device"] = self.generate.device()
        return lambda: block_device.match_device(device)

    def strip_dev(self, case):
        name = case["args"]["device_name"] = self.generate.device()
        return lambda: block_device.strip_dev(name)

    def strip_prefix(self, case):
        name = case["args"]["device_name"] = self.generate.device()
        return lambda: block_device.strip_prefix(name)

    def prepend_dev(self, case):
        name = case["args"]["device_name"] = self.generate.device()
        return lambda: block_device.prepend_dev(name)

    def validate_device_name(self, case):
        value = case["args"]["value"] = self.generate.one(self.generate.device(), "a b", "", "x" * self.generate.one(255, 256))
        return lambda: block_device.validate_device_name(value)

    def hydrate(self, case):
        network_info = case["args"]["network_info"] = self.generate.one(
            [self.generate.vif() for _ in range(self.generate.random.randrange(4))], self.generate.raw_network_info())
        return lambda: model.NetworkInfo.hydrate(copy.deepcopy(network_info))

    def get_device_letter(self, case):
        name = case["args"]["device_name"] = self.generate.device()
        return lambda: block_device.get_device_letter(name)

    def generate_device_letter(self, case):
        index = case["args"]["index"] = self.generate.random.randrange(0, self.generate.one(30, 800, 20000, 10 ** 9))
        return lambda: block_device.generate_device_letter(index)

    def get_next_device_name(self, case):
        names = [self.generate.maybe(self.generate.device, 0.05) for _ in range(self.generate.random.randrange(6))]
        root, device = self.generate.maybe(self.generate.device), self.generate.maybe(self.generate.device, 0.4)
        limit = self.generate.one(-1, -1, -1, 0, 1, 3, 26)
        case["args"].update(device_name_list=names, root_device_name=root, device=device)
        case["config"] = {"compute.max_disk_devices_to_attach": limit}
        CONF.set_override("max_disk_devices_to_attach", limit, group="compute")
        return lambda: compute_utils.get_next_device_name(None, names, root, device)

    def get_device_name_for_instance(self, case):
        generate = self.generate
        bdms = []
        for _ in range(generate.random.randrange(5)):
            bdms.append({"boot_index": generate.one(None, 0, -1), "device_name": generate.maybe(generate.device, 0.1),
                         "destination_type": generate.one("volume", "local"), "guest_format": generate.one(None, "swap", "ext4"),
                         "source_type": generate.one("volume", "blank", "image", "snapshot")})
        instance = {"root_device_name": generate.maybe(generate.device), "uuid": generate.uuid(),
                    "default_ephemeral_device": generate.maybe(generate.device, 0.7),
                    "default_swap_device": generate.maybe(generate.device, 0.7)}
        device, limit = generate.maybe(generate.device, 0.5), generate.one(-1, -1, 3, 26)
        case["args"].update(bdms=bdms, device=device, instance=instance)
        case["config"] = {"compute.max_disk_devices_to_attach": limit}
        CONF.set_override("max_disk_devices_to_attach", limit, group="compute")

        def call():
            devices = [objects.BlockDeviceMapping(None, **bdm) for bdm in bdms]
            return compute_utils.get_device_name_for_instance(objects.Instance(None, **instance), devices, device)
        return call

    def last_completed_audit_period(self, case):
        unit = self.generate.maybe(self.generate.period)
        before = self.generate.maybe(self.generate.time)
        setting = self.generate.one("month", "day", "hour", "year", "month@15", "day@6")
        case["args"].update(unit=unit, before=before)
        case["config"] = {"instance_usage_audit_period": setting}
        self.clock(case, self.generate.time())
        CONF.set_override("instance_usage_audit_period", setting)
        return lambda: nova_utils.last_completed_audit_period(unit, before)

    def audit_period_bounds(self, case):
        current = case["args"]["current_period"] = self.generate.one(True, False)
        setting = self.generate.one("month", "day", "hour", "year", "month@15", "day@6", "hour@30", "year@7", "month@31")
        case["config"] = {"instance_usage_audit_period": setting}
        self.clock(case, self.generate.recent())
        CONF.set_override("instance_usage_audit_period", setting)
        return lambda: notifications.audit_period_bounds(current)

    def task_logs(self, hosts, windows):
        """Returns rows of the task log, most of them of these hosts and windows."""
        generate, rows = self.generate, []
        for begin, end in windows:
            for host in hosts:
                for _ in range(generate.one(0, 1, 1, 1, 1, 1, 2)):
                    late = datetime.timedelta(microseconds=generate.one(0, 0, 0, 0, 0, 0, 0, 1))
                    rows.append({
                        "task_name": generate.one(*["instance_usage_audit"] * 9, "other"), "host": host,
                        "state": generate.one("DONE", "DONE", "DONE", "DONE", "RUNNING", "RUNNING", "ERROR", "done", ""),
                        "period_beginning": begin, "period_ending": end + late, "message": generate.text(),
                        "task_items": generate.one(0, 1, 81, -3, 2 ** 31), "errors": generate.one(0, 0, 0, 1, 7, -1)})
        generate.random.shuffle(rows)
        return rows

    def hosts(self):
        """Returns the hosts of compute services, and those hosts with some that have no service."""
        generate = self.generate
        names = ["cmp-01", "cmp-02", "cmp-1", "cmp-10", "\U0001f600", "\uff21", "__proto__", "7", "", "h\u00e9"]
        generate.random.shuffle(names)
        hosts = names[:generate.random.randrange(7)]
        others = names[7:7 + generate.one(0, 0, 1, 3)]
        return hosts + generate.one([], hosts[:2]), hosts + others

    @staticmethod
    def audit_log(hosts, rows, before):
        """Returns the answer of Nova's API for the window before a time, with the hosts in order."""
        def selected(_context, task_name, begin, end):
            return [row for row in rows
                    if (row["task_name"], row["period_beginning"], row["period_ending"]) == (task_name, begin, end)]

        controller = object.__new__(instance_usage_audit_log.InstanceUsageAuditLogController)
        controller.host_api = types.SimpleNamespace(
            task_log_get_all=selected, service_get_all=lambda _context, filters: [{"host": host} for host in hosts])
        answer = controller._get_audit_task_logs(None, before)
        answer["hosts_not_run"].sort()
        return answer

    def get_audit_task_logs(self, case):
        before, now = self.generate.maybe(self.generate.recent), self.generate.recent()
        setting = self.generate.one("month", "day", "hour", "year", "month@15", "day@6", "year@3", "hour@30", "month@31", "day@24")
        case["config"] = {"instance_usage_audit_period": setting}
        self.clock(case, now)
        CONF.set_override("instance_usage_audit_period", setting)
        hosts, seen = self.hosts()
        try:
            windows = [nova_utils.last_completed_audit_period(before=before)]
            windows.append(nova_utils.last_completed_audit_period(before=windows[0][0]))
        except ValueError:
            windows = []
        rows = self.task_logs(seen, windows[:self.generate.one(1, 1, 2)])
        case["args"].update(before=before, hosts=hosts, task_logs=rows)
        return lambda: self.audit_log(hosts, rows, before)

    def get_audit_coverage(self, case):
        """The audits in many windows. Nova has no such function, so this one calls Nova's API for each window."""
        setting, step = self.generate.one(
            ("hour", 3600), ("hour@30", 3600), ("day", 86400), ("day@6", 86400), ("month", 31 * 86400), ("month@15", 31 * 86400),
            ("year@3", 366 * 86400))
        step, later = datetime.timedelta(seconds=step), datetime.timedelta(microseconds=1)
        CONF.set_override("instance_usage_audit_period", setting)
        begin = self.generate.recent()
        if self.generate.one(True, False):
            begin = nova_utils.last_completed_audit_period(before=begin)[0]
        end = begin + step * self.generate.one(0, 1, 2, 3, 5) + later * self.generate.one(-1, 0, 0, 1)
        # Nova names the window before a time only; the one that contains `end` is before a later time.
        windows, before = [], end + 2 * step
        while before > begin:
            window = nova_utils.last_completed_audit_period(before=before)
            if begin <= window[0] < end:
                windows.insert(0, window)
            before = window[1]
        case["config"] = {"instance_usage_audit_period": setting}
        self.clock(case, self.generate.one(end, begin, *[window[1] + later * self.generate.one(0, 1) for window in windows]))
        hosts, seen = self.hosts()
        rows = self.task_logs(seen, windows + [(end, end + step)] * self.generate.one(0, 0, 1))
        case["args"].update(begin=begin, end=end, clamp=False, hosts=hosts, task_logs=rows)
        return lambda: self.coverage(windows, hosts, rows, case["now"])

    def coverage(self, windows, hosts, rows, now):
        """Returns the audits in some windows as the JavaScript face does."""
        names = ["done", "errors", "running", "other", "not_run", "not_due", "no_service"]
        answers = [self.audit_log(hosts, rows, end + datetime.timedelta(microseconds=1)) for _, end in windows]
        seen = {host for answer in answers for host in answer["log"]}
        order = sorted(set(hosts)) + sorted(seen - set(hosts))
        last = {(row["host"], row["period_beginning"], row["period_ending"]): index
                for index, row in enumerate(rows) if row["task_name"] == "instance_usage_audit"}

        def state(host, answer, window):
            if host in answer["log"]:
                row = answer["log"][host]
                done = "done" if row["errors"] == 0 else "errors"
                return {"DONE": done, "RUNNING": "running"}.get(row["state"], "other")
            return "no_service" if host not in hosts else "not_run" if window[1] < now else "not_due"

        table = [[state(host, answer, window) for answer, window in zip(answers, windows)] for host in order]
        states = [state for row in table for state in row]
        numbers = ["num_hosts_done", "num_hosts_running", "num_hosts_not_run", "total_instances", "total_errors", "overall_status"]
        return {
            "windows": [{"begin": begin, "end": end, "is_due": end < now, **{name: answer[name] for name in numbers}}
                        for (begin, end), answer in zip(windows, answers)],
            "hosts": order, "num_hosts": len(set(hosts)), "state_names": names, "states": [names.index(it) for it in states],
            "rows": [last.get((host, *window), -1) for host in order for window in windows],
            "state_counts": [states.count(name) for name in names],
            "num_due": len(set(hosts)) * sum(end < now for _, end in windows),
            "num_hosts_not_run": sum("not_run" in row for row in table),
            "num_other_rows": sum(row["task_name"] == "instance_usage_audit"
                                  and (row["period_beginning"], row["period_ending"]) not in windows for row in rows),
        }

    def network_info(self, case, cache):
        """Adds network info to a case, raw or from a cache, and returns a function that makes Nova's model of it."""
        if self.generate.one(True, False):
            given, make = self.generate.raw_network_info(), make_raw_network_info
            case["network_info_is_raw"] = True
        else:
            given = json.loads(cache["network_info"]) if cache and cache["network_info"] else None
            make = lambda given: None if given is None else model.NetworkInfo.hydrate(copy.deepcopy(given))
        case["args"]["network_info"] = given
        return lambda: make(given)

    def info_from_instance(self, case):
        given, ctx = self.generate.instance(), self.generate.context()
        network_info = self.network_info(case, given.pop("info_cache"))
        populate, extra = self.generate.one(True, False), {}
        for _ in range(self.generate.random.randrange(3)):
            extra[self.generate.one("bandwidth", "state", "é", "fixed_ips", "metadata")] = self.generate.json_value()
        case["args"].update(context=ctx, instance=given, populate_image_ref_url=populate, kw=extra)
        case["config"] = {"glance_endpoint": GLANCE}
        ctxt = make_context(ctx)
        return lambda: notifications.info_from_instance(
            ctxt, make_instance(dict(given, info_cache=None), ctxt), network_info(), populate, **extra)

    def notify_about_instance_usage(self, case):
        given, ctx = self.generate.instance(), self.generate.context()
        network_info = self.network_info(case, given.pop("info_cache"))
        host, suffix = self.generate.one("cmp-01", "kvm-r2-u17"), self.generate.one("delete.start", "create.error", "terror", "")
        extra = self.generate.one(None, {}, {"state": "x"}, {"fixed_ips": None}, {"é": 2 ** 63})
        case["args"].update(context=ctx, instance=given, event_suffix=suffix, extra_usage_info=extra, fault=None, best_effort=False,
                            notifier={"service": "compute", "host": host})
        case["config"] = {"glance_endpoint": GLANCE, "host": "blade3"}
        self.clock(case, self.generate.recent())
        recorder, ctxt = Recorder(), make_context(ctx)
        case["calls"] = recorder.calls
        return lambda: compute_utils.notify_about_instance_usage(
            recorder.notifier("notifier.notify", "compute." + host), ctxt, make_instance(dict(given, info_cache=None), ctxt),
            suffix, network_info(), extra)

    def parts(self, case, given):
        """Adds block devices and shares to an instance, and the options that show them to the case's settings."""
        for name, make in (("block_devices", self.generate.block_device), ("shares", self.generate.share)):
            rows = [make() for _ in range(self.generate.random.randrange(4))]
            if rows or self.generate.one(True, False):
                given[name] = rows
        for option in ("bdms_in_notifications", "include_share_mapping"):
            value = case["config"]["notifications." + option] = self.generate.one(True, False)
            CONF.set_override(option, value, group="notifications")

    def InstanceExistsPayload(self, case):
        given, ctx = self.generate.instance(), self.generate.context()
        case["config"] = {}
        self.parts(case, given)
        begin, end = self.generate.recent(), self.generate.recent()
        case["args"].update(context=ctx, instance=given, window={"begin": begin, "end": end})
        CONF.set_override("notification_format", "both", group="notifications")
        ctxt = make_context(ctx)

        def call():
            with tables_of(given, ctxt):
                payload = instance_payloads.InstanceExistsPayload(
                    context=ctxt, instance=make_instance(given, ctxt),
                    audit_period=instance_payloads.AuditPeriodPayload(audit_period_beginning=begin, audit_period_ending=end))
            # Nova does the same before it emits a payload.
            payload.obj_reset_changes(recursive=True)
            return payload.obj_to_primitive()
        return call

    def notify_usage_exists(self, case):
        given, ctx = self.generate.instance(), self.generate.context()
        setting = self.generate.one("month", "day@18", "hour", "year@3")
        form = self.generate.one("unversioned", "versioned", "both")
        current, host = self.generate.one(True, False), self.generate.one("cmp-01", "kvm-r2-u17")
        system_metadata = self.generate.one(None, None, {}, {"image_a": "b"})
        extra = self.generate.one(None, None, {}, {"bandwidth": {"private": {"bw_in": 2 ** 63}}}, {"image_meta": 5})
        case["args"].update(context=ctx, instance_ref=given, host=host, current_period=current, system_metadata=system_metadata,
                            ignore_missing_network_data=self.generate.one(True, False), extra_usage_info=extra)
        case["config"] = {"glance_endpoint": GLANCE, "host": "blade3", "instance_usage_audit_period": setting,
                          "notifications.notification_format": form}
        self.parts(case, given)
        self.clock(case, self.generate.recent())
        CONF.set_override("instance_usage_audit_period", setting)
        CONF.set_override("notification_format", form, group="notifications")
        recorder = Recorder()
        ctxt = make_context(ctx)
        silent = types.SimpleNamespace(info=lambda *a, **k: None, error=lambda *a, **k: None)
        classic = recorder.notifier("notifier.notify", "compute." + host) if form != "versioned" else silent

        def call():
            versioned = lambda publisher_id: recorder.notifier("versioned_notifier.notify", publisher_id)
            with mock.patch.object(rpc, "get_versioned_notifier", versioned), tables_of(given, ctxt):
                compute_utils.notify_usage_exists(
                    classic, ctxt, make_instance(given, ctxt), host, current_period=current,
                    ignore_missing_network_data=case["args"]["ignore_missing_network_data"], system_metadata=system_metadata,
                    extra_usage_info=extra)
        case["calls"] = recorder.calls
        return call

    def lines(self, case, documents):
        """Returns the text of some documents, one per line, with other lines between them, and the number of each document."""
        lines, numbers, number = [], [], case["args"]["first_line"]
        for document in documents:
            for other in self.generate.one([], [], [], [""], [" \t\r"], ["{oops", ""], ["[]"]):
                lines.append(other)
                numbers += [(number, None)] if other.strip() else []
                number += 1
            lines.append(json.dumps(document, default=plain, ensure_ascii=False) + self.generate.one("", "", "\r"))
            numbers.append((number, document))
            number += 1
        case["args"]["text"] = "\n".join(lines) + self.generate.one("", "\n")
        return numbers

    def exists_ndjson(self, case):
        """Nova has no such function, so this one calls Nova's `notify_usage_exists` for each line and window."""
        generate, ctx = self.generate, self.generate.context()
        windows = [generate.window() for _ in range(generate.one(0, 1, 1, 2, 3))]
        form = generate.one("unversioned", "versioned", "both")
        case["config"] = {"glance_endpoint": GLANCE, "host": "blade3", "notifications.notification_format": form}
        documents = []
        for _ in range(generate.random.randrange(1, 4)):
            given = generate.instance()
            self.parts(case, given)
            if windows and generate.one(True, True, False):
                times = generate.server(generate.one(*windows))
                given.update({name: times[name] for name in ("launched_at", "terminated_at", "host")})
            documents.append(given)
        from_instance = generate.one(True, False)
        case["args"].update(context=ctx, windows=[{"begin": begin, "end": end} for begin, end in windows],
                            timestamp=generate.recent(), host_from_instance=from_instance, first_line=generate.one(1, 1, 7, 2 ** 40))
        numbers = self.lines(case, documents)
        self.clock(case, case["args"]["timestamp"])
        CONF.set_override("notification_format", form, group="notifications")
        ctxt = make_context(ctx)

        def notify(given, host, window, recorder):
            silent = types.SimpleNamespace(info=lambda *a, **k: None, error=lambda *a, **k: None)
            classic = recorder.notifier("notifier.notify", "compute." + host) if form != "versioned" else silent
            versioned = lambda publisher_id: recorder.notifier("versioned_notifier.notify", publisher_id)
            with mock.patch.object(rpc, "get_versioned_notifier", versioned), tables_of(given, ctxt), \
                 mock.patch.object(compute_utils.notifications, "audit_period_bounds", lambda _current: window):
                compute_utils.notify_usage_exists(classic, ctxt, make_instance(given, ctxt), host)

        def call():
            answer = []
            for number, given in numbers:
                failure = "ValueError" if given is None else None
                for window in windows:
                    if given is None or not is_active(given, *window):
                        continue
                    host, recorder = from_instance and given["host"] or "blade3", Recorder()
                    try:
                        notify(given, host, window, recorder)
                    except ValueError:
                        failure = "ValueError"
                    for message in recorder.calls:
                        del message["call"]
                        begin, end = map(plain, window)
                        message["message_id"] = message_id("hibiscus", message["event_type"], host, begin, end, given["uuid"])
                        answer.append(message)
                if failure:
                    answer.append({"line": number, "error": {"code": failure}})
            return answer
        return call

    def controller(self, servers):
        """Returns Nova's controller of `os-simple-tenant-usage`, which finds these instances."""
        controller = object.__new__(simple_tenant_usage.SimpleTenantUsageController)
        controller._get_instances_all_cells = lambda *_: [self.usage_instance(server) for server in servers]
        return controller

    @staticmethod
    def usage_instance(server):
        instance = objects.Instance(None, **{name: value for name, value in server.items() if name != "flavor"})
        instance.flavor = objects.Flavor(**server["flavor"])
        return instance

    def servers(self, case, windows):
        """Adds instances to a case, and returns them."""
        near = [time for window in windows for time in window]
        case["args"]["instances"] = [self.generate.server(near) for _ in range(self.generate.random.randrange(9))]
        return case["args"]["instances"]

    def hours_for(self, case):
        begin, end = self.generate.window()
        server = self.generate.server([begin, end, self.generate.time()])
        server["launched_at"] = self.generate.maybe(lambda: server["launched_at"], 0.05)
        case["args"].update(instance=server, period_start=begin, period_stop=end)
        return lambda: self.controller([])._hours_for(self.usage_instance(server), zoned(begin), zoned(end))

    def tenant_usages_for_period(self, case):
        """The usage of random instances, or that of a cell, whose database Nova reads itself."""
        begin, end = self.generate.window()
        detailed = case["args"]["detailed"] = self.generate.one(True, False)
        self.number, number = self.number + 1, self.number
        if number < len(Cell.all()) or self.generate.random.random() < 0.03:
            cell = Cell.all()[number % len(Cell.all())]
            long = datetime.timedelta(days=self.generate.one(1, 31, self.generate.random.randrange(1, 90)))
            begin, end = cell.now - long, cell.now + self.generate.one(datetime.timedelta(0), -long / 3, long)
            self.clock(case, cell.now)
            controller = object.__new__(simple_tenant_usage.SimpleTenantUsageController)
            ctxt = context.get_admin_context()

            def find(*arguments):
                found = simple_tenant_usage.SimpleTenantUsageController._get_instances_all_cells(controller, *arguments)
                case["args"]["instances"] = [cell.documents[instance.uuid] for instance in found]
                return found
            controller._get_instances_all_cells = find
            cells = mock.patch.object(objects.CellMappingList, "get_all", lambda _context: [cell.mapping])
        else:
            servers, ctxt, cells = self.servers(case, [(begin, end)]), None, contextlib.nullcontext()
            for server in servers:
                server["launched_at"] = self.generate.maybe(lambda: server["launched_at"], 0.01)
            self.clock(case, self.generate.recent())
            controller = self.controller(servers)
        case["args"].update(period_start=begin, period_stop=end)

        def call():
            with cells:
                return controller._tenant_usages_for_period(ctxt, zoned(begin), zoned(end), detailed=detailed)[0]
        return call

    def hours(self, server, begin, end):
        """Returns the hours of Nova, and those multiplied by the sizes, of an instance that was alive in the window."""
        flavor, hours = server["flavor"], self.controller([])._hours_for(self.usage_instance(server), zoned(begin), zoned(end))
        return {"hours": hours, "vcpus_hours": flavor["vcpus"] * hours, "memory_mb_hours": flavor["memory_mb"] * hours,
                "local_gb_hours": (flavor["root_gb"] + flavor["ephemeral_gb"]) * hours}

    def usages_by(self, case):
        """Nova has no such function, so this one sums up the hours of Nova."""
        begin, end = self.generate.window()
        servers = self.servers(case, [(begin, end)])
        for server in servers:
            # Negative hours would cancel others, and then the sums of floats differ from exact ones.
            server["launched_at"] = min(server["launched_at"], server["terminated_at"] or server["launched_at"])
        key = self.generate.one("project", "flavor", "host", "availability_zone")
        case["args"].update(period_start=begin, period_stop=end, key=key)
        value = {"project": lambda it: it["project_id"], "flavor": lambda it: it["flavor"]["name"]}.get(key, lambda it: it[key])

        def call():
            groups = {}
            for server in servers:
                if is_active(server, begin, end):
                    group = groups.setdefault(value(server), {"key": value(server), "servers": 0})
                    group["servers"] += 1
                    for name, hours in self.hours(server, begin, end).items():
                        group[name] = group.get(name, 0) + hours
            return sorted(groups.values(), key=lambda group: (group["key"] is not None, group["key"]))
        return call

    def hours_ndjson(self, case):
        """Nova has no such function, so this one asks Nova for the hours of each line and window."""
        windows = [self.generate.window() for _ in range(self.generate.one(0, 1, 1, 2, 3))]
        near = [time for window in windows for time in window] or [self.generate.recent()]
        servers = [self.generate.server(near) for _ in range(self.generate.random.randrange(5))]
        for server in servers:
            server["launched_at"] = self.generate.maybe(lambda: server["launched_at"], 0.1)
        case["args"].update(windows=[{"begin": begin, "end": end} for begin, end in windows], first_line=self.generate.one(1, 1, 7))
        numbers = self.lines(case, servers)

        def call():
            answer = []
            for number, server in numbers:
                if server is None:
                    answer.append({"line": number, "error": {"code": "ValueError"}})
                    continue
                for begin, end in windows:
                    hours = self.hours(server, begin, end)
                    if is_active(server, begin, end) and hours["hours"]:
                        names = ("uuid", "project_id", "host", "availability_zone")
                        answer.append({**{name: server[name] for name in names}, "flavor": server["flavor"]["name"],
                                       "begin": plain(begin), "end": plain(end), **hours})
            return answer
        return call

    def volume_usage(self, case):
        """Adds a row of volume usage to a case, some of whose columns are absent or null, and returns it."""
        counter = lambda: self.generate.one(0, 1, 2 ** 31, 2 ** 62)
        row = {"id": 1, "volume_id": self.generate.uuid(), "instance_uuid": self.generate.maybe(self.generate.uuid),
               "project_id": self.generate.one(None, "p"), "user_id": self.generate.one(None, "u"),
               "availability_zone": self.generate.one(None, "nova"), "tot_last_refreshed": self.generate.maybe(self.generate.recent),
               "curr_last_refreshed": self.generate.maybe(self.generate.recent)}
        for name in ("reads", "read_bytes", "writes", "write_bytes"):
            row.update({"tot_" + name: counter(), "curr_" + name: counter()})
        for name in list(row):
            if self.generate.random.random() < 0.02:
                row[name] = None
            elif self.generate.random.random() < 0.02:
                del row[name]
        case["args"]["vol_usage"] = row
        return row

    def VolumeUsage_to_dict(self, case):
        row = self.volume_usage(case)
        return lambda: objects.VolumeUsage(None, **row).to_dict()

    def notify_about_volume_usage(self, case):
        row, ctx = self.volume_usage(case), self.generate.context()
        form = self.generate.one("unversioned", "versioned", "both")
        case["args"].update(context=ctx, host="cmp-01")
        case["config"] = {"notifications.notification_format": form}
        self.clock(case, datetime.datetime(2026, 4, 5, 6, 7, 8))
        CONF.set_override("notification_format", form, group="notifications")
        recorder, ctxt = Recorder(), make_context(ctx)
        case["calls"] = recorder.calls

        def call():
            versioned = lambda publisher_id: recorder.notifier("versioned_notifier.notify", publisher_id)
            with mock.patch.object(rpc, "get_versioned_notifier", versioned):
                compute_utils.notify_about_volume_usage(ctxt, objects.VolumeUsage(ctxt, **row), "cmp-01")
        return call

    def fault_of(self):
        cls, args, kwargs = self.generate.fault()
        fault = cls(*args, **kwargs)
        return fault, {"type": cls.__name__, "args": args, "kwargs": kwargs, "resolved": resolve(fault)}

    def exception_to_dict(self, case):
        fault, case["args"]["fault"] = self.fault_of()
        message = case["args"]["message"] = self.generate.one(None, None, "", "given", "é" * 200)

        def call():
            answer = compute_utils.exception_to_dict(fault, message)
            return dict(answer, exception={"$exception": type(answer["exception"]).__name__})
        return call

    def add_instance_fault_from_exc(self, case):
        fault, case["args"]["fault"] = self.fault_of()
        message, ctx, uuid = self.generate.one(None, None, "given"), self.generate.context(), self.generate.uuid()
        case["args"].update(context=ctx, instance={"uuid": uuid}, fault_message=message, exc_info=None)
        case["config"] = {"host": "hv12"}
        case["calls"] = []
        ctxt = make_context(ctx)
        CONF.set_override("host", "hv12")

        def record(_context, values):
            case["calls"].append({"call": "db.instance_fault_create", "args": ["$context", dict(values)]})
            return dict(values, id=1, created_at=None, updated_at=None, deleted_at=None, deleted=0)

        def call():
            instance = objects.Instance(ctxt, uuid=uuid)
            with mock.patch.object(instance_fault.db, "instance_fault_create", record):
                compute_utils.add_instance_fault_from_exc(ctxt, instance, fault, None, fault_message=message)
        return call

    def safe_truncate(self, case):
        value, length = self.generate.text(40), self.generate.random.randrange(-3, 40)
        case["args"].update(value=value, length=length)
        return lambda: nova_utils.safe_truncate(value, length)

    def pack_action_start(self, case):
        ctx, uuid, name = self.generate.context(), self.generate.uuid(), self.generate.one("reboot", "", "é")
        case["args"].update(context=ctx, instance_uuid=uuid, action_name=name)
        self.clock(case, self.generate.recent())
        return lambda: objects.InstanceAction.pack_action_start(make_context(ctx), uuid, name)

    def pack_action_finish(self, case):
        ctx, uuid = self.generate.context(), self.generate.uuid()
        case["args"].update(context=ctx, instance_uuid=uuid)
        self.clock(case, self.generate.recent())
        return lambda: objects.InstanceAction.pack_action_finish(make_context(ctx), uuid)

    def pack_action_event_start(self, case):
        ctx, uuid, name = self.generate.context(), self.generate.uuid(), self.generate.one("schedule", "", "é")
        host = self.generate.one(None, "blade3")
        case["args"].update(context=ctx, instance_uuid=uuid, event_name=name, host=host)
        self.clock(case, self.generate.recent())
        return lambda: objects.InstanceActionEvent.pack_action_event_start(make_context(ctx), uuid, name, host=host)

    def pack_action_event_finish(self, case):
        ctx, uuid, name = self.generate.context(), self.generate.uuid(), self.generate.one("schedule", "", "é")
        fault, given = self.generate.one((None, None), self.fault_of(), self.fault_of())
        traceback = self.generate.one(None, "", "  File \"x.py\", line 7, in f\n    g()\n")
        case["args"].update(context=ctx, instance_uuid=uuid, event_name=name, exc_val=given, exc_tb=traceback)
        self.clock(case, self.generate.recent())
        return lambda: objects.InstanceActionEvent.pack_action_event_finish(
            make_context(ctx), uuid, name, exc_val=fault, exc_tb=traceback)

    def clock(self, case, now):
        case["now"] = now
        timeutils.set_time_override(now)


# Outputs ------------------------------------------------------------------------------------------------------------------

def plain(value):
    """Returns a value as the vectors write it."""
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0")
        return text if value.utcoffset() is None else text + "+00:00"
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def put(call, case):
    try:
        case["expect"] = call()
    except Exception as error:  # every error that Nova raises is an expected result
        builtin = type(error).__module__ == "builtins"
        ours = type(error).__module__.startswith("nova.")
        case["error"] = {"type": type(error).__name__, "message": str(error)}
        if builtin:
            case["error"]["builtin"] = True
        elif not ours:
            case["error"]["library"] = True
        kwargs = {name: value for name, value in (getattr(error, "kwargs", None) or {}).items() if name != "code"}
        if ours and kwargs:
            case["error"]["kwargs"] = kwargs


HELPERS = ("clock", "fault_of", "network_info", "parts", "task_logs", "hosts", "audit_log", "coverage", "lines", "controller",
           "usage_instance", "servers", "hours", "volume_usage")
FUNCTIONS = [name for name, method in vars(Oracle).items()
             if callable(method) and not name.startswith("_") and name not in HELPERS]
NAMES = {"hydrate": "NetworkInfo.hydrate", "VolumeUsage_to_dict": "VolumeUsage.to_dict"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=2000, help="cases of each function")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(2 ** 32)
    print("seed", seed)

    config.parse_args(["oracle"], default_config_files=[], configure_db=False, init_rpc=False)
    CONF.set_override("endpoint_override", GLANCE, group="glance")
    objects.register_all()
    # Nova builds versioned notifications only when the notifier is enabled.
    rpc.NOTIFIER = types.SimpleNamespace(is_enabled=lambda: True)
    folder = arguments.out / "hibiscus"
    folder.mkdir(parents=True, exist_ok=True)
    for at, function in enumerate(FUNCTIONS):
        oracle, cases = Oracle(seed + at), []
        for number in range(arguments.count):
            case = {"id": "oracle/%s/%d/%d" % (function, seed, number), "args": {}}
            put(getattr(oracle, function)(case), case)
            cases.append(case)
        timeutils.clear_time_override()
        function = NAMES.get(function, function)
        file = {"function": function, "release": "hibiscus", "cases": cases}
        (folder / (function + ".json")).write_text(json.dumps(file, default=plain, ensure_ascii=True))
        print(function, len(cases))
    return 0


if __name__ == "__main__":
    sys.exit(main())
