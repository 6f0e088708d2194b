"""Everything known of one person: as JSON for machines, as a table per kind of fact for people."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from customers.models import Customer, RightsRequest
from customers.registry import customer_tables
from customers.services.references import survivor
from operations.cells import inert
from operations.models import ApiClient, JobRun, User
from operations.services import keep_file, promise_job

KIND = "customers.export"
TITLE = gettext_noop("Export everything known of a customer")
FILE = "export"
CODES = ("code", "sku", "external_id", "username")
UNTOLD = {"search_name"}


def export_customer(customer: Customer) -> dict[str, Any]:
    """Return everything known of a person, by table: the golden record and every row of the registry.

    Who was merged into them is theirs, too. Keys to other tables are told by code, where there is one.
    """
    ids = _ids_of(customer)
    tables = {Customer._meta.label: _told(Customer.objects.filter(pk__in=ids), frozenset({"merged_into"}))}
    for table in customer_tables():
        if table.model is Customer:
            continue
        rows = table.model._default_manager.filter(**{f"{table.field}__in": ids})
        _add(tables, table.label, _told(rows, table.hidden | {table.field}))
        for part in table.parts:
            parts = part.model._default_manager.filter(**{f"{part.field}__{table.field}__in": ids})
            _add(tables, part.label, _told(parts, part.hidden))
    return {"id": str(survivor(customer).public_id), "tables": tables}


def _ids_of(customer: Customer) -> set[int]:
    ids = {survivor(customer).pk}
    while found := set(Customer.objects.filter(merged_into__in=ids).values_list("pk", flat=True)) - ids:
        ids |= found
    return ids


def _add(tables: dict[str, list], label: str, rows: list[dict[str, Any]]) -> None:
    """A table with two keys to a customer stands once, with the rows of both."""
    known = tables.setdefault(label, [])
    seen = {row.get("id") for row in known}
    known += [row for row in rows if row.get("id") not in seen]


def _told(rows: QuerySet[Model], hidden: Iterable[str]) -> list[dict[str, Any]]:
    fields = [f for f in rows.model._meta.concrete_fields if f.name not in {*hidden, *UNTOLD}]
    keys = [f.name for f in fields if isinstance(f, ForeignKey) and f.related_model is not Customer]
    related = rows.select_related(*keys) if keys else rows
    return [{field.name: _value(row, field) for field in fields} for row in related.order_by("pk")]


def _value(row: Model, field: Field) -> Any:
    value = getattr(row, field.attname)
    if not isinstance(field, ForeignKey) or value is None:
        return bytes(value).hex() if isinstance(value, bytes | memoryview) else _plain(value)
    if field.related_model is Customer:
        return value
    code = next((getattr(getattr(row, field.name), name, None) for name in CODES if _has(field, name)), None)
    return code or value


def _has(field: ForeignKey, name: str) -> bool:
    return any(each.name == name for each in field.related_model._meta.concrete_fields)


def _plain(value: Any) -> Any:
    return value if isinstance(value, dict | list | int | float | bool | None) else _text(value)


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@transaction.atomic
def request_export(
    customer: Customer,
    *,
    at: datetime,
    reason: str = "",
    by: User | None = None,
    client: ApiClient | None = None,
) -> RightsRequest:
    """Promise a file with everything known of a customer, to be fetched from the job for a week."""
    return RightsRequest.objects.create(
        kind=RightsRequest.Kind.EXPORT,
        customer=survivor(customer),
        requested_by=by,
        client=client,
        job=promise_job(KIND, title=TITLE, owner=by, client=client, total=1),
        reason=reason,
        requested_at=at,
    )


def run_export(job: JobRun) -> dict[str, int]:
    """Write the file that this job promised: `customer.json` and a CSV per table, in a ZIP."""
    request = RightsRequest.objects.select_related("customer__merged_into").get(job=job)
    content = export_customer(request.customer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.zip"
        _write(path, content)
        keep_file(
            job, path, code=FILE, name=f"customer-{request.customer_id}.zip", content_type="application/zip"
        )
    request.completed_at = timezone.now()
    request.result = {
        "tables": sum(bool(rows) for rows in content["tables"].values()),
        "rows": sum(len(rows) for rows in content["tables"].values()),
    }
    request.save(update_fields=["completed_at", "result"])
    return request.result


def _write(path: Path, content: dict[str, Any]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        whole = json.dumps(content, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
        archive.writestr("customer.json", whole)
        for label, rows in content["tables"].items():
            if rows:
                archive.writestr(f"{label.partition('.')[2].lower()}.csv", _csv(rows))


def note_export(customer: Customer, *, at: datetime, client: ApiClient) -> RightsRequest:
    """Enter into the audit record that a client read everything known of a customer."""
    return RightsRequest.objects.create(
        kind=RightsRequest.Kind.EXPORT, customer=customer, client=client, requested_at=at, completed_at=at
    )


def _csv(rows: list[dict[str, Any]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([cell_of(value) for value in row.values()])
    return written.getvalue()


def cell_of(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    return inert(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))
