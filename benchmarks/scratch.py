"""A PostgreSQL and a Valkey of the benchmarks' own with an empty, migrated database; gone with the run."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loyalty_site.devserver.folder import short_temporary_folder
from loyalty_site.devserver.postgres import Postgres
from loyalty_site.devserver.valkey import Valkey


@contextmanager
def scratch_site() -> Iterator[None]:
    """Start the servers with the settings of `make run`, point Django at them and migrate."""
    folder = Path(tempfile.mkdtemp(prefix="fidelio-bench-", dir=short_temporary_folder()))
    folder.chmod(0o711)
    postgres = Postgres(folder / "postgres", folder, folder / "postgres.log")
    valkey = Valkey(folder / "valkey", folder, folder / "valkey.log")
    try:
        postgres.start()
        valkey.start()
        os.environ |= {
            "DATABASE_URL": postgres.url(),
            "CELERY_BROKER_URL": valkey.broker_url(),
            "SECRET_KEY": "only for benchmarks",
            "FIDELIO_DATA": str(folder / "data"),
        }
        set_up_django()
        yield
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def set_up_django() -> None:
    """Use the services of the environment, and migrate."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "loyalty_site.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
