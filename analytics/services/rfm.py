"""RFM models and their runs: one at a time per model, and committed to the customers' segments."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from analytics.engine import Applied, PostgresEngine, RfmEngine, Thresholds
from analytics.errors import PopulationTooSmall, RfmRunInProgress
from analytics.models import RfmModel, RfmRun, RfmSegmentMap, RfmSnapshot
from analytics.rules import number, replacement_steps, scaled_weights
from analytics.services.rfm_segments import (
    MAIN_MODEL,
    commit_segments,
    ensure_segments,
    everybodys_place,
)
from operations import services as jobs
from operations.errors import Conflict, FidelioError, InvalidInput, Mistake
from operations.models import ApiClient, User

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 2_000_000
LEFT_BEHIND = "The process that ran it ended before it was done."


def create_rfm_model(code: str, *, name: str, **settings: Any) -> RfmModel:
    """Create a model and its segments, still empty; `settings` are the fields of RfmModel.

    Raises InvalidInput with a pointer per mistake, Conflict when the code is taken.
    """
    if RfmModel.objects.filter(code=code).exists():
        raise Conflict(f"There is already an RFM model with the code {code}.")
    model = draft_rfm_model(code, name=name, **settings)
    with transaction.atomic():
        model.save()
        ensure_segments(model)
    return model


def draft_rfm_model(code: str, *, name: str, **settings: Any) -> RfmModel:
    """Return a model that is not saved, to be tried. Raises InvalidInput with a pointer per mistake."""
    settings.setdefault("segment_map", RfmSegmentMap.objects.built_in("ELEVEN"))
    model = RfmModel(code=code, name=name, **settings)
    try:
        model.full_clean(validate_unique=False)
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{field}", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error
    return model


def edit_rfm_model(model: RfmModel) -> RfmModel:
    """Save a model that was changed and validated; its scores change with its next run."""
    with transaction.atomic():
        model.save()
        ensure_segments(model)
    return model


def ensure_main_model() -> RfmModel:
    """Return the model over all orders that a new site starts with."""
    model = RfmModel.objects.filter(code=MAIN_MODEL).first()
    return model or create_rfm_model(MAIN_MODEL, name="All orders")


def start_rfm_run(model: RfmModel, *, as_of: date, client: ApiClient | None = None) -> RfmRun:
    """Run the model at once where that takes seconds, else queue it; the run's status tells which.

    Raises PopulationTooSmall and RfmRunInProgress.
    """
    if estimated_orders() > ORDERS_AT_ONCE:
        return queue_rfm_run(model, as_of=as_of, client=client)
    return run_rfm(model, as_of=as_of)


def queue_rfm_run(
    model: RfmModel, *, as_of: date, owner: User | None = None, client: ApiClient | None = None
) -> RfmRun:
    """Promise a run to a worker, as a job whose progress shows in the console.

    Raises RfmRunInProgress when the model is being run or waits for it.
    """
    if model.runs.filter(status=RfmRun.Status.RUNNING, as_of=as_of, started_at=None).exists():
        raise RfmRunInProgress
    with transaction.atomic():
        job = jobs.queue_job(
            "rfm_run",
            title=f"RFM: {model.name}, {as_of:%Y-%m-%d}",
            owner=owner,
            client=client,
            parameters={"model": model.code, "as_of": str(as_of)},
        )
        run = RfmRun.objects.create(model=model, as_of=as_of, job=job)
        transaction.on_commit(lambda: _ring(run))
    return run


def _ring(run: RfmRun) -> None:
    from analytics.tasks import score_rfm_model as task

    try:
        task.delay(run.pk)
    except task.OperationalError:  # The broker is away: beat finds the run within a minute of its return.
        log.warning("doorbell_unreachable", bell="score_rfm_model", run_id=run.pk)


def run_rfm(
    model: RfmModel,
    *,
    as_of: date,
    run: RfmRun | None = None,
    at: datetime | None = None,
    everybody: bool = False,
) -> RfmRun:
    """Score the model's population as of a day and commit the segments; return the finished run.

    Orders before that day's first instant count, so a run of today ends with yesterday. A run on the same
    data changes nothing. Where the run before tells enough, only what changed since is read; with `everybody`
    all orders are, and what was stored otherwise is counted and put right. `run` is one that was queued.

    Raises PopulationTooSmall and RfmRunInProgress; nothing is changed then.
    """
    at = at or timezone.now()
    with _only_run_of(model):
        _bury_interrupted_runs(model, at=at)
        run = _start(run or RfmRun(model=model, as_of=as_of), at=at)
        try:
            with transaction.atomic():
                _carry_out(run, at=at, everybody=everybody)
        except FidelioError as error:
            _fail(run, error.message)
            raise
        except Exception as error:
            _fail(run, f"{type(error).__name__}: {error}")
            raise
    return run


@dataclass(frozen=True)
class Preview:
    """What a run of a model would come to. Sizes by segment code, cells {"555": [customers, net amount]}."""

    population: int
    orders: int
    net_amount: int
    thresholds: dict[str, list[int]]
    score_sums: dict[str, int | float]
    sizes: dict[str, int]
    cells: dict[str, list[int]]


def preview_rfm_model(model: RfmModel, *, as_of: date) -> Preview:
    """Score a model, saved or not, without writing anything; `thresholds` are worst to best, as of a run.

    Reads everybody's orders. Raises PopulationTooSmall. The caller has validated the model (`full_clean`).
    """
    run = RfmRun(model=model, as_of=as_of)
    engine = _engine(run, since=None)
    with transaction.atomic():
        aggregate = engine.aggregate()
        thresholds = thresholds_of(model, engine, aggregate.population)
        applied = engine.apply(thresholds)
    cells = _cells(applied)
    return Preview(
        population=aggregate.population,
        orders=aggregate.orders,
        net_amount=aggregate.net_amount,
        thresholds=thresholds.as_dict(),
        score_sums=_score_sums(model, applied),
        sizes={
            segment.code: sum(customers for code, (customers, _) in cells.items() if code in segment.codes)
            for segment in model.segments.segments
        },
        cells=cells,
    )


def definition_of(model: RfmModel) -> dict[str, Any]:
    """Return everything that decides a model's scores and segments, as JSON.

    Runs of one definition follow each other; after another one everything is read and settled anew.
    """
    season = model.season
    return {
        "scope": model.scope,
        "scope_value": model.scope_value,
        "window_days": model.window_days,
        "season": [season.code, *season.span.first, *season.span.last] if season else None,
        "recency": model.recency,
        "cycle_days": model.cycle_days,
        "tolerance_days": model.tolerance_days,
        "binning": model.binning,
        "thresholds": model.thresholds,
        "monetary": model.monetary,
        "weights": model.weights,
        "segments": {segment.code: sorted(segment.codes) for segment in model.segments.segments},
        "currency": settings.PROGRAMME_CURRENCY,
        "time_zone": settings.PROGRAMME_TIME_ZONE,
    }


def _carry_out(run: RfmRun, *, at: datetime, everybody: bool) -> None:
    started = time.monotonic()
    model, since = run.model, run.model.last_run()
    run.definition = definition_of(model)
    engine = _engine(run, since=since, everybody=everybody)
    run.horizon = engine.horizon()
    aggregate = engine.aggregate()
    thresholds = thresholds_of(model, engine, aggregate.population)
    written = engine.write(thresholds)
    placed = everybodys_place(model) if everybody else engine.touched()
    commit_segments(model, placed, at=at)

    for field, value in vars(aggregate).items():
        setattr(run, field, value)
    run.extent = RfmRun.Extent.FULL if engine.everybody else RfmRun.Extent.CHANGES
    run.redefined = since is not None and since.definition != run.definition
    run.thresholds = thresholds.as_dict()
    run.score_sums = _score_sums(model, written.applied)
    run.cells = _cells(written.applied)
    sizes = {segment.code: 0 for segment in model.segments.segments}
    run.segment_sizes = sizes | {code: customers for code, (customers, _) in written.segments.items()}
    run.segment_amounts = sizes | {code: amount for code, (_, amount) in written.segments.items()}
    run.changed_rows = written.changed_rows
    run.moves = sum(written.moves.values()) if since else 0
    run.status = RfmRun.Status.DONE
    run.duration_ms = round((time.monotonic() - started) * 1000)
    run.finished_at = timezone.now()
    run.save()
    _keep_month(run)
    if run.differences:
        log.error("rfm_scores_were_wrong", model=model.code, run=run.pk, customers=run.differences)


def _keep_month(run: RfmRun) -> None:
    """Keep the run as how its month ended, unless a later day of that month was scored before."""
    month = (run.as_of - timedelta(days=1)).replace(day=1)
    known = RfmSnapshot.objects.filter(model=run.model, month=month).select_related("run").first()
    if known is None or known.run.as_of <= run.as_of:
        RfmSnapshot.objects.update_or_create(
            model=run.model,
            month=month,
            defaults={
                "run": run,
                "population": run.population,
                "segment_sizes": run.segment_sizes,
                "cells": run.cells,
                "thresholds": run.thresholds,
            },
        )


def _cells(applied: Applied) -> dict[str, list[int]]:
    return {cell.code: [cell.customers, cell.net_amount] for cell in applied.cells}


def thresholds_of(model: RfmModel, engine: RfmEngine, population: int) -> Thresholds:
    """Return the model's own thresholds, or the population's fifths. Raises PopulationTooSmall."""
    if model.binning == RfmModel.Binning.FIXED:
        thresholds = Thresholds(**{"r": []} | model.thresholds)
    elif population < model.minimum_population:
        raise PopulationTooSmall(
            f"{population} customers bought in the window of {model.name}, and its minimum is"
            f" {model.minimum_population}: set fixed thresholds of your own, or a smaller minimum."
        )
    else:
        thresholds = engine.quantiles()
    if model.recency == RfmModel.Recency.REPLACEMENT:
        return replace(thresholds, r=replacement_steps(model.tolerance_days))
    return thresholds


def _score_sums(model: RfmModel, applied: Applied) -> dict[str, int | float]:
    sums = {score: applied.score_sum(score) for score in ("r", "f", "m")}
    weighted = sum(
        weight * value for weight, value in zip(scaled_weights(model.weights), sums.values(), strict=True)
    )
    return sums | {"sum": number(weighted)}


def _engine(run: RfmRun, *, since: RfmRun | None, everybody: bool = False) -> RfmEngine:
    return PostgresEngine(run, since=since, everybody=everybody)


def estimated_orders() -> int:
    """Return about how many orders there are, without counting them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'customers_order'::regclass")
        return int(cursor.fetchone()[0])


def _start(run: RfmRun, *, at: datetime) -> RfmRun:
    run.status, run.started_at = RfmRun.Status.RUNNING, at
    run.save()
    return run


def _fail(run: RfmRun, error: str) -> None:
    log.warning("rfm_run_failed", model=run.model.code, run=run.pk, error=error)
    RfmRun.objects.filter(pk=run.pk).update(
        status=RfmRun.Status.FAILED, error=error[:300], finished_at=timezone.now()
    )
    run.refresh_from_db()


def _bury_interrupted_runs(model: RfmModel, *, at: datetime) -> None:
    """Whoever holds the lock knows that nobody else is running this model."""
    model.runs.filter(status=RfmRun.Status.RUNNING, started_at__isnull=False).update(
        status=RfmRun.Status.FAILED, error=LEFT_BEHIND, finished_at=at
    )


@contextmanager
def _only_run_of(model: RfmModel) -> Iterator[None]:
    """Hold the model's advisory lock, or raise RfmRunInProgress; it ends with the connection at last."""
    digest = hashlib.sha256(f"analytics.rfm:{model.pk}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    # Inside a caller's transaction the lock has to outlast this run: until what it wrote can be seen.
    borrowed = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_{'xact_' if borrowed else ''}lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise RfmRunInProgress
        try:
            yield
        finally:
            if not borrowed:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
