"""Run every benchmark, print a table and write it into benchmarks/RESULTS.md: `make bench`."""

import os
import platform
from importlib import import_module
from pathlib import Path

from benchmarks.measurement import ROUNDS, Measurement
from benchmarks.scratch import scratch_site

SCRIPTS = ["rfm", "redeem"]
RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """\
# Benchmarks

Written by `make bench`. Every time is the median of {rounds} rounds in which all contenders take their turn,
beside its ratio to a floor measured in the same rounds: seconds belong to the machine, ratios to the code.

{cores} cores ({machine}), Python {python}, PostgreSQL {postgres} with the settings of `make run`.
"""


def main() -> None:
    sections = []
    with scratch_site():
        head = HEAD.format(
            rounds=ROUNDS,
            cores=os.cpu_count(),
            machine=platform.machine(),
            python=platform.python_version(),
            postgres=_postgres_version(),
        )
        for script in SCRIPTS:
            module = import_module(f"benchmarks.{script}")
            table = as_table(module.measure())
            title = module.__doc__.strip().splitlines()[0]
            print(f"\n{title}\n\n{table}")
            sections.append(f"## {title}\n\n{table}\n")
    RESULTS.write_text("\n".join([head, *sections]))


def as_table(measurements: list[Measurement]) -> str:
    """Return the measurements as a Markdown table."""
    rows = [["", "seconds", "ratio", "target", ""]]
    rows += [
        [
            one.name,
            f"{one.seconds:.2f}",
            f"{one.ratio:.1f}",
            f"{one.target:.1f}" if one.target else "",
            one.note,
        ]
        for one in measurements
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _postgres_version() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return cursor.fetchone()[0].split()[0]


if __name__ == "__main__":
    main()
