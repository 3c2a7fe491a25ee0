"""Writes `tests/vectors/hibiscus/reconcile_instance.json`: notifications of the real Nova, lost, doubled and changed, and what a
reconciliation finds. Nova has no reconciliation.

What Nova should have emitted is what it did emit (`tests/cells`), so neither the payloads nor the comparison come from the
library. Run it from the root of the repository.
"""

import collections
import copy
import datetime
import json
import lzma
import pathlib
import random

FORMATS = {"unversioned": ["compute.instance.exists"], "versioned": ["instance.exists"],
           "both": ["compute.instance.exists", "instance.exists"]}
CONTEXT = {"user_id": None, "project_id": None, "request_id": None, "timestamp": None}


def moment(text):
    """Returns a timestamp; `None` when it is absent or cannot be read."""
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "")) if text else None
    except ValueError:
        return None


def stamp(value):
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f")


def data(payload):
    return payload.get("nova_object.data", payload)


def window_of(payload):
    period = data(data(payload).get("audit_period", {})) or payload
    begin, end = moment(period.get("audit_period_beginning")), moment(period.get("audit_period_ending"))
    return (begin, end) if begin and end else None


def hours(launched, ended, window):
    """Returns the hours of `SimpleTenantUsageController._hours_for`."""
    if launched is None or launched >= window[1] or (ended is not None and ended <= window[0]):
        return 0.0
    spent = (min(ended, window[1]) if ended else window[1]) - max(launched, window[0])
    return spent.total_seconds() / 3600.0


def claimed(payload, window):
    fields = data(payload)
    ended = moment(fields.get("terminated_at")) or moment(fields.get("deleted_at"))
    return hours(moment(fields.get("launched_at")), ended, window)


def whole(value):
    """Returns a value with whole numbers as integers, as the library reports them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    return {key: whole(one) for key, one in value.items()} if isinstance(value, dict) else value


def differences(path, expected, received):
    """Yields the differences of two values, by Python's equality."""
    if isinstance(expected, dict) and isinstance(received, dict):
        for key in sorted(expected.keys() | received.keys()):
            inner = path if key == "nova_object.data" else path + [key]
            if key in expected and key in received:
                yield from differences(inner, expected[key], received[key])
            else:
                side = "expected" if key in expected else "received"
                yield {"field": ".".join(inner), side: (expected if key in expected else received)[key]}
    elif isinstance(expected, list) and isinstance(received, list):
        for index in range(max(len(expected), len(received))):
            inner = path + [str(index)]
            if index < len(expected) and index < len(received):
                yield from differences(inner, expected[index], received[index])
            else:
                side, values = ("expected", expected) if index < len(expected) else ("received", received)
                yield {"field": ".".join(inner), side: values[index]}
    elif expected != received or isinstance(expected, bool) != isinstance(received, bool):
        yield {"field": ".".join(path), "expected": expected, "received": received}


def concerns(field, fields):
    return fields is None or any(
        field == one or field.startswith(one + ".") or one.startswith(field + ".") for one in fields)


def reconcile(instance, emitted, received, window, event_types, host, fields):
    alive = instance is not None and (host is None or instance["host"] == host) and bool(emitted)
    ended = instance and moment(instance["terminated_at"])
    own_hours = hours(moment(instance["launched_at"]), ended, window) if alive else 0.0
    messages = {}
    for message in received:
        if host is None or message["publisher_id"].replace(":", ".").split(".", 1)[1] == host:
            messages.setdefault(message["message_id"], message)
    findings = []
    for event_type in event_types:
        def add(verdict, ids, hours, fields=(), window=None):
            window = window and {"begin": stamp(window[0]), "end": stamp(window[1])}
            findings.append({"verdict": verdict, "event_type": event_type, "message_ids": sorted(ids), "fields": list(fields),
                             "window": window, "hours": hours})

        mine = [message for message in messages.values() if message["event_type"] == event_type]
        mine.sort(key=lambda message: message["message_id"])
        others = [message for message in mine if window_of(message["payload"]) not in (window, None)]
        contents = collections.defaultdict(list)
        for message in mine:
            if message in others:
                continue
            if not alive:
                add("unexpected", [message["message_id"]], claimed(message["payload"], window))
                continue
            found = whole(list(differences([], emitted[event_type], message["payload"])))
            contents[json.dumps([one for one in found if concerns(one["field"], fields)])].append(message["message_id"])
        if alive and not contents:
            add("missing", [], own_hours)
        for content, ids in sorted(contents.items(), key=lambda item: (item[0] != "[]", item[0])):
            if content != "[]":
                add("different", ids, own_hours, json.loads(content))
            elif len(ids) > 1:
                add("doubled", ids, own_hours * (len(ids) - 1))
            else:
                add("equal", ids, own_hours)
        for message in others:
            window_there = window_of(message["payload"])
            add("other_window", [message["message_id"]], claimed(message["payload"], window_there), window=window_there)
    projects = [(message["message_id"], data(message["payload"]).get("tenant_id")) for message in messages.values()]
    projects = [project for _, project in sorted(projects, key=lambda one: one[0]) if isinstance(project, str)]
    project = instance["project_id"] if instance else (projects or [None])[0]
    uuid = instance["uuid"] if instance else UUID(received[0])
    return {"instance_uuid": uuid, "project_id": project, "hours": own_hours, "findings": findings}


def UUID(message):
    fields = data(message["payload"])
    return fields.get("uuid") or fields["instance_id"]


# ----------------------------------------------------------------------------------------------------------------------
# The cases


def servers():
    """Yields each server of the cells that has notifications: its document, those by event type, and the window."""
    for folder in sorted(pathlib.Path("tests/cells").glob("*/cell.json")):
        folder = folder.parent
        documents = [json.loads(line) for line in lzma.open(folder / "documents.ndjson.xz", "rt")]
        documents = {document["uuid"]: document for document in documents}
        by_server = collections.defaultdict(dict)
        for line in open(folder / "nova-emitted.ndjson"):
            message = json.loads(line)["message"]
            by_server[UUID(message)][message["event_type"]] = message
        for uuid, messages in by_server.items():
            yield documents[uuid], messages, window_of(next(iter(messages.values()))["payload"])


def new_id(rng):
    return "%08x-0000-4000-8000-%012x" % (rng.getrandbits(32), rng.getrandbits(48))


def change(rng, payload):
    """Changes a field somewhere."""
    fields = data(payload)
    if "flavor" in fields and rng.random() < 0.3:
        fields = data(fields["flavor"])
    name = rng.choice([name for name in sorted(fields) if name not in ("uuid", "instance_id", "audit_period")
                       and not name.startswith("audit_period")])
    kind = rng.randrange(3)
    if kind == 0:
        del fields[name]
    elif kind == 1:
        fields[name + "_x"] = rng.choice([None, 1, "x", [], {"y": 1.5}])
    else:
        value = fields[name]
        fields[name] = (value + 1 if isinstance(value, (int, float)) and not isinstance(value, bool)
                        else str(value) + "!" if not isinstance(value, (list, dict)) else None)


def move(payload):
    period = data(payload)
    period = data(period["audit_period"]) if "audit_period" in period else period
    before = moment(period["audit_period_beginning"]) - datetime.timedelta(days=3, seconds=1)
    pattern = "%Y-%m-%dT%H:%M:%SZ" if "nova_object.data" in payload else "%Y-%m-%d %H:%M:%S"
    period["audit_period_beginning"] = before.strftime(pattern)


def case(rng, document, messages, window):
    formats = rng.choice(["both", "both", "unversioned", "versioned"])
    received = [copy.deepcopy(message) for message in messages.values()]
    instance, host, fields = copy.deepcopy(document), None, None
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        if not received:
            break
        message = rng.choice(received)
        kind = rng.randrange(9)
        if kind == 0:
            received.remove(message)
        elif kind in (1, 2):
            received.append(dict(copy.deepcopy(message), message_id=new_id(rng) if kind == 1 else message["message_id"]))
        elif kind in (3, 4):
            message["message_id"] = new_id(rng)
            change(rng, message["payload"])
        elif kind == 5:
            message["message_id"] = new_id(rng)
            move(message["payload"])
        elif kind == 6:
            host = rng.choice([document["host"], "cmp-99"])
        elif kind == 7:
            fields = rng.sample(["state", "flavor", "flavor.vcpus", "tenant_id", "memory_mb", "display_name", "metadata"], 3)
        else:
            instance = None
    rng.shuffle(received)
    if instance is None and (not received or host == "cmp-99"):
        instance = copy.deepcopy(document)
    emitted = {event_type: message["payload"] for event_type, message in messages.items()}
    args = {"instance": instance, "notifications": received, "context": CONTEXT, "host": host, "fields": fields,
            "window": {"begin": stamp(window[0]), "end": stamp(window[1])}}
    return {
        "args": args,
        "config": {"notifications.notification_format": formats, "glance_endpoint": "http://glance.example:9292"},
        "expect": reconcile(instance, emitted, received, window, FORMATS[formats], host, fields),
    }


def main():
    rng, all_servers = random.Random(2026), list(servers())
    cases = [case(rng, *rng.choice(all_servers)) for _ in range(60)]
    for n, one in enumerate(cases, 1):
        one["id"] = f"ours/hibiscus/reconcile_instance/{n:04}"
    lines = ",\n".join(json.dumps(one, sort_keys=True, separators=(",", ":")) for one in cases)
    head = '{"function":"reconcile_instance","release":"hibiscus","cases":[\n%s\n]}\n'
    pathlib.Path("tests/vectors/hibiscus/reconcile_instance.json").write_text(head % lines)
    print(collections.Counter(one["verdict"] for case in cases for one in case["expect"]["findings"]))


main()
