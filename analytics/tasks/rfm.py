"""Scoring RFM models: on the clock, when asked, and when a bell was lost."""

from celery import shared_task
from django.utils import timezone

from analytics import services
from analytics.models import RfmRun
from operations import services as jobs
from operations.errors import FidelioError


@shared_task(name="analytics.tasks.score_rfm_models")
def score_rfm_models() -> None:
    """Queue tonight's run of every model on the clock, as of today in the programme's time zone."""
    services.queue_due_rfm_runs(day=timezone.localdate())


@shared_task(name="analytics.tasks.check_rfm_models")
def check_rfm_models() -> None:
    """Queue the week's check: everybody's orders against what is stored."""
    services.queue_rfm_checks()


@shared_task(name="analytics.tasks.score_rfm_model")
def score_rfm_model(run_id: int) -> None:
    """Carry out one queued run; a refusal ends its job with the sentence that says why."""
    run = RfmRun.objects.select_related("model", "job").get(pk=run_id)
    if not jobs.start_job(run.job):
        return
    try:
        services.run_rfm(run.model, as_of=run.as_of, run=run)
    except FidelioError as error:
        jobs.fail_job(run.job, error=error.message)
    except Exception as error:
        jobs.fail_job(run.job, error=f"{type(error).__name__}: {error}")
        raise
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
    """Carry out queued runs whose bell was lost; beat asks every minute."""
    for run in RfmRun.objects.waiting():
        score_rfm_model(run.pk)
