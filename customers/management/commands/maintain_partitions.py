from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from customers.services.partitions import MONTHS_AHEAD, event_partitions, maintain_partitions


class Command(BaseCommand):
    help = "Make the events' months ahead, file late events, and drop the months that retention is over for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ahead", type=int, default=MONTHS_AHEAD, help="months to make ahead")
        parser.add_argument(
            "--keep-months",
            type=int,
            default=settings.EVENT_RETENTION_MONTHS,
            help="whole months of events to keep; all of them without (EVENT_RETENTION_MONTHS)",
        )
        parser.add_argument(
            "--keep-detached",
            action="store_true",
            help="leave the tables of dropped months as detached_..., to be archived by you",
        )
        parser.add_argument("--list", action="store_true", help="only list the months there are")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["list"]:
            done = maintain_partitions(
                at=timezone.now(),
                ahead=max(0, options["ahead"]),
                keep_months=options["keep_months"],
                drop=not options["keep_detached"],
            )
            for label, months in (
                ("made", done.created),
                ("detached" if options["keep_detached"] else "dropped", done.detached),
                ("kept, because events of it wait for a subscriber", done.waiting),
            ):
                for month in months:
                    self.stdout.write(f"{month:%Y-%m} {label}")
            self.stdout.write(f"{done.filed} late events filed")
        for partition in event_partitions():
            self.stdout.write(f"{partition.month:%Y-%m} {partition.table} about {partition.rows} events")
