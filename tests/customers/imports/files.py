"""Imports for tests: a file's content in, the finished run out."""

from django.core.files.uploadedfile import SimpleUploadedFile

from customers.imports.records import Options
from customers.models import Source
from customers.models.imports import ImportRun
from customers.services import imports
from operations.services import carry_out


def upload(
    content: str | bytes, *, kind: str = "customers", name: str = "people.csv", source: str = "crm"
) -> ImportRun:
    """Return a run whose file was detected and mapped by the names of its columns."""
    raw = content.encode() if isinstance(content, str) else content
    found, _created = Source.objects.get_or_create(code=source, defaults={"name": source})
    return imports.create_import(kind, source=found, file=SimpleUploadedFile(name, raw), owner=None)


def mapped(run: ImportRun, *, mode: str = "upsert", announce: bool = False, **changes) -> ImportRun:
    """Return the run with some of its options, columns (`mapping`) or `values` changed."""
    mapping = run.mapping | changes.pop("mapping", {})
    values = changes.pop("values", {})
    options = Options.of(run.options | changes)
    return imports.map_import(
        run, options=options, mapping=mapping, values=values, mode=mode, announce=announce
    )


def carried_out(run: ImportRun) -> ImportRun:
    """Import the file now and return the run."""
    return _done(imports.start_import(run, owner=None))


def checked(run: ImportRun) -> ImportRun:
    """Try the file now, taking everything back, and return the run."""
    return _done(imports.start_check(run, owner=None))


def imported(content: str | bytes, **fields) -> ImportRun:
    return carried_out(upload(content, **fields))


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    """Return created, updated, unchanged, rejected."""
    return tuple(run.report[name] for name in ("created", "updated", "unchanged", "rejected"))


def errors(run: ImportRun) -> list[str]:
    """Return the lines of the error file, without its header."""
    file = run.job.files.filter(code="errors").first()
    return file.file.read().decode("utf-8-sig").splitlines()[1:] if file else []


def _done(run: ImportRun) -> ImportRun:
    carry_out(run.job)
    run.refresh_from_db()
    return run
