"""RFM runs that a worker carries out, as jobs."""

from collections.abc import Iterable
from datetime import date

import structlog
from django.db import transaction

from analytics.errors import RunInProgress
from analytics.models import RfmModel, RfmRun
from analytics.services.purchases import estimated_orders
from analytics.services.rfm import LEFT_BEHIND, run_rfm
from operations import services as jobs
from operations.models import ApiClient, JobRun, User

log = structlog.get_logger(__name__)

JOB = "rfm_run"
ORDERS_AT_ONCE = 2_000_000
WEEKLY_ON = 0


def start_rfm_run(model: RfmModel, *, as_of: date, client: ApiClient | None = None) -> RfmRun:
    """Run the model at once where that takes seconds, else queue it; the run's status tells which.

    Raises PopulationTooSmall and RunInProgress.
    """
    if estimated_orders() > ORDERS_AT_ONCE:
        return queue_rfm_run(model, as_of=as_of, client=client)
    return run_rfm(model, as_of=as_of)


def queue_rfm_run(
    model: RfmModel,
    *,
    as_of: date,
    owner: User | None = None,
    client: ApiClient | None = None,
    checks: bool = False,
) -> RfmRun:
    """Promise a run to a worker, as a job whose progress shows in the console.

    One that `checks` reads everybody's orders, whatever changed, and says where the stored scores were wrong.

    Raises RunInProgress when the model is being run or waits for it.
    """
    with transaction.atomic():
        run = _promise(model, as_of=as_of, owner=owner, client=client, checks=checks)
        transaction.on_commit(lambda: _ring([run]))
    return run


def _promise(
    model: RfmModel,
    *,
    as_of: date,
    owner: User | None = None,
    client: ApiClient | None = None,
    checks: bool = False,
) -> RfmRun:
    with transaction.atomic():
        model = RfmModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        if model.runs.promised().filter(as_of=as_of).exists():
            raise RunInProgress
        job = jobs.queue_job(
            JOB,
            title=f"RFM: {model.name}, {as_of:%Y-%m-%d}",
            owner=owner,
            client=client,
            parameters={"model": model.code, "as_of": str(as_of)},
        )
        return RfmRun.objects.create(model=model, as_of=as_of, job=job, checks=checks)


def _ring(runs: list[RfmRun]) -> None:
    """Ring once for all of them, so that one worker has them and reads their orders together."""
    from analytics.tasks import score_rfm_model as task

    ids = [run.pk for run in runs]
    try:
        task.delay(*ids)
    except task.OperationalError:  # The broker is away: beat finds the runs within a minute of its return.
        log.warning("doorbell_unreachable", bell="score_rfm_model", run_ids=ids)


def take_up_lost_runs() -> int:
    """Let the runs whose worker was killed wait again; return how many. A job whose run was given up ends."""
    taken_up = 0
    for job in JobRun.objects.filter(kind=JOB, status=JobRun.Status.RUNNING).order_by("pk"):
        with jobs.alone(job.pk) as ours, transaction.atomic():
            job.refresh_from_db()
            if not ours or job.status != JobRun.Status.RUNNING:
                continue
            running = RfmRun.objects.filter(job=job, status=RfmRun.Status.RUNNING)
            if running.update(started_at=None):
                jobs.requeue_job(job)
                taken_up += 1
            else:
                jobs.fail_job(job, error=LEFT_BEHIND)
    return taken_up


def queue_due_rfm_runs(*, day: date) -> int:
    """Promise the runs of a day: of the models scored every night, and on Mondays of those of every week."""
    due = RfmModel.objects.nightly()
    if day.weekday() == WEEKLY_ON:
        due |= RfmModel.objects.weekly()
    return _queue_each(due.order_by("pk"), as_of={model.pk: day for model in due})


def queue_rfm_checks() -> int:
    """Promise a check of every model that was scored: everybody's orders as of the day it was scored for."""
    scored = {model.pk: last.as_of for model in RfmModel.objects.all() if (last := model.last_run())}
    return _queue_each(RfmModel.objects.filter(pk__in=scored).order_by("pk"), as_of=scored, checks=True)


def _queue_each(models: Iterable[RfmModel], *, as_of: dict[int, date], checks: bool = False) -> int:
    queued = []
    with transaction.atomic():
        for model in models:
            try:
                queued.append(_promise(model, as_of=as_of[model.pk], checks=checks))
            except RunInProgress:
                log.info("rfm_run_waits_already", model=model.code)
        if queued:
            transaction.on_commit(lambda: _ring(queued))
    return len(queued)
