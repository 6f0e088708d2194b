from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations.models import ApiClient
from operations.models.client import Scope


class Command(BaseCommand):
    help = "Create an API client and print its key once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values, dest="scopes")
        parser.add_argument(
            "--partner", default="", metavar="SOURCE", help="the source of a coalition partner"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _, key = ApiClient.objects.create_key(
            name=options["name"], scopes=options["scopes"], partner_source=options["partner"]
        )
        self.stderr.write("Keep this key; it is not shown again.")
        self.stdout.write(key)
