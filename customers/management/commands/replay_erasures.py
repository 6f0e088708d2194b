from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from customers.services import replay_ledger


class Command(BaseCommand):
    help = "After a dump was restored: erase again everybody who was erased since it was made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="ledger", type=Path, default=Path(settings.ERASURE_LEDGER))

    def handle(self, *args: Any, ledger: Path, **options: Any) -> None:
        try:
            erased = replay_ledger(ledger, at=timezone.now())
        except FileNotFoundError as error:
            raise CommandError(f"There is no erasure ledger at {ledger}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{ledger} is no erasure ledger.") from error
        self.stdout.write(f"{erased} customers erased again.")
