from typing import Any

from django.core.management.base import BaseCommand

from loyalty_site.roles import ensure_roles


class Command(BaseCommand):
    help = "Give the console's groups exactly their permissions. Run after an upgrade."

    def handle(self, *args: Any, **options: Any) -> None:
        for change in ensure_roles():
            self.stdout.write(
                f"{change.role.value}: {change.permissions} permissions, "
                f"{change.added} added, {change.removed} removed"
            )
