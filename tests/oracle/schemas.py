"""The columns of a cell database as one release of Nova makes it.

    python schemas.py > ../cells/schemas/2026.2.json

Needs a Python environment with the release, such as `nova==34.0.0`. Runs Nova's own `nova-manage db sync --local_cell` on a new
SQLite file and prints `{table: {column: type}}` of the tables that the SQL conductor uses.
"""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

TABLES = [
    "block_device_mapping",
    "bw_usage_cache",
    "instance_actions",
    "instance_actions_events",
    "instance_extra",
    "instance_faults",
    "instance_info_caches",
    "instance_metadata",
    "instance_system_metadata",
    "instances",
    "services",
    "share_mapping",
    "task_log",
    "volume_usage_cache",
]


def main():
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        database, settings = directory / "nova.sqlite", directory / "nova.conf"
        settings.write_text(f"[database]\nconnection = sqlite:///{database}\n[api_database]\nconnection = sqlite://\n")
        nova_manage = pathlib.Path(sys.executable).with_name("nova-manage")
        command = [nova_manage, "--config-file", settings, "db", "sync", "--local_cell"]
        subprocess.run(command, check=True, stdout=sys.stderr)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            columns = "SELECT name, type FROM pragma_table_info(?)"
            tables = {table: dict(connection.execute(columns, [table])) for table in TABLES}
    lines = [f" {json.dumps(table)}: {json.dumps(columns)}" for table, columns in tables.items() if columns]
    print("{", ",\n".join(lines), "}", sep="\n")


if __name__ == "__main__":
    main()
