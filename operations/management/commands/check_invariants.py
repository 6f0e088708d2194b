"""Recompute every balance, use, budget and counter from the rows; exit 1 and name the first differences.

With --chain: look instead for rows of the ledger that were changed, removed or put in by hand, and name each.
"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.module_loading import import_string

from operations.invariants import invariants
from operations.services import check_invariants


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", nargs="+", default=[], metavar="KEY", help="Keys, or how they begin: coupons."
        )
        parser.add_argument("--list", action="store_true", help="Only name what would be checked.")
        parser.add_argument(
            "--chain", action="store_true", help="Recompute the chains of the ledger and its daily digests."
        )
        parser.add_argument(
            "--since", type=_day, metavar="DAY", help="With --chain: only what was recorded from this day on."
        )
        parser.add_argument(
            "--published",
            nargs="+",
            type=_digests,
            default=[],
            metavar="FILE",
            help="With --chain: digests somebody kept, as /.well-known/fidelio-ledger/DAY.json gave them.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["chain"]:
            return self._check_chains(options["since"], dict(options["published"]))
        if options["since"] or options["published"]:
            raise CommandError("--since and --published go with --chain.")
        titles = {one.key: str(one.title) for one in invariants()}
        if options["list"]:
            for key, title in titles.items():
                self.stdout.write(f"{key}: {title}")
            return
        run = check_invariants(at=timezone.now(), only=options["only"])
        differences = []
        for result in run.results.all():
            if result.holds:
                self.stdout.write(f"ok    {result.key} ({result.duration_ms} ms)")
                continue
            found = result.error or json.dumps(result.difference)
            self.stdout.write(self.style.ERROR(f"BROKEN {result.key}: {found}"))
            differences.append(f"{result.key}: {titles[result.key]} First difference: {found}")
        if not run.results.exists():
            raise CommandError("There is no invariant of this name.")
        if differences:
            raise CommandError("\n".join(differences))
        self.stdout.write(self.style.SUCCESS(f"All {run.held} invariants hold."))

    def _check_chains(self, since: date | None, published: dict[date, str]) -> None:
        begins = timezone.make_aware(datetime.combine(since, time.min)) if since else None
        found = 0
        for path in settings.CHAIN_CHECKS:
            for broken in import_string(path)(since=begins, published=published):
                self.stdout.write(self.style.ERROR(f"BROKEN {broken.what}"))
                found += 1
        if found:
            raise CommandError(f"The ledger was changed: {found} differences.")
        self.stdout.write(self.style.SUCCESS("The ledger is as it was written."))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a day like 2026-03-31.") from error


def _digests(path: str) -> tuple[date, str]:
    try:
        told = json.loads(Path(path).read_text())
        return date.fromisoformat(told["day"]), str(told["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArgumentTypeError(f"{path} holds no published digest.") from error
