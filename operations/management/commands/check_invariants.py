"""Recompute every balance, use, budget and counter from the rows; exit 1 and name the first differences."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from operations.invariants import invariants
from operations.services import check_invariants


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", nargs="+", default=[], metavar="KEY", help="Keys, or how they begin: coupons."
        )
        parser.add_argument("--list", action="store_true", help="Only name what would be checked.")

    def handle(self, *args: Any, **options: Any) -> None:
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
