"""Makes the input of the bench of `nova-usage-audit reconcile`: a cell database and the notifications of its servers.

    notifications.py cell COPIES DATABASE   writes the cell of `tests/cells/month`, with COPIES more of each server
    notifications.py lines COPIES MONTHS    prints one unversioned `exists` per server and month, month by month

The lines are those of the 50 servers that exist in October 2026 and of their copies, for MONTHS months until October.
"""

import json
import lzma
import pathlib
import sqlite3
import sys

CELL = pathlib.Path(__file__).parent.parent / "tests/cells/month"
TABLES = {"instances": "uuid", **dict.fromkeys(
    ["instance_extra", "instance_info_caches", "instance_system_metadata", "instance_metadata"], "instance_uuid")}


def copy_uuid(uuid, copy):
    return f"{uuid[:28]}{copy:08x}" if copy else uuid


def grow(database, copies):
    with lzma.open(CELL / "nova-cell.sqlite.xz") as packed:
        pathlib.Path(database).write_bytes(packed.read())
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA foreign_keys = OFF")
    for table, key in TABLES.items():
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})") if name not in ("id", key)]
        names = ", ".join(columns)
        connection.execute(
            f"WITH RECURSIVE copies(copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM copies WHERE copy < {copies}) "
            f"INSERT INTO {table} ({key}, {names}) SELECT substr({key}, 1, 28) || printf('%08x', copy), {names} "
            f"FROM (SELECT {key}, {names} FROM {table}), copies"
        )
    connection.commit()
    connection.close()


def month(number):
    year, month = divmod(number, 12)
    return f"{year}-{month + 1:02}-01 00:00:00"


def print_lines(copies, months):
    templates = []
    for line in (CELL / "nova-emitted.ndjson").read_text().splitlines():
        message = json.loads(line)["message"]
        if message["event_type"] != "compute.instance.exists":
            continue
        uuid = message["payload"]["instance_id"]
        message["message_id"] = "MESSAGE"
        message["payload"].update(instance_id="UUID", audit_period_beginning="BEGIN", audit_period_ending="END")
        text = json.dumps(message).replace("%", "%%")
        for name in ("BEGIN", "END", "MESSAGE", "UUID"):
            text = text.replace(f'"{name}"', f'"%({name})s"')
        templates.append((uuid, text + "\n"))
    last = 2026 * 12 + 9
    for number in range(last - months + 1, last + 1):
        values = {"BEGIN": month(number), "END": month(number + 1)}
        for copy in range(copies + 1):
            lines = []
            for index, (uuid, text) in enumerate(templates):
                values["UUID"] = copy_uuid(uuid, copy)
                values["MESSAGE"] = f"{number:08x}-0000-4000-8000-{copy * 256 + index:012x}"
                lines.append(text % values)
            sys.stdout.write("".join(lines))


command, copies, argument = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if command == "cell":
    grow(argument, copies)
else:
    print_lines(copies, int(argument))
