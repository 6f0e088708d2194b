from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.errors import FidelioError


class Command(BaseCommand):
    help = (
        "Remove the demo data and what was tried out on them: customers, orders, promotions, campaigns, "
        "segments, models and jobs. Staff, roles, API clients and schedules stay. Only in a demo."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Really do it.")
        parser.add_argument(
            "--everything", action="store_true", help="Also where there are customers of other sources."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from loyalty_site.demo.removal import remove_demo  # pandas: only who needs it waits for it.

        if not options["yes"]:
            raise CommandError("This removes all customers and everything about them. Say --yes to do it.")
        try:
            removed = remove_demo(everything=options["everything"])
        except FidelioError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{removed.customers:,} customers and {removed.orders:,} orders removed.")
