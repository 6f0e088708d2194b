"""RFM models and their runs: one at a time per model, and committed to the customers' segments."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from analytics.engine import Applied, PostgresEngine, RfmEngine, Thresholds
from analytics.errors import PopulationTooSmall, RfmRunInProgress
from analytics.models import RfmModel, RfmRun, RfmScore, RfmSegmentMap
from analytics.rules import RfmSegment, number, scaled_weights
from customers.models import Segment
from customers.services.memberships import replace_members
from operations import services as jobs
from operations.errors import Conflict, FidelioError, InvalidInput, Mistake
from operations.models import ApiClient, User

log = structlog.get_logger(__name__)

MAIN_MODEL = "all-orders"
ORDERS_AT_ONCE = 2_000_000
LEFT_BEHIND = "The process that ran it ended before it was done."


def create_rfm_model(code: str, *, name: str, **settings: Any) -> RfmModel:
    """Create a model and its segments, still empty; `settings` are the fields of RfmModel.

    Raises InvalidInput with a pointer per mistake, Conflict when the code is taken.
    """
    if RfmModel.objects.filter(code=code).exists():
        raise Conflict(f"There is already an RFM model with the code {code}.")
    settings.setdefault("segment_map", RfmSegmentMap.objects.built_in("ELEVEN"))
    model = RfmModel(code=code, name=name, **settings)
    try:
        model.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{field}", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error
    with transaction.atomic():
        model.save()
        _ensure_segments(model)
    return model


def edit_rfm_model(model: RfmModel) -> RfmModel:
    """Save a model that was changed and validated; its scores change with its next run."""
    with transaction.atomic():
        model.save()
        _ensure_segments(model)
    return model


def ensure_main_model() -> RfmModel:
    """Return the model over all orders that a new site starts with."""
    model = RfmModel.objects.filter(code=MAIN_MODEL).first()
    return model or create_rfm_model(MAIN_MODEL, name="All orders")


def start_rfm_run(model: RfmModel, *, as_of: date, client: ApiClient | None = None) -> RfmRun:
    """Run the model at once where that takes seconds, else queue it; the run's status tells which.

    Raises PopulationTooSmall and RfmRunInProgress.
    """
    if _estimated_orders() > ORDERS_AT_ONCE:
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


def run_rfm(model: RfmModel, *, as_of: date, run: RfmRun | None = None, at: datetime | None = None) -> RfmRun:
    """Score the model's population as of a day and commit the segments; return the finished run.

    Orders before that day's first instant count, so a run of today ends with yesterday. A run on the same
    data changes nothing. `run` is one that was queued before.

    Raises PopulationTooSmall and RfmRunInProgress; nothing is changed then.
    """
    at = at or timezone.now()
    with _only_run_of(model):
        _bury_interrupted_runs(model, at=at)
        run = _start(run or RfmRun(model=model, as_of=as_of), at=at)
        try:
            with transaction.atomic():
                _carry_out(run, at=at)
        except FidelioError as error:
            _fail(run, error.message)
            raise
        except Exception as error:
            _fail(run, f"{type(error).__name__}: {error}")
            raise
    return run


def _carry_out(run: RfmRun, *, at: datetime) -> None:
    started = time.monotonic()
    model, engine = run.model, _engine(run)
    from_, before = model.window(run.as_of)
    aggregate = engine.aggregate(from_=from_, before=before)
    thresholds = _thresholds(model, engine, aggregate.population)
    applied = engine.apply(thresholds)
    written = engine.write()
    _commit_segments(model, written.moves, at=at)

    for field, value in vars(aggregate).items():
        setattr(run, field, value)
    run.thresholds = thresholds.as_dict()
    run.score_sums = _score_sums(model, applied)
    run.cells = {cell.code: [cell.customers, cell.net_amount] for cell in applied.cells}
    run.segment_sizes = _sizes(model.segments.segments, run.cells)
    run.changed_rows = written.changed_rows
    run.moves = sum(written.moves.values())
    run.status = RfmRun.Status.DONE
    run.duration_ms = round((time.monotonic() - started) * 1000)
    run.finished_at = timezone.now()
    run.save()


def _thresholds(model: RfmModel, engine: RfmEngine, population: int) -> Thresholds:
    if model.binning == RfmModel.Binning.FIXED:
        return Thresholds(**model.thresholds)
    if population < model.minimum_population:
        raise PopulationTooSmall(
            f"{population} customers bought in the window of {model.name}, and its minimum is"
            f" {model.minimum_population}: set fixed thresholds of your own, or a smaller minimum."
        )
    return engine.quantiles()


def _score_sums(model: RfmModel, applied: Applied) -> dict[str, int | float]:
    sums = {score: applied.score_sum(score) for score in ("r", "f", "m")}
    weighted = sum(
        weight * value for weight, value in zip(scaled_weights(model.weights), sums.values(), strict=True)
    )
    return sums | {"sum": number(weighted)}


def _engine(run: RfmRun) -> RfmEngine:
    return PostgresEngine(run)


def _sizes(segments: Sequence[RfmSegment], cells: dict[str, list[int]]) -> dict[str, int]:
    return {
        segment.code: sum(customers for code, (customers, _) in cells.items() if code in segment.codes)
        for segment in segments
    }


def _commit_segments(model: RfmModel, moves: dict[tuple[str, str], int], *, at: datetime) -> None:
    """Replace the members of the segments that somebody entered or left."""
    segments = _ensure_segments(model)
    for code in sorted({code for move in moves for code in move if code}):
        if code not in segments:  # The map had it once; whoever was in it moves on.
            segments[code] = Segment.objects.get(code=model.segment_code(code))
        replace_members(segments[code], RfmScore.objects.of(model).filter(segment=code), at=at)


def _ensure_segments(model: RfmModel) -> dict[str, Segment]:
    segments = {}
    for segment in model.segments.segments:
        segments[segment.code], _ = Segment.objects.get_or_create(
            code=model.segment_code(segment.code),
            defaults={"name": segment_name(model, segment.name), "kind": Segment.Kind.RFM},
        )
    return segments


def segment_name(model: RfmModel, name: str) -> str:
    """Return what the customers' segment of a model's segment is called."""
    if model.code == MAIN_MODEL:
        return name
    longest = Segment._meta.get_field("name").max_length
    return f"{model.name}: {name}"[:longest]


def _estimated_orders() -> int:
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
