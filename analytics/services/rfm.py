"""Runs of RFM models: one at a time per model, and committed to the customers' segments."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from analytics.engine import Applied, PostgresEngine, Reading, RfmEngine, Thresholds, read_together
from analytics.engine.changes import can_follow
from analytics.errors import PopulationTooSmall
from analytics.models import RfmModel, RfmRun, RfmSnapshot, RfmTransition
from analytics.rules import number, replacement_steps, scaled_weights
from analytics.services.rfm_models import definition_of
from analytics.services.rfm_segments import commit_segments, strays
from analytics.services.run_locks import lock_scores, only_run_of
from customers.services.changes import note_changes
from customers.services.profiling import sweep_profiles
from operations.errors import FidelioError
from operations.locks import retry_deadlocks

log = structlog.get_logger(__name__)

LEFT_BEHIND = "The process that ran it ended before it was done."


def run_rfm(
    model: RfmModel,
    *,
    as_of: date,
    run: RfmRun | None = None,
    at: datetime | None = None,
    everybody: bool = False,
    checks: bool = False,
    reading: Reading | None = None,
) -> RfmRun:
    """Score the model's population as of a day and commit the segments; return the finished run.

    Orders before that day's first instant count, so a run of today ends with yesterday. A run on the same
    data changes nothing. Where the run before tells enough, only what changed since is read; with `everybody`
    all orders are. A run that `checks` reads them too, and also counts and puts right what was stored
    otherwise without a reason. `run` is one that was queued; a `reading` of `shared_readings` spares it
    the orders.

    Raises PopulationTooSmall and RunInProgress; nothing is changed then, but a queued run has failed.
    """
    at = at or timezone.now()
    try:
        with only_run_of(model):
            _bury_interrupted_runs(model, at=at)
            run = _start(run or RfmRun(model=model, as_of=as_of), at=at)
            run.checks = run.checks or checks

            def carry_out() -> None:
                with transaction.atomic():
                    _carry_out(run, at=at, everybody=everybody, reading=reading)

            # A merge writes scores of its customers too, and takes them in another order.
            retry_deadlocks(carry_out)
            sweep_profiles(at=at)
    except Exception as error:
        if run and run.pk:
            _fail(
                run, error.message if isinstance(error, FidelioError) else f"{type(error).__name__}: {error}"
            )
        raise
    return run


def run_rfm_models(
    models: Sequence[RfmModel], *, as_of: date, at: datetime | None = None, everybody: bool = False
) -> list[RfmRun]:
    """Run several models as of one day, each as `run_rfm` does; return the runs of those that could be.

    Orders that several of them need are read once.
    """
    done = []
    promised = [RfmRun(model=model, as_of=as_of) for model in models]
    with shared_readings(promised, at=at, everybody=everybody) as readings:
        for model in models:
            try:
                run = run_rfm(model, as_of=as_of, at=at, everybody=everybody, reading=readings.get(model.pk))
            except FidelioError as error:
                log.warning("rfm_model_left_out", model=model.code, error=error.message)
            else:
                done.append(run)
    return done


@contextmanager
def shared_readings(
    runs: Iterable[RfmRun], *, at: datetime | None = None, everybody: bool = False
) -> Iterator[dict[int, Reading]]:
    """Read once the orders of those runs that will read everybody's; give the readings by the model's id."""
    at = at or timezone.now()
    whole = [run for run in runs if everybody or run.checks or not _follows(run, at=at)]
    with ExitStack() as stack:
        try:
            readings = stack.enter_context(read_together(whole))
        except DatabaseError:
            log.exception("rfm_orders_not_read_together")  # The disk may be full: each reads on its own.
            readings = {}
        yield readings


def _follows(run: RfmRun, *, at: datetime) -> bool:
    """Return whether the run, when it begins, will read only what changed."""
    begun = RfmRun(model=run.model, as_of=run.as_of, definition=definition_of(run.model), started_at=at)
    return can_follow(run.model.last_run(), begun)


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
    engine: RfmEngine = PostgresEngine(run, since=None)
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


def _carry_out(run: RfmRun, *, at: datetime, everybody: bool, reading: Reading | None) -> None:
    started = time.monotonic()
    model, since = run.model, run.model.last_run()
    run.definition = definition_of(model)
    engine = PostgresEngine(run, since=since, everybody=everybody, checks=run.checks, reading=reading)
    run.horizon = engine.horizon()
    aggregate = engine.aggregate()
    thresholds = thresholds_of(model, engine, aggregate.population)
    lock_scores(model)
    written = engine.write(thresholds)
    commit_segments(model, strays(model) if run.checks else engine.touched(), at=at)

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
    _tell_of_moves(run)
    if run.differences:
        log.error("rfm_scores_were_wrong", model=model.code, run=run.pk, customers=run.differences)


def _tell_of_moves(run: RfmRun) -> None:
    """Let the segments that ask for RFM, and follow what happens, look at whoever moved."""
    if run.moves:
        moved = RfmTransition.objects.filter(run=run).values_list("customer_id", flat=True)
        note_changes(moved, quiet=run.redefined)


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
