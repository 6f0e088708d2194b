"""Bring the site up to date before its processes start, in one process: starting Django costs the most.

`python -m loyalty_site.devserver.preparation FILE` writes the demo logins into FILE, if there are any.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def main(logins_file: Path) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("compile_catalogues")
    with collecting_static_files():
        call_command("migrate", interactive=False)
    call_command("sync_roles")
    if os.environ.get("DEMO", "1") != "0" and settings.ENVIRONMENT == "demo":
        prepare_demo(logins_file)


@contextmanager
def collecting_static_files() -> Iterator[None]:
    """Meanwhile, on the other core; a fork, as Django is loaded and no connection is open yet."""
    collector = multiprocessing.get_context("fork").Process(target=collect_static_files)
    collector.start()
    try:
        yield
    finally:
        collector.join()
    if collector.exitcode != 0:
        raise SystemExit("Collecting the static files failed.")


def collect_static_files() -> None:
    """Only when a file came, went or changed since the last time."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT, ".sources")
    now = fingerprint_of_static_files()
    if stamp.exists() and stamp.read_text() == now:
        return
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(now)


def fingerprint_of_static_files() -> str:
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            status = os.stat(storage.path(path))
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepare_demo(logins_file: Path) -> None:
    """Load the demo into a database nobody has used yet, and note who can log in."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if not get_user_model().objects.exists():
        call_command("prepare_demo")
    with logins_file.open("w") as output:
        call_command("demo_logins", stdout=output)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
