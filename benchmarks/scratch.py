"""A PostgreSQL of the benchmarks' own with an empty, migrated database; gone with the run."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loyalty_site.devserver.folder import short_temporary_folder
from loyalty_site.devserver.postgres import Postgres


@contextmanager
def scratch_site() -> Iterator[None]:
    """Start the server with the settings of `make run`, point Django at it and migrate."""
    folder = Path(tempfile.mkdtemp(prefix="fidelio-bench-", dir=short_temporary_folder()))
    folder.chmod(0o711)
    server = Postgres(folder / "postgres", folder, folder / "postgres.log")
    try:
        server.start()
        _set_up_django(server.url(), folder)
        yield
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _set_up_django(database_url: str, folder: Path) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": "redis+socket:///nowhere",
        "SECRET_KEY": "only for benchmarks",
        "FIDELIO_DATA": str(folder / "data"),
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
