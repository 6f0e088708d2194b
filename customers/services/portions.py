"""One portion of an import: its records, its journal and its place in the file, in one transaction."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from customers.imports.plan import Draft, Plan
from customers.imports.report import ErrorFile, Report
from customers.models.imports import ImportedRow, ImportRun
from customers.services.bulk import copy_rows
from customers.services.resolution import ProfileChange
from operations.errors import FidelioError
from operations.outcomes import Outcome, WriteMode

log = structlog.get_logger(__name__)

RETRIES = 3
TRANSIENT = {"40001", "40P01"}  # Serialization failure and deadlock: the same again passes.


class RecordNotTaken(FidelioError):
    key = "not_taken"
    message = "The database could not take this record."


class Entry(NamedTuple):
    """What is kept of one record: the row it led to, whose it is, and what it said before."""

    target: int
    customer_id: int | None = None
    before: dict[str, Any] | None = None


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
        rows: list[Entry] = []
        for draft, outcome in zip(valid, outcomes, strict=True):
            _count(run, draft, outcome, report, rows)
        refused = [draft for draft in drafts if draft.mistakes]
        for draft in refused:
            report.reject(draft)
        report.error_bytes = errors.add(refused)
        _keep(run, rows)
        if dry:
            transaction.set_rollback(True)
        run.position = drafts[-1].records[-1].line
        run.report = report.stored()
        if not dry:
            run.save(update_fields=["position", "report"])
    return report


def _keep(run: ImportRun, rows: list[Entry]) -> None:
    before = [None if row.before is None else json.dumps(row.before) for row in rows]
    told = [(run.pk, row.target, row.customer_id, said) for row, said in zip(rows, before, strict=True)]
    copy_rows(ImportedRow, ["run_id", "target", "customer_id", "before"], told)


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


def _count(run: ImportRun, draft: Draft, outcome: Outcome, report: Report, rows: list[Entry]) -> None:
    if outcome.error:
        draft.refuse_for(outcome.error)
        return
    report.notices.update(notice.key for notice in outcome.warnings)
    row = _JOURNAL[run.kind](outcome)
    if row is None:
        report.unchanged += len(draft.records)
        return
    rows.append(row)
    if outcome.created:
        report.created += len(draft.records)
    else:
        report.updated += len(draft.records)


def _of_customer(outcome: Outcome) -> Entry | None:
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
    return Entry(change.profile.pk, outcome.row.pk, before)


def _of_fact(outcome: Outcome) -> Entry | None:
    if not outcome.created:
        return None
    return Entry(outcome.row.pk, outcome.row.customer_id)


def _of_consent(outcome: Outcome) -> Entry | None:
    if not outcome.created:
        return None
    return Entry(outcome.row.record_id, outcome.row.customer_id)


def _of_product(outcome: Outcome) -> Entry | None:
    if outcome.created:
        return Entry(outcome.row.pk)
    return Entry(outcome.row.pk, before=_plain(outcome.trace)) if outcome.trace else None


def _plain(before: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else str(value) for name, value in before.items()}


_JOURNAL: dict[str, Callable[[Outcome], Entry | None]] = {
    "customers": _of_customer,
    "orders": _of_fact,
    "products": _of_product,
    "events": _of_fact,
    "consents": _of_consent,
}
