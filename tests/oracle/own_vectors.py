"""Writes the vectors of our own, which `tests/vectors/README.md` describes: run it from the root of the repository."""

import json
import uuid

NAMESPACE = uuid.UUID("7d0f3a52-5c0e-5e0b-9d8e-3a1f5c6b7e21")


def message_id(*parts):
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))



def write(release, function, cases):
    for n, case in enumerate(cases, 1):
        case["id"] = f"ours/{release}/{function}/{n:04}"
    lines = ",\n".join(json.dumps(c, sort_keys=True, separators=(",", ":")) for c in cases)
    with open(f"tests/vectors/{release}/{function}.json", "w") as f:
        f.write('{"function":"%s","release":"%s","cases":[\n%s\n]}\n' % (function, release, lines))
OCT = ("2026-10-01T00:00:00.000000", "2026-11-01T00:00:00.000000")
U = "48b988aa-afe1-4664-8307-784d3a2daad0"
E = "compute.instance.exists"
ids = [
    (E, "cmp-01", OCT, U),
    ("instance.exists", "cmp-01", OCT, U),
    (E, "cmp-01", ("2026-10-13T06:00:00.000000", "2026-10-14T06:00:00.000000"), U),
    (E, "cmp-01", ("2013-05-15T10:00:00.000000", "2013-05-15T11:00:00.000000"), "0" * 8 + "-0000-0000-0000-" + "0" * 12),
    (E, "cmp-01", ("2012-02-29T23:59:59.999999", "2012-03-01T00:00:00.000001"), U),
    (E, "cmp-01", ("0001-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999"), U),
    (E, "cmp-01", OCT, ""),
    (E, "", OCT, U),
    ("", "", OCT, ""),
    (E, "cmp-01.rack7.example.org", OCT, U),
    (E, "CMP-01", OCT, U),
    (E, "cmp/01", OCT, U),
    (E, " cmp 01\t", OCT, U),
    (E, "cmp-01\n", OCT, U),
    (E, "a\u0000b", OCT, U),
    (E, "r\u00e9my-\u00fc\u00df", OCT, U),
    (E, "re\u0301my", OCT, U),
    (E, "\u8a08\u7b97\u6a5f-\u0661\u0662", OCT, U),
    (E, "\U0001f5a5\ufe0f\U0001d54f", OCT, U),
    (E, "h" * 255, OCT, U.upper()),
]
assert len(ids) == 20
for release in ("grizzly", "hibiscus"):
    write(release, "deterministic_message_id", [
        {"args": {"event_type": e, "host": h, "window": {"begin": b, "end": f}, "instance_uuid": u},
         "expect": message_id(release, e, h, b, f, u)} for e, h, (b, f), u in ids])


def retry(release, host, count, refused, again=()):
    """A finished audit with refused notifications, and its retry, in which some are refused again."""
    uuids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{host}-{n}")) for n in range(count)]
    sent = lambda which: [message_id(release, E, host, *OCT, uuids[n]) for n in which]
    task_log = lambda errors: {"errors": errors, "message": f"Instance usage audit ran for host {host}, {count} instances in 0.0 seconds."}
    refusals = lambda which: {uuids[n]: {"type": "MessageUndeliverable"} for n in which}
    return {
        "args": {"host": host, "retry_failed": True}, "now": "2026-11-01T00:17:03.000000",
        "config": {"instance_usage_audit_period": "month", "notifications.notification_format": "unversioned"},
        "host": {"instances": [{"uuid": u, "host": host} for u in uuids], "failing_batch": None,
                 "refused": refusals(refused), "refused_again": refusals(again)},
        "expect": {"interrupted": {"message_ids": sent(range(count)), "error": None, "task_log": task_log(len(refused))},
                   "continued": {"message_ids": sent(refused), "position": None, "task_log": task_log(len(again))}}}


def audit(release, host, count, failing_batch, refused=(), give_up=False, format="unversioned"):
    uuids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{host}-{n}")) for n in range(count)]
    events = {"unversioned": [E], "both": [E, "instance.exists"]}[format]
    sent = lambda which: [message_id(release, e, host, *OCT, u) for u in which for e in events]
    done = failing_batch * 2
    config = {"instance_usage_audit_period": "month", "notifications.notification_format": format}
    if give_up:
        message = f"Instance usage audit stopped for host {host}, {done} of {count} instances: the operator gave it up"
        failed = sum(n < done for n in refused) + count - done
        continued = {"message_ids": [], "position": None, "task_log": {"errors": failed, "message": message}}
    else:
        message = f"Instance usage audit ran for host {host}, {count} instances in 0.0 seconds."
        continued = {"message_ids": sent(uuids[done:]), "position": str(done * len(events)),
                     "task_log": {"errors": len(refused), "message": message}}
    interrupted = {"message_ids": sent(uuids[:done + 2]), "error": "IOError", "task_log": None}
    return {
        "args": {"host": host, "give_up" if give_up else "resume": True}, "config": config, "now": "2026-11-01T00:17:03.000000",
        "host": {"instances": [{"uuid": u, "host": host} for u in uuids], "failing_batch": failing_batch,
                 "refused": {uuids[n]: {"type": "MessageUndeliverable"} for n in refused}},
        "expect": {"interrupted": interrupted, "continued": continued}}


for release in ("grizzly", "hibiscus"):
    cases = [audit(release, "cmp-01", 5, 1), audit(release, "r\u00e9my/01", 6, 2, refused=(0, 3, 5)),
             audit(release, "cmp-02", 3, 0, refused=(1,)), audit(release, "cmp-03", 7, 1, refused=(1, 4), give_up=True),
             retry(release, "cmp-04", 5, refused=(0, 3)), retry(release, "cmp-05", 6, refused=(1, 2, 5), again=(2,))]
    write(release, "continued_instance_usage_audit", cases)
