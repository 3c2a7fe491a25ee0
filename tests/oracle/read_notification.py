"""Writes `tests/vectors/hibiscus/read_notification.json`: what a reader of notifications returns. Nova has no such reader.

This reader is independent of the library's, and its vectors are for the library's. Run it from the root of the repository.
"""

import datetime
import json
import pathlib
import random
import re

WILD = pathlib.Path("tests/wild")
MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:?\d\d)?")


class Refused(Exception):
    """An error: the name of its class, and the member that it names."""

    def __init__(self, kind, names):
        super().__init__(kind, names)
        self.kind, self.names = kind, names


# ----------------------------------------------------------------------------------------------------------------------
# The reader


def moment(where, name, holder):
    """Returns a moment as a record has it."""
    found = holder.get(name)
    if found in (None, "", "None"):
        return None
    parts = MOMENT.fullmatch(found) if isinstance(found, str) else None
    if not parts:
        raise Refused("ValueError", f"`{where}{name}` is ")
    numbers = [int(part) for part in parts.group(1, 2, 3, 4, 5, 6)]
    try:
        result = datetime.datetime(*numbers, int((parts.group(7) or "").ljust(6, "0") or 0))
        zone = parts.group(8)
        if zone and zone != "Z":
            ahead = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            result = result - ahead if zone[0] == "+" else result + ahead
    except (ValueError, OverflowError):
        raise Refused("ValueError", f"`{where}{name}` is ") from None
    return result.strftime("%Y").zfill(4) + result.strftime("-%m-%dT%H:%M:%S.%f")


def words(where, name, holder):
    """Returns a string."""
    found = holder.get(name)
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Refused("ValueError", f"`{where}{name}` is ")
    return json.dumps(found)


def number(where, name, holder):
    """Returns an integer."""
    found = holder.get(name)
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    if isinstance(found, str) and re.fullmatch(r"-?[0-9]+", found):
        return int(found)
    raise Refused("ValueError", f"`{where}{name}` is ")


def must(where, name, holder):
    found = words(where, name, holder)
    if found in (None, ""):
        raise Refused("KeyError", f"`{where}{name}` is missing")
    return found


def unwrap(value):
    """Returns the message in a value, and the contexts from the outermost to the innermost."""
    contexts = []
    while True:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise Refused("ValueError", "JSON") from None
            continue
        if isinstance(value, list):
            if len(value) != 2 or not isinstance(value[0], str):
                raise Refused("ValueError", "is a list")
            value = value[1]
            continue
        if not isinstance(value, dict):
            raise Refused("ValueError", "give an object")
        found = {key.removeprefix("_context_"): item for key, item in value.items() if key.startswith("_context_")}
        for name in ("ctxt", ":context", "context", "_context"):
            if isinstance(value.get(name), dict):
                found |= {key.removeprefix("_context_"): item for key, item in value[name].items()}
        contexts.append(found)
        inside = [value[name] for name in ("oslo.message", "request", ":content") if name in value]
        if "event_type" in value or not inside:
            return value, contexts
        value = inside[0]


def from_context(contexts, *names):
    for context in reversed(contexts):
        for name in names:
            if isinstance(context.get(name), str) and context[name]:
                return context[name]
    return None


def read(value):
    message, contexts = unwrap(value)
    extra = message["metadata"] if isinstance(message.get("metadata"), dict) else {}
    event_type = must("", "event_type", message)
    payload = message.get("payload")
    if payload is None:
        raise Refused("KeyError", "`payload` is missing")
    publisher_id = words("", "publisher_id", message)
    service, host = (re.split("[.:]", publisher_id or "", maxsplit=1) + [None])[:2]
    if host is None:
        service = None
    priority = words("", "priority", message)
    format, versioned = "unversioned", isinstance(payload, dict) and {"nova_object.name", "nova_object.data"} & set(payload)
    when = moment("", "timestamp", message)
    then = moment("metadata.", "timestamp", extra)
    if versioned:
        name = must("payload.", "nova_object.name", payload)
        format = {"versioned": {"name": name, "version": must("payload.", "nova_object.version", payload)}}
    result = {
        "message_id": words("", "message_id", message) or words("metadata.", "message_id", extra) or None,
        "event_type": event_type,
        "publisher_id": publisher_id,
        "service": service,
        "host": host,
        "priority": priority and priority.upper(),
        "timestamp": when or then,
        "request_id": from_context(contexts, "request_id"),
        "user_id": from_context(contexts, "user_id", "user"),
        "project_id": from_context(contexts, "project_id", "tenant_id", "tenant", "project"),
        "format": format,
        "payload": payload,
        "instance": None,
    }
    if versioned and event_type.startswith("instance."):
        result["instance"] = versioned_instance(payload)
    if not versioned and event_type.startswith("compute.instance."):
        result["instance"] = flat_instance(payload)
    return result


def inner(where, name, holder):
    """Returns the data of an object in an envelope, and its place."""
    found = holder.get(name)
    if found is None:
        return where, None
    place = f"{where}{name}.nova_object.data"
    if not isinstance(found, dict):
        raise Refused("ValueError", f"`{where}{name}` is ")
    data = found.get("nova_object.data")
    if data is not None and not isinstance(data, dict):
        raise Refused("ValueError", f"`{place}` is ")
    return place + ".", data


def flat_instance(payload):
    if not isinstance(payload, dict):
        raise Refused("ValueError", "`payload` is ")
    place = "payload."
    return {
        "uuid": must(place, "instance_id", payload),
        **common(place, payload),
        **sizes(place, payload),
        "flavor_id": words(place, "instance_flavor_id", payload),
        "flavor_name": words(place, "instance_type", payload),
        "swap_mb": None,
        "audit_period": period(place, payload),
        "image_meta": payload.get("image_meta"),
    }


def versioned_instance(payload):
    place, data = inner("", "payload", {"payload": payload})
    if data is None:
        raise Refused("KeyError", "`payload.nova_object.data` is missing")
    uuid = must(place, "uuid", data)
    flavor_place, flavor = inner(place, "flavor", data)
    period_place, audit_period = inner(place, "audit_period", data)
    flavor = flavor or {}
    return {
        "uuid": uuid,
        **common(place, data),
        **sizes(flavor_place, flavor),
        "flavor_id": words(flavor_place, "flavorid", flavor),
        "flavor_name": words(flavor_place, "name", flavor),
        "swap_mb": number(flavor_place, "swap", flavor),
        "audit_period": period(period_place, audit_period or {}),
        "image_meta": None,
    }


def common(where, holder):
    return {
        "project_id": words(where, "tenant_id", holder),
        **{name: words(where, name, holder) for name in ("user_id", "display_name", "state", "host", "node", "availability_zone")},
        **{name: moment(where, name, holder) for name in ("created_at", "launched_at", "deleted_at", "terminated_at")},
        "metadata": metadata(where, holder),
    }


def sizes(where, holder):
    return {name: number(where, name, holder) for name in ("memory_mb", "vcpus", "root_gb", "ephemeral_gb")}


def metadata(where, holder):
    found = holder.get("metadata")
    if found is None or isinstance(found, dict):
        return found
    if not isinstance(found, list):
        raise Refused("ValueError", f"`{where}metadata` is ")
    try:
        return {row["key"]: row.get("value") for row in found if not row.get("deleted")}
    except (TypeError, KeyError, AttributeError):
        raise Refused("ValueError", f"`{where}metadata` is ") from None


def period(where, holder):
    begin, end = (moment(where, f"audit_period_{bound}", holder) for bound in ("beginning", "ending"))
    if begin and end:
        return {"begin": begin, "end": end}
    if begin or end:
        raise Refused("KeyError", f"`{where}audit_period_{'ending' if begin else 'beginning'}` is missing")
    return None


# ----------------------------------------------------------------------------------------------------------------------
# The cases

UUID = "48b988aa-afe1-4664-8307-784d3a2daad0"


def flat(**members):
    return {
        "message_id": "9f3f8c1e-6c0a-4d55-8a0c-0f6f2f1f3d11",
        "event_type": "compute.instance.exists",
        "publisher_id": "compute.cmp-01",
        "priority": "INFO",
        "timestamp": "2026-11-01 00:17:03.250000",
        "_context_request_id": "req-1",
        "_context_user_id": "u",
        "_context_project_id": "p",
        "payload": flat_payload(),
        **members,
    }


def flat_payload(**members):
    return {
        "instance_id": UUID,
        "tenant_id": "t",
        "user_id": "v",
        "display_name": "café \U0001f5a5",
        "state": "active",
        "instance_type": "m1.small",
        "instance_flavor_id": "2",
        "memory_mb": 2048,
        "vcpus": 1,
        "root_gb": 20,
        "ephemeral_gb": 0,
        "host": "cmp-01",
        "node": "cmp-01.example.org",
        "availability_zone": "nova",
        "created_at": "2026-09-30 23:00:00+00:00",
        "launched_at": "2026-09-30T23:01:02.000003",
        "deleted_at": "",
        "terminated_at": "",
        "audit_period_beginning": "2026-10-01 00:00:00",
        "audit_period_ending": "2026-11-01 00:00:00",
        "image_meta": {"os_distro": "debian", "min_disk": "20"},
        "metadata": {"role": "pos"},
        **members,
    }


def boxed(name, version, data):
    return {"nova_object.namespace": "nova", "nova_object.name": name, "nova_object.version": version, "nova_object.data": data}


def versioned(**members):
    return flat(event_type="instance.exists", publisher_id="nova-compute:cmp-01", payload=versioned_payload(**members))


def versioned_payload(**members):
    data = {
        "uuid": UUID,
        "tenant_id": "t",
        "user_id": "v",
        "display_name": "db",
        "state": "active",
        "host": "cmp-01",
        "node": None,
        "availability_zone": None,
        "created_at": "2026-09-30T23:00:00Z",
        "launched_at": None,
        "deleted_at": None,
        "terminated_at": None,
        "metadata": {},
        "flavor": boxed(
            "FlavorPayload",
            "1.4",
            {"flavorid": "2", "name": "m1.small", "memory_mb": 2048, "vcpus": 1, "root_gb": 20, "ephemeral_gb": 0, "swap": 512},
        ),
        "audit_period": boxed(
            "AuditPeriodPayload",
            "1.0",
            {"audit_period_beginning": "2026-10-01T00:00:00Z", "audit_period_ending": "2026-11-01T00:00:00Z"},
        ),
        **members,
    }
    return boxed("InstanceExistsPayload", "2.1", data)


def without(holder, *names):
    return {name: value for name, value in holder.items() if name not in names}


def envelope(message):
    return {"oslo.version": "2.0", "oslo.message": json.dumps(message)}


def kafka(message):
    context = {key.removeprefix("_context_"): value for key, value in message.items() if key.startswith("_context_")}
    return {**{key: value for key, value in message.items() if not key.startswith("_context_")}, "_context": context}


def amqp(message):
    message = kafka(message)
    return {"request": envelope(without(message, "_context")), "context": message["_context"]}


LAYERS = {
    "none": lambda value: value,
    "oslo.messaging's envelope": envelope,
    "oslo.messaging's envelope with an object": lambda value: {"oslo.version": "2.0", "oslo.message": value},
    "encoded twice": lambda value: json.dumps(value),
    "encoded three times": lambda value: json.dumps(json.dumps(value)),
    "an envelope that is encoded twice": lambda value: json.dumps(envelope(value)),
    "a message that is encoded twice in its envelope": lambda value: envelope(json.dumps(value)),
    "an envelope in an envelope": lambda value: envelope(envelope(value)),
    "a routing key": lambda value: ["notifications.info", value],
    "a routing key and an envelope": lambda value: ["monitor.info", envelope(value)],
    "a routing key and a string": lambda value: ["", json.dumps(value)],
}


def edges():
    for name, layer in LAYERS.items():
        yield f"layers: {name}", layer(flat())
        yield f"layers of a versioned notification: {name}", layer(versioned())
        yield f"layers: {name}, with oslo.messaging's Kafka driver", layer(kafka(flat()))
    yield "layers: oslo.messaging's AMQP 1.0 driver", amqp(flat())
    yield "layers: oslo.messaging's AMQP 1.0 driver, and the message has a context of its own", {
        "request": envelope(flat()),
        "context": {"request_id": "req-2", "project_id": "q", "user_id": None},
    }
    yield "a member `request` of a message is no layer", flat(request={"event_type": "x"})
    yield "a list of messages", [flat(), flat()]
    yield "a list of a message", [flat()]
    yield "an empty list", []
    yield "a routing key without a message", ["notifications.info"]
    yield "a routing key and null", ["notifications.info", None]
    yield "an envelope around text", {"oslo.version": "2.0", "oslo.message": "no JSON"}
    yield "an empty envelope", {"oslo.version": "2.0", "oslo.message": ""}
    yield "text", "no JSON"
    yield "no text", ""
    yield "half of a message", json.dumps(flat())[:-1]
    yield "a string in a string", json.dumps("no JSON")
    yield "a number", "17"
    yield "null", "null"
    yield "an empty object", {}
    context = ("_context_user_id", "_context_project_id")
    for names in (
        {"_context_tenant": "a"},
        {"_context_tenant_id": "a", "_context_tenant": "b"},
        {"_context_project": "a", "_context_user": "b"},
        {"_context_project_id": "a", "_context_tenant": "b", "_context_user_id": "c", "_context_user": "d"},
        {"_context_project_id": None, "_context_tenant": "b", "_context_user_id": None, "_context_user": "d"},
        {"_context_project_id": "", "_context_tenant": "b"},
        {"_context_project_id": 17, "_context_tenant": "b"},
        {"_context": {"tenant": "a", "user": "b", "request_id": "req-9"}},
        {"_context": {"_context_tenant": "a", "_context_user": "b"}},
        {"_context": {}},
        {"_context": None},
        {"_context": "text"},
        {"context": {"tenant_id": "a", "user_id": "b"}},
        {"tenant": "a", "user": "b", "project_id": "c"},
    ):
        yield f"the request context {names}", {**without(flat(), *context), **names}
    for publisher in (
        "compute.cmp-01.example.org",
        "nova-compute:cmp-01.example.org",
        "nova-compute:fe80::1",
        "compute.fe80::1",
        "conductor.a:b",
        "nova-compute:",
        ".cmp-01",
        "ubuntu",
        "",
        None,
        17,
        ["compute"],
    ):
        yield f"the publisher {publisher!r}", flat(publisher_id=publisher)
    for priority in ("info", "Error", "SAMPLE", "", None, 5, {}):
        yield f"the priority {priority!r}", flat(priority=priority)
    for when in (
        "2026-11-01T00:17:03.25",
        "2026-11-01 00:17:03",
        "2026-11-01T00:17:03Z",
        "2026-11-01T00:17:03.000004Z",
        "2026-11-01 01:17:03.25+01:00",
        "2026-11-01 00:17:03.250000+00:00",
        "2026-10-31T23:47:03-0030",
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.999999",
        "",
        None,
        "None",
        "yesterday",
        "2026-02-30 00:00:00",
        "2026-11-01 24:00:00",
        "0001-01-01 00:00:00+01:00",
        1793492223,
        False,
        {"year": 2026},
        "2026-11-01 00:17:03\n",
        "x" * 100,
    ):
        yield f"the timestamp {when!r}", flat(timestamp=when)
        yield f"launched {when!r}", flat(payload=flat_payload(launched_at=when))
        yield f"terminated {when!r}, versioned", versioned(terminated_at=when)
    for name in ("message_id", "event_type", "publisher_id", "priority", "timestamp", "payload"):
        yield f"no {name}", without(flat(), name)
        yield f"the {name} null", flat(**{name: None})
    for value in (1, "", ["some_uuid"], True):
        yield f"the message id {value!r}", flat(message_id=value)
        yield f"the event type {value!r}", flat(event_type=value)
    for payload in ([], {}, [1], "text", "", 0, False, [{"instance_id": UUID}]):
        yield f"the payload {payload!r}", flat(payload=payload)
        yield f"the payload {payload!r} of no instance", flat(event_type="event", payload=payload)
    for event_type in ("compute.instance.create.end", "compute.instance.exists.verified", "compute.instances.x", "instance.exists"):
        yield f"unversioned: {event_type}", flat(event_type=event_type)
        yield f"versioned: {event_type}", {**versioned(), "event_type": event_type}
    for name in flat_payload():
        yield f"a payload without {name}", flat(payload=without(flat_payload(), name))
        yield f"a payload with {name} null", flat(payload=flat_payload(**{name: None}))
        for value in ("", "17", 1.5, True, []):
            yield f"a payload with {name} {value!r}", flat(payload=flat_payload(**{name: value}))
    for name in versioned_payload()["nova_object.data"]:
        payload = versioned_payload()
        del payload["nova_object.data"][name]
        yield f"a versioned payload without {name}", {**versioned(), "payload": payload}
        for value in (None, 17, {}, {"nova_object.data": 5}):
            yield f"a versioned payload with {name} {value!r}", versioned(**{name: value})
    for name in versioned_payload():
        yield f"a versioned payload without {name}", {**versioned(), "payload": without(versioned_payload(), name)}
        for value in (None, "", 17, []):
            yield f"a versioned payload with {name} {value!r}", {**versioned(), "payload": {**versioned_payload(), name: value}}
    rows = [{"key": "a", "value": "1", "deleted": 0}, {"key": "b", "value": None}, {"key": "c", "value": "3", "deleted": 7}]
    for value in (rows, rows + [{"key": "a", "value": "2"}], [{"value": "1"}], ["a"], [{"key": 1, "value": "1"}], "role=pos", {"a": {"b": [1]}}):
        if value != [{"key": 1, "value": "1"}]:
            yield f"the metadata {value!r}", flat(payload=flat_payload(metadata=value))
            yield f"the metadata {value!r}, versioned", versioned(metadata=value)
    yield "the arguments of an endpoint", {
        "ctxt": {"request_id": "req-1", "user_id": "u", "project_id": "p"},
        "publisher_id": "compute.cmp-01",
        "event_type": "compute.instance.exists",
        "payload": flat_payload(),
        "metadata": {"message_id": "m", "timestamp": "2026-11-01 00:17:03.250000"},
    }
    yield "the arguments of an endpoint whose timestamp cannot be read", flat(timestamp=None, metadata={"timestamp": "soon"})
    yield "big numbers", flat(payload=flat_payload(memory_mb=2**53 + 1, vcpus=-(2**63), image_meta={"size": 2**70}))


def tampered(chance):
    """Returns a random notification in random layers."""
    whole = chance.choice([flat, versioned])()
    for _ in range(chance.randrange(3)):
        holder = chance.choice([whole] + [value for value in whole.values() if isinstance(value, dict)])
        name = chance.choice(list(holder) or ["x"])
        if isinstance(holder.get(name), str):
            holder[name] = chance.choice(["", None, "2026-10-17 08:09:10.5", holder[name] + "x", chance.randrange(10**6)])
        elif holder is not whole:
            holder.pop(name, None)
    if chance.random() < 0.3:
        whole = kafka(whole)
    for _ in range(chance.randrange(4)):
        whole = chance.choice(list(LAYERS.values()))(whole)
    return whole


def case(args, value, note, keeps_payload):
    case = {"args": args, "note": note}
    try:
        expected = read(value)
        if not keeps_payload:
            del expected["payload"]
        case["expect"] = expected
    except Refused as refused:
        case["error"] = {"type": refused.kind, "message": refused.names, "builtin": True}
    return case


def main():
    cases = []
    for path in sorted(WILD.glob("*/*.json")):
        file = str(path.relative_to(WILD))
        cases.append(case({"wild": file}, json.loads(path.read_text()), file, False))
    for number, (note, value) in enumerate(edges()):
        cases.append(case({"notification": value}, value, note, number < 40))
    chance = random.Random(11)
    for _ in range(150):
        value = tampered(chance)
        cases.append(case({"notification": value}, value, "random", False))
    for number, one in enumerate(cases, 1):
        one["id"] = f"ours/hibiscus/read_notification/{number:04}"
    lines = ",\n".join(json.dumps(one, sort_keys=True, separators=(",", ":")) for one in cases)
    target = pathlib.Path("tests/vectors/hibiscus/read_notification.json")
    target.write_text('{"function":"read_notification","release":"hibiscus","cases":[\n%s\n]}\n' % lines)
    refused = sum("error" in one for one in cases)
    print(f"{len(cases)} cases, {refused} refused")


if __name__ == "__main__":
    main()
