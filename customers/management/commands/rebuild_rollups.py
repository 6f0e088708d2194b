from typing import Any

from django.core.management.base import BaseCommand

from customers.services.rollups import recount_rollups


class Command(BaseCommand):
    help = "Count every customer's totals again from the orders, while business goes on; repeat it at will."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"The totals of {recount_rollups()} customers are what their orders say.")
