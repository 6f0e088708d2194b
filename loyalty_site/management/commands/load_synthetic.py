from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from operations.errors import FidelioError


class Command(BaseCommand):
    help = (
        "Load invented customers and orders by the million, to measure at size: households, duplicates with "
        "typos, consents, two years of purchases. By COPY, in one transaction, indexes built at the end; "
        "nobody else can use the tables meanwhile. The same seed and day make the same data. "
        "1,000,000 customers with 10,000,000 orders take about 25 GB."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customers", type=int, default=50_000)
        parser.add_argument("--orders", type=int, default=500_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--until",
            type=datetime.fromisoformat,
            metavar="DAY",
            help="Where the two years end; default now.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # numpy and pyarrow take over a second to import: only who loads data waits for them.
        from loyalty_site.demo.progress import TerminalProgress
        from loyalty_site.synthetic.loading import load_synthetic
        from loyalty_site.synthetic.plan import Plan

        if options["customers"] < 1 or options["orders"] < 0:
            raise CommandError("There must be at least one customer, and no fewer than no orders.")
        until = options["until"] or timezone.now()
        plan = Plan(
            customers=options["customers"],
            orders=options["orders"],
            seed=options["seed"],
            until=until if until.tzinfo else timezone.make_aware(until),
        )
        progress = TerminalProgress(self.stdout)
        try:
            loaded = load_synthetic(plan, progress=progress)
        except FidelioError as error:
            raise CommandError(str(error)) from error
        progress.close()
        self.stdout.write(
            "{customers:,} customers, {orders:,} orders with {lines:,} lines, {events:,} events.".format(
                **asdict(loaded)
            )
        )
