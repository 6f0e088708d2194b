"""What runs of the value model and of cluster models share: tonight's are promised, each is carried out."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import structlog
from django.utils import timezone

from analytics.errors import RunInProgress
from analytics.models import ClusterRun, RunStatus, ValueRun
from customers.services.profiling import sweep_profiles
from operations.errors import FidelioError
from operations.locks import retry_deadlocks

log = structlog.get_logger(__name__)

LEFT_BEHIND = "The process that ran it ended before it was done."


def queue_each(models: Iterable[Any], queue: Callable[..., object], *, day: date) -> int:
    """Promise a run as of `day` of each model that has none under way; return how many."""
    queued = 0
    for model in models:
        try:
            queue(model, as_of=day)
            queued += 1
        except RunInProgress:
            log.info("run_waits_already", kind=model._meta.model_name, model=model.code)
    return queued


def carry_out_run(run: ValueRun | ClusterRun, work: Callable[[], None], *, at: datetime) -> None:
    """Do the work of a run whose model is locked; runs that a killed process left behind have failed.

    An error fails the run with its words and goes on to the caller.
    """
    stale = run.model.runs.filter(status=RunStatus.RUNNING, started_at__isnull=False).exclude(pk=run.pk)
    stale.update(status=RunStatus.FAILED, error=LEFT_BEHIND, finished_at=at)
    run.status, run.started_at = RunStatus.RUNNING, at
    run.save()
    try:
        retry_deadlocks(work)
        sweep_profiles(at=at)
    except Exception as error:
        told = str(error.message) if isinstance(error, FidelioError) else type(error).__name__
        log.warning("run_failed", kind=run._meta.model_name, run=run.pk, error=told)
        type(run).objects.filter(pk=run.pk).update(
            status=RunStatus.FAILED, error=told[:300], finished_at=timezone.now()
        )
        run.refresh_from_db()
        raise
