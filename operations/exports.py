"""Lists of the console as files: exactly the rows that are filtered, as a job, with every cell inert.

The job asks the list's own ModelAdmin for its rows, with the filters and the permissions of the person who
asked. A ModelAdmin may say `export_columns` (label -> attribute or function of a row), `get_export_queryset`
(to join what these need), and `exportable = False`.
"""

import csv
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from babel.numbers import get_currency_precision
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from operations.cells import inert
from operations.errors import Refusal
from operations.models import JobRun, User
from operations.services import advance_job, keep_file, promise_job

log = structlog.get_logger(__name__)

PERMISSION = "operations.export_data"
KIND = "export"
BATCH = 2000
EXCEL_ROWS = 1_048_575
SECRET = re.compile(r"password|secret|token|pepper|hash|digest|key$|^search_")
# The apps whose lists hold the merchant's data; logins, keys and roles are not handed out as files.
APPS = {"customers", "coupons", "loyalty", "referrals", "campaigns", "analytics"}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TooManyRows(Refusal):
    key = "too_many_rows"
    message = "Excel takes 1,048,575 rows at most. Export as CSV instead."


@dataclass(frozen=True)
class ExportColumn:
    """A heading and how its value is read from a row."""

    label: str
    value: Callable[[Model], Any]


def may_export(user: Any, model_admin: admin.ModelAdmin) -> bool:
    """Return whether this person may have the list as a file; seeing it is checked beside that."""
    in_reach = model_admin.opts.app_label in APPS and getattr(model_admin, "exportable", True)
    return in_reach and user.has_perm(PERMISSION)


def queue_export(
    model_admin: admin.ModelAdmin, *, query: str, form: str, owner: User, session: Mapping[str, Any]
) -> JobRun:
    """Promise the list under this query string as a file. `session` is what its filters keep there."""
    title = _("Export: %(list)s") % {"list": model_admin.opts.verbose_name_plural}
    language = translation.get_language() or settings.LANGUAGE_CODE
    parameters = {
        "model": model_admin.opts.label_lower,
        "query": query,
        "form": form,
        "language": language,
        "session": dict(session),
    }
    return promise_job(KIND, title=title[:200], owner=owner, parameters=parameters)


def run_export(job: JobRun) -> dict[str, Any]:
    """Write the file and keep it for its owner. Raises PermissionDenied, TooManyRows."""
    asked = job.parameters
    model_admin = _admin_of(asked["model"])
    user = job.owner
    if user is None or not user.is_active or not may_export(user, model_admin):
        raise PermissionDenied
    with translation.override(asked["language"]):
        rows = filtered_rows(model_admin, user, asked["query"], asked["session"])
        total = rows.count()
        if asked["form"] == "xlsx" and total > EXCEL_ROWS:
            raise TooManyRows
        JobRun.objects.filter(pk=job.pk).update(total=total)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export"
            columns = columns_of(model_admin)
            write = _write_csv if asked["form"] == "csv" else _write_xlsx
            written = write(path, columns, _counted(job, rows))
            name = f"{model_admin.opts.model_name}-{timezone.localdate().isoformat()}.{asked['form']}"
            keep_file(job, path, code=KIND, name=name, content_type=TYPES[asked["form"]])
    # What was searched for may be a name; it is not needed any more.
    JobRun.objects.filter(pk=job.pk).update(parameters=asked | {"session": {}})
    _note(job, model_admin, written)
    return {"rows": written}


def filtered_rows(
    model_admin: admin.ModelAdmin, user: Any, query: str, session: Mapping[str, Any]
) -> QuerySet:
    """Return the rows of the list under a query string, as this person sees it. Raises PermissionDenied."""
    parameters = QueryDict(query, mutable=True)
    for name in ("p", "all", "e"):
        parameters.pop(name, None)
    request: HttpRequest = RequestFactory().get(f"/?{parameters.urlencode()}")
    request.user, request.session = user, dict(session)
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    rows = model_admin.get_changelist_instance(request).queryset
    prepare = getattr(model_admin, "get_export_queryset", None)
    return prepare(rows) if prepare else rows


def columns_of(model_admin: admin.ModelAdmin) -> list[ExportColumn]:
    """Return what the file has of each row: what the ModelAdmin names, else the model's own fields."""
    named = getattr(model_admin, "export_columns", None)
    if named:
        return [ExportColumn(str(label), _reader(source)) for label, source in named.items()]
    fields = [field for field in model_admin.opts.concrete_fields if _is_told(field)]
    return [ExportColumn(str(field.verbose_name), _reader(field.name)) for field in fields]


def _is_told(field: Field) -> bool:
    return not isinstance(field, models.BinaryField) and not SECRET.search(field.name)


def _reader(source: str | Callable[[Model], Any]) -> Callable[[Model], Any]:
    if callable(source):
        return source
    if source.endswith("_amount"):
        return lambda row: _major(getattr(row, source, None), getattr(row, "currency", ""))
    return lambda row: _told(row, source)


def _told(row: Model, name: str) -> Any:
    try:
        field = row._meta.get_field(name)
    except FieldDoesNotExist:
        return getattr(row, name, None)
    if isinstance(field, ForeignKey):
        return _code_of(getattr(row, name)) if getattr(row, field.attname) else None
    return getattr(row, name)


def _code_of(related: Model) -> str:
    """Return the name under which others know a row."""
    for name in ("public_id", "code", "sku", "external_id"):
        if value := getattr(related, name, None):
            return str(value)
    return str(related)


def _major(amount: int | None, currency: str) -> Decimal | None:
    if amount is None:
        return None
    digits = get_currency_precision(currency or settings.PROGRAMME_CURRENCY)
    return Decimal(amount).scaleb(-digits)


def _counted(job: JobRun, rows: QuerySet) -> Iterator[Model]:
    foreign = [field.name for field in rows.model._meta.concrete_fields if isinstance(field, ForeignKey)]
    if foreign and rows.query.select_related is not True:
        rows = rows.select_related(*foreign)
    number = 0
    for number, row in enumerate(rows.iterator(chunk_size=BATCH), start=1):
        if number % BATCH == 0:
            advance_job(job, done=number)
        yield row
    advance_job(job, done=number)


def _write_csv(path: Path, columns: list[ExportColumn], rows: Iterable[Model]) -> int:
    written = 0
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([inert(column.label) for column in columns])
        for row in rows:
            writer.writerow([_text(column.value(row)) for column in columns])
            written += 1
    return written


def _write_xlsx(path: Path, columns: list[ExportColumn], rows: Iterable[Model]) -> int:
    from openpyxl import Workbook

    written = 0
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Fidelio")
    sheet.append([inert(column.label) for column in columns])
    for row in rows:
        sheet.append([_cell(column.value(row)) for column in columns])
        written += 1
    book.save(path)
    return written


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if isinstance(value, bool | int | float | Decimal | date):
        return str(value)
    return inert(_written(value))


def _cell(value: Any) -> Any:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, datetime):
        return timezone.make_naive(value)
    if value is None or isinstance(value, bool | int | float | Decimal | date):
        return value
    return inert(ILLEGAL_CHARACTERS_RE.sub("", _written(value)))[:32_767]


def _written(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str) if value else ""
    return str(value)


def _admin_of(label: str) -> admin.ModelAdmin:
    for model, model_admin in admin.site._registry.items():
        if model._meta.label_lower == label:
            return model_admin
    raise PermissionDenied


def _note(job: JobRun, model_admin: admin.ModelAdmin, rows: int) -> None:
    """Leave in the audit log who took how many rows of what, and how they were filtered."""
    log.info("list_exported", job=job.pk, list=model_admin.opts.label_lower, rows=rows, user=job.owner_id)
    LogEntry.objects.create(
        user_id=job.owner_id,
        content_type=ContentType.objects.get_for_model(model_admin.model),
        object_repr=job.title,
        action_flag=CHANGE,
        change_message=f"Exported {rows} rows; filters: {job.parameters['query'] or 'none'}",
    )
