from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loyalty_site.demo.queue import prepare_demo
from operations.errors import Refusal


class Command(BaseCommand):
    help = (
        "Make a demo of an empty database: roles, one login per role, and the demo data as a job that a "
        "worker carries out. Where there are customers already, it does nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = prepare_demo()
        except Refusal as error:
            raise CommandError(str(error)) from error
        if job is None:
            self.stdout.write("There are customers already; nothing was done.")
        else:
            self.stdout.write(f"The demo data are loaded by job {job.pk}; the console shows how far it is.")
