"""Files on their way in: uploaded, mapped, checked, imported in portions, each portion one transaction.

A portion's records, its place in the journal and the position in the file are committed together, so that an
import that was killed goes on exactly behind the last portion.
"""

import hashlib
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.imports.detection import detect
from customers.imports.kinds import KINDS
from customers.imports.plan import Draft, Plan, guess_mapping
from customers.imports.readers import read_columns, read_records
from customers.imports.records import Options, UnreadableFile
from customers.imports.report import ErrorFile, Report
from customers.models import Source
from customers.models.imports import UNDO_WITHIN, UPLOADS_KEPT, ImportedRow, ImportMapping, ImportRun
from customers.services.portions import take_portion
from operations.errors import FidelioError, InvalidInput, Refusal
from operations.models import ApiClient, JobRun, User
from operations.services import advance_job, cancel_job, keep_file, promise_job
from operations.services.jobs import JobCancelled

PORTION = 2000
MAXIMUM_BYTES = 200 * 1024 * 1024
SECONDS_BETWEEN_SIGNS = 0.5
Status = ImportRun.Status


class ImportNotPossible(Refusal):
    key = "import_not_possible"
    message = gettext_lazy("This import is at work or done; its file cannot be read again.")


def create_import(kind: str, *, source: Source, file: UploadedFile, owner: User | None) -> ImportRun:
    """Keep an uploaded file and find out how it is written and what its columns hold.

    Raises UnreadableFile for what is no list of records, which is then not kept.
    """
    if file.size > MAXIMUM_BYTES:
        raise UnreadableFile.at(
            "", _("A file may have %(size)d MB at most.") % {"size": MAXIMUM_BYTES // 1024 // 1024}
        )
    digest = hashlib.sha256()
    for block in file.chunks():
        digest.update(block)
    run = ImportRun(kind=kind, source=source, size=file.size, owner=owner, digest=digest.hexdigest())
    run.file_name = Path(file.name).name[-200:]
    run.upload.save(file.name, file, save=False)
    try:
        remembered = ImportMapping.objects.filter(source=source, kind=kind).first()
        options = detect(path_of(run))
        if remembered and remembered.options.get("kind") == options.kind:
            options = _habits(options, Options.of(remembered.options))
        columns = read_columns(path_of(run), options)
    except FidelioError:
        run.upload.delete(save=False)
        raise
    run.options = options.stored()
    run.mapping = guess_mapping(KINDS[kind], columns, remembered.mapping if remembered else None)
    run.values = remembered.values if remembered else {}
    run.save()
    return run


def _habits(options: Options, before: Options) -> Options:
    """Return what this file says of itself, with what nothing in it tells as it was the last time."""
    return Options.of(options.stored() | {"minor_units": before.minor_units, "clear": before.clear})


def map_import(
    run: ImportRun,
    *,
    options: Options,
    mapping: dict[str, str],
    values: dict[str, Any],
    mode: str,
    announce: bool,
) -> ImportRun:
    """Say how the file is to be read; remembered for the next one of its source.

    Raises ImportNotPossible once it is at work or done.
    """
    with transaction.atomic():
        run = _open(run)
        run.options, run.mapping, run.values = options.stored(), mapping, values
        run.mode, run.announce, run.status, run.checked = mode, announce, Status.DRAFT, None
        run.save()
        ImportMapping.objects.update_or_create(
            source=run.source,
            kind=run.kind,
            defaults={"mapping": mapping, "values": values, "options": run.options},
        )
    return run


def start_check(run: ImportRun, *, owner: User | None, client: ApiClient | None = None) -> ImportRun:
    """Promise a dry run: everything is tried and taken back. Raises ImportNotPossible, InvalidInput."""
    return _start(run, "import.check", Status.CHECKING, owner=owner, client=client)


def start_import(run: ImportRun, *, owner: User | None, client: ApiClient | None = None) -> ImportRun:
    """Promise the import itself. Raises ImportNotPossible, InvalidInput (a required field is not mapped)."""
    return _start(run, "import", Status.RUNNING, owner=owner, client=client)


def _start(
    run: ImportRun, kind: str, status: str, *, owner: User | None, client: ApiClient | None
) -> ImportRun:
    with transaction.atomic():
        run = _open(run)
        missing = plan_of(run).missing()
        if missing:
            names = ", ".join(str(one.label) for one in missing)
            raise InvalidInput.at("", _("Say which column holds: %(names)s.") % {"names": names})
        run.status, run.position, run.report = status, 0, {}
        run.started_at = run.finished_at = run.undone_at = None
        run.job = promise_job(
            kind,
            title=run.file_name,
            owner=owner,
            client=client,
            total=_lines(run),
            parameters={"import": run.pk},
        )
        run.save()
    return run


def _open(run: ImportRun) -> ImportRun:
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if not run.is_open:
        raise ImportNotPossible
    return run


def cancel_import(run: ImportRun) -> None:
    """Stop it after the portion in hand; one that no worker has taken yet is as it was before."""
    cancel_job(run.job)
    if run.job.status == JobRun.Status.CANCELLED:
        ImportRun.objects.filter(pk=run.pk, status__in=[Status.CHECKING, Status.RUNNING]).update(
            status=Status.DRAFT
        )


def path_of(run: ImportRun) -> Path:
    """Return where the upload is. Raises UnreadableFile when it was deleted, as an erasure may do."""
    path = Path(run.upload.path) if run.upload else None
    if path is None or not path.exists():
        raise UnreadableFile.at("", _("The file was deleted. Upload it again."))
    return path


def plan_of(run: ImportRun) -> Plan:
    """Return how this import's records become items."""
    marks = {"import": run.pk, "file": run.file_name}
    options = Options.of(run.options)
    return Plan(KINDS[run.kind], run.source.code, options, run.mapping, run.values, marks)


def _lines(run: ImportRun) -> int | None:
    """Return how many lines a text file has; a workbook does not say before it is read."""
    if run.options.get("kind") == "xlsx":
        return None
    with path_of(run).open("rb") as file:
        return max(1, sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")))


def check_import(job: JobRun) -> dict[str, Any]:
    """Carry a dry run out: each portion is written and rolled back, and the report kept."""
    with _in_the_language_of(job.owner):
        return _work(job, dry=True)


def run_import(job: JobRun) -> dict[str, Any]:
    """Carry an import out, or go on with one whose process was killed."""
    with _in_the_language_of(job.owner):
        return _work(job, dry=False)


def _in_the_language_of(owner: User | None) -> AbstractContextManager[None]:
    """Whoever reads the report and the error file reads them in their own language."""
    return translation.override((owner.language if owner else "") or settings.LANGUAGE_CODE)


def _work(job: JobRun, *, dry: bool) -> dict[str, Any]:
    run = ImportRun.objects.select_related("source").get(pk=job.parameters["import"])
    if not dry and run.started_at is None:
        run.started_at = timezone.now()
        run.save(update_fields=["started_at"])
    if dry:
        run.position, run.report = 0, {}
    try:
        _read_all(run, job, dry=dry)
    except (OperationalError, InterfaceError):
        raise
    except JobCancelled:
        _end(run, job, Status.DRAFT if dry else Status.STOPPED, dry=dry)
        raise
    except Exception as error:
        sentence = str(error.message) if isinstance(error, FidelioError) else ""
        run.report = run.report | {"error": sentence or _("The import stopped because of a defect.")}
        _end(run, job, Status.STOPPED if run.position and not dry else Status.FAILED, dry=dry)
        raise
    _end(run, job, Status.CHECKED if dry else Status.DONE, dry=dry)
    return Report.of(run.report).counts()


def _read_all(run: ImportRun, job: JobRun, *, dry: bool) -> None:
    plan, path = plan_of(run), path_of(run)
    report = Report.of(run.report)
    records = read_records(path, plan.options)
    sign = 0.0
    with ErrorFile(_errors_path(run), size=report.error_bytes) as errors:
        try:
            for portion in _portions_ahead(plan.drafts(records, after=run.position)):
                report = take_portion(run, plan, portion, report, errors, dry=dry)
                if time.monotonic() - sign > SECONDS_BETWEEN_SIGNS:
                    advance_job(job, done=run.position)
                    sign = time.monotonic()
        finally:
            run.report = run.report | report.stored()
    advance_job(job, done=job.total or run.position)


def _portions_ahead(drafts: Generator[Draft, None, None]) -> Iterator[list[Draft]]:
    """Yield portions, each read and checked by another thread while the database is busy with the one before.

    All the reading is that thread's, and so is the end of it; it speaks the language of this one.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="import") as reader:

        def read() -> Future[list[Draft]]:
            return reader.submit(copy_context().run, lambda: list(islice(drafts, PORTION)))

        try:
            coming = read()
            while portion := coming.result():
                coming = read()
                yield portion
        finally:
            reader.submit(drafts.close)


def _errors_path(run: ImportRun) -> Path:
    return Path(run.upload.path).with_suffix(".errors")


def _end(run: ImportRun, job: JobRun, status: str, *, dry: bool) -> None:
    errors = _errors_path(run)
    if Report.of(run.report).rejected and errors.exists():
        name = f"{Path(run.file_name).stem[:150]}-errors.csv"
        keep_file(job, errors, code="errors", name=name, content_type="text/csv; charset=utf-8")
    errors.unlink(missing_ok=True)
    run.status = status
    if dry:
        run.checked, run.position = run.report, 0
    else:
        run.finished_at = timezone.now()
    run.save(update_fields=["status", "checked", "position", "report", "finished_at"])


def forget_imports(*, at: datetime) -> int:
    """Delete uploads nobody needs any more, and what undoing would have needed; return how many files."""
    late = ImportRun.objects.filter(finished_at__lt=at - UNDO_WITHIN)
    ImportedRow.objects.filter(run__in=late).delete()
    outdated = late | ImportRun.objects.filter(created_at__lt=at - UPLOADS_KEPT)
    forgotten = 0
    for run in outdated.with_upload():
        if not run.is_busy:
            _errors_path(run).unlink(missing_ok=True)
            run.upload.delete(save=True)
            forgotten += 1
    return forgotten
