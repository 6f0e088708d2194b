"""Run the benchmarks, print a table for each and write them into benchmarks/RESULTS.md: `make bench`.

Names choose some of them: `python -m benchmarks pages segments --customers 1000000 --orders 10000000`. Those
at size share one database; with `--here` it is the one that manage.py reaches, filled when it has no
synthetic data yet, and RESULTS.md is left alone.
"""

import argparse
import os
import platform
import subprocess
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from benchmarks.measurement import ROUNDS, Measurement, Size
from benchmarks.scratch import scratch_site, set_up_django

# Each in a process and a database of its own, but those at size together.
ALONE = [
    "engine",
    "rfm",
    "value",
    "kpis",
    "redeem",
    "codes",
    "gift_cards",
    "outbox",
    "journeys",
    "referrals",
    "tiers",
    "earning",
]
AT_SIZE = ["ingest", "imports", "identity", "segments", "pages", "placements"]
USUAL = Size(customers=20_000, orders=200_000)
RESULTS = Path(__file__).with_name("RESULTS.md")
# What follows was measured once on a large database and written by hand; it stays.
BY_HAND = "## At size"
HEAD = """\
# Benchmarks

Written by `make bench`. Every time is the median of {rounds} rounds in which all contenders take their turn
(of pages: the 95th percentile), beside its ratio to a floor measured in the same rounds: seconds belong to
the machine, ratios to the code. A target is a ratio; one in seconds is meant for a million customers.

{cores} cores ({machine}), Python {python}, PostgreSQL with the settings of `make run`.
"""


def main() -> None:
    options = _options()
    size = _size(options)
    if options.part:
        print(_sections(options.names, size, here=options.here))
        return
    chosen = options.names or ALONE + AT_SIZE
    groups = [[name] for name in ALONE if name in chosen]
    groups.append([name for name in AT_SIZE if name in chosen])
    sections = [_in_a_process(group, options) for group in groups if group]
    if not options.names and not options.here:
        head = HEAD.format(
            rounds=ROUNDS,
            cores=os.cpu_count(),
            machine=platform.machine(),
            python=platform.python_version(),
        )
        RESULTS.write_text("\n".join([head, *sections, _kept()]))


def _kept() -> str:
    _, heading, text = RESULTS.read_text().partition(BY_HAND)
    return heading + text


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALONE + AT_SIZE))
    parser.add_argument("--customers", type=int, help="20,000; of those alone, as they say themselves")
    parser.add_argument("--orders", type=int, help="ten for each customer")
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - {*ALONE, *AT_SIZE}:
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}.")
    return options


def _in_a_process(names: list[str], options: argparse.Namespace) -> str:
    """Run some benchmarks in a fresh process, show what they say, and return their tables."""
    size = [f"--{name}={value}" for name in ("customers", "orders") if (value := getattr(options, name))]
    here = ["--here"] if options.here else []
    command = [sys.executable, "-m", "benchmarks", *names, *size, *here, "--part"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    print(f"\n{done.stdout}", flush=True)
    return done.stdout


def _size(options: argparse.Namespace) -> Size | None:
    """Return the size that was asked for; each benchmark has one of its own."""
    if options.customers is None and options.orders is None:
        return None
    customers = options.customers or options.orders // 10
    return Size(customers, options.orders or customers * 10)


def _sections(names: list[str], size: Size | None, *, here: bool) -> str:
    sections = []
    with nullcontext() if here else scratch_site():
        if here:
            set_up_django()
        if set(names) & set(AT_SIZE):
            from benchmarks.population import ensure_population

            ensure_population(size or USUAL)
        for name in names:
            module = import_module(f"benchmarks.{name}")
            title = module.__doc__.strip().splitlines()[0]
            rows = module.measure(size) if size and hasattr(module, "SIZE") else module.measure()
            sections.append(f"## {title}\n\n{as_table(rows)}\n")
    return "\n".join(sections)


def as_table(measurements: list[Measurement]) -> str:
    """Return the measurements as a Markdown table."""
    rows = [["", "seconds", "ratio", "target", ""]]
    rows += [
        [one.name, _seconds(one.seconds), f"{one.ratio:.1f}", _target(one), one.note] for one in measurements
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds >= 1 else f"{seconds:.4f}"


def _target(one: Measurement) -> str:
    if one.limit is not None:
        return f"{one.limit:g} s"
    return f"{one.target:.1f}" if one.target else ""


if __name__ == "__main__":
    main()
