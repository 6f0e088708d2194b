"""One portion of an import: its records, its journal and its place in the file, in one transaction."""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from customers.imports.plan import Draft, Plan
from customers.imports.report import ErrorFile, Report
from customers.models.imports import ImportedRow, ImportRun
from customers.services.resolution import ProfileChange
from operations.errors import FidelioError
from operations.outcomes import Outcome, WriteMode

log = structlog.get_logger(__name__)

RETRIES = 3
TRANSIENT = {"40001", "40P01"}  # Serialization failure and deadlock: the same again passes.


class RecordNotTaken(FidelioError):
    key = "not_taken"
    message = "The database could not take this record."


def take_portion(
    run: ImportRun, plan: Plan, drafts: list[Draft], report: Report, errors: ErrorFile, *, dry: bool
) -> Report:
    """Write a portion and return the report with it; a dry run leaves nothing but its refusals."""
    for attempt in range(RETRIES):
        try:
            return _take(run, plan, drafts, Report.of(report.stored()), errors, dry=dry)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in TRANSIENT or attempt == RETRIES - 1:
                raise
            for draft in drafts:
                draft.mistakes = draft.mistakes if draft.valid is None else []
    raise AssertionError


def _take(
    run: ImportRun, plan: Plan, drafts: list[Draft], report: Report, errors: ErrorFile, *, dry: bool
) -> Report:
    with transaction.atomic():
        valid = [draft for draft in drafts if draft.valid is not None]
        outcomes = _write(run, plan, valid)
        rows: list[ImportedRow] = []
        for draft, outcome in zip(valid, outcomes, strict=True):
            _count(run, draft, outcome, report, rows)
        refused = [draft for draft in drafts if draft.mistakes]
        for draft in refused:
            report.reject(draft)
        report.error_bytes = errors.add(refused)
        ImportedRow.objects.bulk_create(rows)
        if dry:
            transaction.set_rollback(True)
        run.position = drafts[-1].records[-1].line
        run.report = report.stored()
        if not dry:
            run.save(update_fields=["position", "report"])
    return report


def _write(run: ImportRun, plan: Plan, drafts: list[Draft]) -> list[Outcome]:
    """Return the outcome of each; where the database refuses all, find the one record that it refuses."""
    if not drafts:
        return []
    items = [draft.valid for draft in drafts]
    try:
        with transaction.atomic():
            return plan.kind.write(items, at=timezone.now(), mode=WriteMode(run.mode), announce=run.announce)
    except (OperationalError, InterfaceError):
        raise
    except (DatabaseError, ValueError, TypeError, KeyError, OverflowError, FidelioError) as error:
        if len(drafts) == 1:
            log.warning("record_not_taken", run=run.pk, line=drafts[0].line, error=type(error).__name__)
            return [Outcome(error=error if isinstance(error, FidelioError) else RecordNotTaken())]
        half = len(drafts) // 2
        return _write(run, plan, drafts[:half]) + _write(run, plan, drafts[half:])


def _count(run: ImportRun, draft: Draft, outcome: Outcome, report: Report, rows: list[ImportedRow]) -> None:
    if outcome.error:
        draft.refuse_for(outcome.error)
        return
    report.notices.update(notice.key for notice in outcome.warnings)
    row = _JOURNAL[run.kind](outcome)
    if row is None:
        report.unchanged += len(draft.records)
        return
    row.run = run
    rows.append(row)
    if outcome.created:
        report.created += len(draft.records)
    else:
        report.updated += len(draft.records)


def _of_customer(outcome: Outcome) -> ImportedRow | None:
    change: ProfileChange = outcome.trace
    if not (change.changed or outcome.created):
        return None
    before = {
        "new": change.before is None,
        "data": change.before,
        "observed": change.heard_before,
        "observed_at": change.observed_before.isoformat() if change.observed_before else None,
        "identities": [identity.pk for identity in change.identities],
        "customer_created": outcome.created,
    }
    return ImportedRow(target=change.profile.pk, customer=outcome.row, before=before)


def _of_fact(outcome: Outcome) -> ImportedRow | None:
    if not outcome.created:
        return None
    return ImportedRow(target=outcome.row.pk, customer_id=outcome.row.customer_id)


def _of_consent(outcome: Outcome) -> ImportedRow | None:
    if not outcome.created:
        return None
    return ImportedRow(target=outcome.row.record_id, customer_id=outcome.row.customer_id)


def _of_product(outcome: Outcome) -> ImportedRow | None:
    if outcome.created:
        return ImportedRow(target=outcome.row.pk)
    return ImportedRow(target=outcome.row.pk, before=_plain(outcome.trace)) if outcome.trace else None


def _plain(before: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else str(value) for name, value in before.items()}


_JOURNAL: dict[str, Callable[[Outcome], ImportedRow | None]] = {
    "customers": _of_customer,
    "orders": _of_fact,
    "products": _of_product,
    "events": _of_fact,
    "consents": _of_consent,
}
