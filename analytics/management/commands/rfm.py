"""Run RFM models, or verify that what is stored is what orders tell; `verify` exits 1 and says where not."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics import services
from analytics.models import RfmModel, RfmRun
from operations.errors import FidelioError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["run", "verify"])
        parser.add_argument("--model", help="The code of one model; without it, all of them.")
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to score as of, 2026-11-22; without it, today."
        )
        parser.add_argument(
            "--everybody",
            action="store_true",
            help="Read all orders, and put right what was stored otherwise.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        models = RfmModel.objects.order_by("pk")
        if options["model"]:
            models = models.filter(code=options["model"])
            if not models:
                raise CommandError(f"There is no RFM model {options['model']}.")
        (self._verify if options["action"] == "verify" else self._run)(models, options)

    def _run(self, models: Any, options: dict[str, Any]) -> None:
        as_of = options["as_of"] or timezone.localdate()
        refused = []
        promised = [RfmRun(model=model, as_of=as_of, checks=options["everybody"]) for model in models]
        with services.shared_readings(promised) as readings:
            for run in promised:
                try:
                    reading = readings.get(run.model_id)
                    self._say(services.run_rfm(run.model, as_of=as_of, run=run, reading=reading))
                except FidelioError as error:
                    refused.append(f"{run.model.code}: {error.message}")
                if run.differences:
                    refused.append(
                        f"{run.model.code}: {run.differences} customers were stored otherwise;"
                        " they are right now."
                    )
        if refused:
            raise CommandError("\n".join(refused))

    def _say(self, run: RfmRun) -> None:
        self.stdout.write(
            f"{run.model.code}, as of {run.as_of}: {run.population} customers, {run.reread} read,"
            f" {run.changed_rows} rows written, {run.moves} moves, {run.duration_ms} ms"
        )

    def _verify(self, models: Any, options: dict[str, Any]) -> None:
        broken = []
        for model in models:
            try:
                found = services.verify_rfm_model(model, at=timezone.now())
            except FidelioError as error:
                broken.append(f"{model.code}: {error.message}")
                continue
            if found.compared is None:
                self.stdout.write(f"{model.code}: nothing to compare before its next run")
            elif found.differences:
                broken += [f"{model.code}: {difference}" for difference in found.differences]
            else:
                self.stdout.write(
                    f"{model.code}, as of {found.as_of}: {found.compared} scores are what the orders tell"
                )
        if broken:
            raise CommandError("\n".join(broken))
