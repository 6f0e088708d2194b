"""Codes out of a file: read by a job, in portions that each commit with the line they end on.

A line that cannot be taken is refused by name in an error file, the others are imported. A code that the
promotion has already is left as it is, so that the same file twice changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from coupons.code_lines import CodeLine, name_columns, read_line
from coupons.models import CodeBatch, Coupon, Promotion
from coupons.services.batches import batch_template, held_batch
from coupons.services.coupons import Terms, check_issuable, open_batch
from customers.imports.detection import detect
from customers.imports.readers import read_columns, read_records
from customers.imports.records import FileKind, Options, Record, UnreadableFile
from customers.imports.report import ErrorFile
from customers.models import Identity, Namespace
from customers.services.locks import lock_live_customers
from operations.models import JobFile, JobRun
from operations.services import advance_job, keep_file, promise_job

PORTION = 5_000
MAXIMUM_BYTES = 200 * 1024 * 1024
IMPORT, UPLOAD, ERRORS = "coupons.import", "upload", "errors"


def import_codes(promotion: Promotion, *, file: UploadedFile | File, at: datetime, **terms: Any) -> JobRun:
    """Promise the codes of a CSV or XLSX file; `terms` (fields of `Terms`) hold where a line is silent.

    A text without a heading `code` is one code per line. Raises UnreadableFile, PromotionHasNoCoupon,
    PromotionStopped, CouponExpired, InvalidInput.
    """
    wished = Terms(**terms)
    check_issuable(promotion, at=at)
    if file.size > MAXIMUM_BYTES:
        raise UnreadableFile.at("", _("A file may have 200 MB at most."))
    name = Path(file.name or "codes.csv").name[-200:]
    with transaction.atomic():
        batch = open_batch(
            promotion, wished, origin=CodeBatch.Origin.IMPORTED, wanted=None, at=at, file_name=name
        )
        batch.job = job = promise_job(
            IMPORT,
            title=(_("Codes for %(promotion)s: %(file)s") % {"promotion": promotion.name, "file": name})[
                :200
            ],
            owner=wished.issued_by,
            client=wished.client,
            parameters={"batch": batch.pk, "language": translation.get_language()},
        )
        batch.save(update_fields=["job"])
        upload = JobFile(job=job, code=UPLOAD, name=name, content_type="application/octet-stream")
        upload.file.save(UPLOAD, file, save=True)
        try:
            options, columns, headed = _layout(Path(upload.file.path))
        except Exception:
            upload.file.delete(save=False)
            raise
        job.parameters |= {"options": options.stored(), "columns": columns, "headed": headed}
        job.total = _count_lines(Path(upload.file.path), options)
        job.save(update_fields=["parameters", "total"])
    return job


def read_codes(job: JobRun) -> dict[str, Any]:
    """Keep the promise of a queued import; after a kill it goes on behind the last portion."""
    batch = CodeBatch.objects.select_related("promotion").get(job=job)
    path = Path(job.files.get(code=UPLOAD).file.path)
    options, columns = Options.of(job.parameters["options"]), job.parameters["columns"]
    errors_path = path.with_suffix(".errors")
    with translation.override(job.parameters.get("language")):
        with ErrorFile(errors_path, size=batch.error_bytes) as errors:
            records = _records(job, path, after=batch.place)
            zone = batch.promotion.time_zone
            lines = (read_line(record, columns, options, zone=zone) for record in records)
            while portion := list(islice(lines, PORTION)):
                batch = _take(batch, portion, errors, at=timezone.now())
                advance_job(job, done=batch.place)
        if batch.rejected:
            name = f"{Path(batch.file_name).stem[:150]}-errors.csv"
            keep_file(job, errors_path, code=ERRORS, name=name, content_type="text/csv; charset=utf-8")
    errors_path.unlink(missing_ok=True)
    forget_upload(job)
    return {"issued": batch.made, "unchanged": batch.unchanged, "rejected": batch.rejected}


def forget_upload(job: JobRun) -> None:
    """Delete the file that was read: what it held stands in the codes."""
    for upload in job.files.filter(code=UPLOAD):
        upload.file.delete(save=False)
        upload.delete()


def _layout(path: Path) -> tuple[Options, dict[str, str], bool]:
    """Return how the file is written, what its columns hold, and whether they are headed at all."""
    options = detect(path)
    columns = read_columns(path, options)
    named = name_columns(columns)
    if "code" in named:
        return options, named, True
    if options.kind == FileKind.CSV and len(columns) == 1:
        return options, {"code": columns[0]}, False
    raise UnreadableFile.at("", _("No column is headed `code`."))


def _records(job: JobRun, path: Path, *, after: int) -> Iterator[Record]:
    """Yield the records behind a line; the heading of a bare list is a code, too."""
    if not job.parameters["headed"] and not after:
        column = job.parameters["columns"]["code"]
        yield Record(1, {column: column}, column)
    yield from read_records(path, Options.of(job.parameters["options"]), after=after)


def _count_lines(path: Path, options: Options) -> int | None:
    if options.kind == FileKind.XLSX:
        return None
    with path.open("rb") as file:
        return max(1, sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")))


def _take(batch: CodeBatch, lines: list[CodeLine], errors: ErrorFile, *, at: datetime) -> CodeBatch:
    with transaction.atomic():
        _find_holders(lines)
        batch = held_batch(batch, at=at)
        made, unchanged = _write(batch, lines)
        refused = [line for line in lines if line.mistake]
        batch.made += made
        batch.unchanged += unchanged
        batch.rejected += len(refused)
        batch.place = lines[-1].line
        batch.error_bytes = errors.add(refused)
        batch.save(update_fields=["made", "unchanged", "rejected", "place", "error_bytes"])
    return batch


def _find_holders(lines: list[CodeLine]) -> None:
    """Tell each line whose e-mail it names, and keep those people from being merged meanwhile."""
    emails = {line.email for line in lines if line.email and not line.mistake}
    if not emails:
        return
    identities = Identity.objects.filter(namespace=Namespace.EMAIL, value__in=emails, shared=False)
    owners = dict(identities.values_list("value", "customer"))
    live = lock_live_customers(owners.values(), shared=True)
    for line in lines:
        if line.email and not line.mistake:
            if line.email in owners:
                line.holder = live[owners[line.email]].pk
            else:
                line.mistake = ("email", _("Nobody is known under this e-mail address."))


def _write(batch: CodeBatch, lines: list[CodeLine]) -> tuple[int, int]:
    """Make coupons of the good lines; return how many codes are new and how many the promotion had."""
    good: dict[str, CodeLine] = {}
    for line in lines:
        if not line.mistake:
            _complete(line, batch)
        if not line.mistake and line.canonical in good:
            line.mistake = ("twice", _("This code stands in the file twice."))
        if not line.mistake:
            good[line.canonical] = line
    made = _insert(batch, list(good.values())) if good else set()
    skipped = [line for canonical, line in good.items() if canonical not in made]
    return len(made), _explain(skipped, batch)


def _complete(line: CodeLine, batch: CodeBatch) -> None:
    """Take from the batch where the line is silent."""
    line.max_uses = None if line.unlimited else line.max_uses or batch.max_uses
    line.valid_from = line.valid_from or batch.valid_from
    line.valid_until = line.valid_until or batch.valid_until
    line.holder = line.holder or batch.holder_id
    if line.valid_from and line.valid_until and line.valid_until <= line.valid_from:
        line.mistake = ("valid_until", _("A coupon ends after it starts."))


def _insert(batch: CodeBatch, lines: list[CodeLine]) -> set[str]:
    """Copy the lines into a table of this transaction, and from there those nobody has into the coupons."""
    template = batch_template(batch)
    fields = [f for f in Coupon._meta.concrete_fields if not f.primary_key and f.column not in OWN_COLUMNS]
    shared = [f.get_db_prep_save(f.pre_save(template, True), connection) for f in fields]
    columns = "".join(f', "{f.column}"' for f in fields)
    values = "".join([", %s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(INCOMING)
        with cursor.copy("COPY incoming_codes FROM STDIN") as copy:
            for one in lines:
                person = (one.holder, one.holder is not None)
                times = (one.valid_from, one.valid_until)
                copy.write_row((one.code.strip(), one.canonical, one.max_uses, *times, *person))
        cursor.execute(INSERT.format(columns=columns, values=values), shared)
        made = {row[0] for row in cursor.fetchall()}
        cursor.execute("DROP TABLE incoming_codes")
    return made


OWN_COLUMNS = ["code", "code_canonical", "max_uses", "valid_from", "valid_until", "holder_id", "personal"]
INCOMING = """
CREATE TEMPORARY TABLE incoming_codes (
    code text, code_canonical text, max_uses integer, valid_from timestamptz, valid_until timestamptz,
    holder_id bigint, personal boolean
)
"""
# By the order of their keys, so that two imports never wait for each other in a circle.
INSERT = f"""
INSERT INTO coupons_coupon ({", ".join(OWN_COLUMNS)}{{columns}})
SELECT {", ".join(OWN_COLUMNS)}{{values}} FROM incoming_codes ORDER BY code_canonical
ON CONFLICT (code_canonical) DO NOTHING RETURNING code_canonical
"""


def _explain(skipped: list[CodeLine], batch: CodeBatch) -> int:
    """Say of each code that exists where; return how many the promotion had before this file."""
    if not skipped:
        return 0
    found = Coupon.objects.filter(code_canonical__in=[line.canonical for line in skipped])
    owners = {code: rest for code, *rest in found.values_list("code_canonical", "promotion_id", "batch_id")}
    unchanged = 0
    for line in skipped:
        promotion, made_by = owners[line.canonical]
        if made_by == batch.pk:
            line.mistake = ("twice", _("This code stands in the file twice."))
        elif promotion == batch.promotion_id:
            unchanged += 1
        else:
            line.mistake = ("taken", _("Another promotion has this code."))
    return unchanged
