"""Work a contest out again: from the database, or from the notary's file alone."""

import csv
import json
import zipfile
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loyalty.drawing import Line
from loyalty.models import Draw
from loyalty.services.verification import Check, verify_contest, verify_drawing


class Command(BaseCommand):
    help = "Checks that a contest's seed, list and winners agree with what was published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", nargs="?", help="the contest's code")
        parser.add_argument("--file", help="the ZIP of the notary instead of the database")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["code"]) == bool(options["file"]):
            raise CommandError("Give the contest's code, or --file.")
        checks = _of_file(options["file"]) if options["file"] else _of_contest(options["code"])
        for check in checks:
            self.stdout.write(f"{'yes' if check.holds else 'NO '}  {check.title} {check.found}".rstrip())
        if not all(check.holds for check in checks):
            raise CommandError("What was published does not agree.")


def _of_contest(code: str) -> list[Check]:
    draw = Draw.objects.filter(code=code).first()
    if draw is None:
        raise CommandError("There is no such contest.")
    checks = verify_contest(draw)
    if not checks:
        raise CommandError("The contest is not over: its seed is still secret.")
    return checks


def _of_file(path: str) -> list[Check]:
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("contest.json"))
            rows = list(csv.reader(archive.read("list.csv").decode().splitlines()[1:], delimiter=";"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CommandError(f"This is not the file of a contest: {error}") from error
    if facts["kind"] != Draw.Kind.PRIZE_DRAW or not facts["seed"]:
        raise CommandError("The file is not of a prize draw that is over.")
    return verify_drawing(
        [Line(receipt, int(entries)) for receipt, entries in rows],
        [winner["receipt"] for winner in sorted(facts["winners"], key=lambda winner: winner["rank"])],
        commitment=facts["commitment"],
        digest=facts["digest"],
        seed=facts["seed"],
        beacon=(facts["public_number"] or {}).get("value", ""),
    )
