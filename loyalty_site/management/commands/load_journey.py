from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from operations.errors import FidelioError
from operations.models import JobRun


class Command(BaseCommand):
    help = (
        "Load the Complete Journey: the purchases of 2,469 households in one year, under invented names. "
        "All of it or nothing; refused where it is already loaded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-is", action="store_true", help="Leave the year in 2017.")
        parser.add_argument("--job", type=int, help="Show the progress in this queued job.")
        parser.add_argument(
            "--sample", type=int, default=1, metavar="N", help="Load every N-th household only."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # pandas takes over a second to import: only who loads data waits for it.
        from loyalty_site.demo.job import run_job
        from loyalty_site.demo.journey import loading
        from loyalty_site.demo.journey.dataset import Dataset, DatasetMissing
        from loyalty_site.demo.progress import Progress, TerminalProgress

        at = timezone.now()
        dataset = Dataset(sample=options["sample"])

        def work(progress: Progress) -> dict[str, int]:
            progress.expect(loading.records(dataset))
            calendar = loading.choose_calendar(dataset, as_is=options["as_is"], at=at)
            return asdict(loading.load_journey(dataset, calendar=calendar, progress=progress, at=at))

        try:
            loading.refuse_second_load()
            if options["job"]:
                loaded = run_job(self._job(options["job"]), work)
            else:
                progress = TerminalProgress(self.stdout)
                loaded = work(progress)
                progress.close()
        except (FidelioError, DatasetMissing) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            "{customers:,} customers, {orders:,} orders with {lines:,} lines, {products:,} products, "
            "{stores:,} stores; moved by {weeks} weeks.".format(**loaded)
        )

    def _job(self, pk: int) -> JobRun:
        try:
            return JobRun.objects.get(pk=pk)
        except JobRun.DoesNotExist as error:
            raise CommandError(f"There is no job {pk}.") from error
