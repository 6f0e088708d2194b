"""Recomputing from the rows what the books say, without changing anything."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from operations.invariants import Invariant, invariants
from operations.models import InvariantResult, InvariantRun, JobRun, User

log = structlog.get_logger(__name__)

RUNS_KEPT = 90
KIND = "invariants"


def check_invariants(*, at: datetime, only: Sequence[str] = ()) -> InvariantRun:
    """Check every invariant, or those whose keys begin with one of `only`; return the finished run.

    Each is asked of one unmoving picture of the database, so that what others write meanwhile is no
    difference. What was found is written down; runs older than the last 90 are forgotten.
    """
    run = InvariantRun.objects.create(started_at=at)
    asked = [one for one in invariants() if not only or one.key.startswith(tuple(only))]
    results = [_check(run, one) for one in asked]
    run.broken = sum(not one.holds for one in results)
    run.held = len(results) - run.broken
    run.finished_at = timezone.now()
    run.save()
    _forget_runs()
    return run


def broken_invariants() -> list[InvariantResult]:
    """Return of every invariant that did not hold when it was last checked what was found."""
    keys = [one.key for one in invariants()]
    finished = InvariantResult.objects.filter(key__in=keys, run__broken__isnull=False)
    last = finished.order_by("key", "-pk").distinct("key")
    return [result for result in last.select_related("run") if not result.holds]


def broken_in_words(count: int) -> str:
    """Return in a sentence how many invariants do not hold."""
    return ngettext(
        "The books do not add up: %(count)d invariant is broken",
        "The books do not add up: %(count)d invariants are broken",
        count,
    ) % {"count": count}


def mail_broken(run: InvariantRun) -> int:
    """Tell whoever may check the books what a run found broken; return how many were told, none for nothing.

    A server that is away is only logged: what is broken stands on the home page, too.
    """
    if not run.broken:
        return 0
    titles = {one.key: one.title for one in invariants()}
    found = [result for result in run.results.all() if not result.holds]
    url = settings.PUBLIC_URL + reverse("admin:operations_invariantrun_change", args=[run.pk])
    told = User.objects.with_perm(
        "operations.check_invariants", backend="django.contrib.auth.backends.ModelBackend"
    )
    sent = 0
    for user in told.filter(is_active=True, is_staff=True).exclude(email="").order_by("pk"):
        with translation.override(user.language):
            subject = broken_in_words(run.broken)
            lines = "\n".join(f"- {titles.get(result.key, result.key)}" for result in found)
            message = EmailMessage(subject=subject, body=f"{subject}.\n\n{lines}\n\n{url}\n", to=[user.email])
        try:
            sent += message.send()
        except OSError as error:  # smtplib's errors are ones as well.
            log.warning("broken_invariants_not_mailed", run=run.pk, error=repr(error))
            break
    return sent


def first_difference(invariant: Invariant) -> dict[str, Any] | None:
    """Return the first row that breaks an invariant, as plain values; None when it holds."""
    with _picture(), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({invariant.broken}) AS broken LIMIT 1")
        row = cursor.fetchone()
        if row is None:
            return None
        names = [column.name for column in cursor.description]
    return {name: _plain(value) for name, value in zip(names, row, strict=True)}


def run_check(job: JobRun) -> dict[str, Any]:
    """Carry out a check that somebody asked for."""
    run = check_invariants(at=timezone.now())
    return {"run": run.pk, "held": run.held, "broken": run.broken}


def _check(run: InvariantRun, invariant: Invariant) -> InvariantResult:
    begun = time.monotonic()
    difference, error = None, ""
    try:
        difference = first_difference(invariant)
    except DatabaseError as failure:
        error = str(failure).splitlines()[0][:200]
    if difference or error:
        log.error("invariant_broken", invariant=invariant.key, difference=difference, error=error)
    return InvariantResult.objects.create(
        run=run,
        key=invariant.key,
        difference=difference,
        error=error,
        duration_ms=round((time.monotonic() - begun) * 1000),
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return str(value)


@contextmanager
def _picture() -> Iterator[None]:
    """Read one consistent state of the database, and only read; inside a transaction, what it sees."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def _forget_runs() -> None:
    kept = InvariantRun.objects.values("pk")[:RUNS_KEPT]
    InvariantRun.objects.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
