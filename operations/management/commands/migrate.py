from typing import Any

from django.core.management.commands import migrate

from operations.migration_states import narrow_reloads


class Command(migrate.Command):
    """Django's own, without making two hundred models anew after each step."""

    def handle(self, *args: Any, **options: Any) -> None:
        with narrow_reloads():
            super().handle(*args, **options)
