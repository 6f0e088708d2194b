"""Scoring RFM models: on the clock, when asked, and when a bell was lost."""

import structlog
from celery import shared_task
from django.db.models import QuerySet
from django.utils import timezone

from analytics import services
from analytics.engine import Reading
from analytics.models import RfmRun
from operations import services as jobs
from operations.errors import FidelioError

log = structlog.get_logger(__name__)


@shared_task(name="analytics.tasks.score_rfm_models")
def score_rfm_models() -> None:
    """Queue tonight's run of every model on the clock, as of today in the programme's time zone."""
    services.queue_due_rfm_runs(day=timezone.localdate())


@shared_task(name="analytics.tasks.check_rfm_models")
def check_rfm_models() -> None:
    """Queue the week's check: everybody's orders against what is stored."""
    services.queue_rfm_checks()


@shared_task(name="analytics.tasks.score_rfm_model")
def score_rfm_model(*run_ids: int) -> None:
    """Carry out queued runs, one after the other; orders that several of them need are read once."""
    _score(RfmRun.objects.waiting().filter(pk__in=run_ids))


def _score(waiting: QuerySet[RfmRun]) -> None:
    runs = list(waiting.select_related("model", "job"))
    with services.shared_readings(runs) as readings:
        for run in runs:
            with jobs.alone(run.job_id) as ours:
                if ours and jobs.start_job(run.job):
                    _carry_out(run, readings.get(run.model_id))


def _carry_out(run: RfmRun, reading: Reading | None) -> None:
    """A refusal ends the run's job with the sentence that says why; the others go on."""
    try:
        services.run_rfm(run.model, as_of=run.as_of, run=run, reading=reading)
    except FidelioError as error:
        jobs.fail_job(run.job, error=error.message)
    except Exception as error:
        log.exception("rfm_run_broke", model=run.model.code, run=run.pk)
        jobs.fail_job(run.job, error=f"{type(error).__name__}: {error}")
    else:
        _end(run)


def _end(run: RfmRun) -> None:
    """Finish the job, or let it fail as an alarm: the scores are right again, and something wrote past us."""
    if run.differences:
        wrong = (
            f"{run.differences} customers were stored otherwise than their orders tell; they are right now."
        )
        jobs.fail_job(run.job, error=wrong)
    else:
        jobs.finish_job(
            run.job, result={"customers": run.population, "changed": run.changed_rows, "moved": run.moves}
        )


@shared_task(name="analytics.tasks.keep_rfm_runs")
def keep_rfm_runs() -> None:
    """Carry out runs whose bell was lost or whose worker was killed; beat asks every minute."""
    services.take_up_lost_runs()
    _score(RfmRun.objects.waiting())
