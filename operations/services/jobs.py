"""The life of a job run: queued, running, then done, failed or cancelled."""

from typing import Any

from django.db.models.functions import Now

from operations.errors import FidelioError
from operations.models import ApiClient, JobRun, User


class JobCancelled(FidelioError):
    """Raised inside a job whose owner asked it to stop."""

    key = "job_cancelled"
    message = "The job was cancelled."


def queue_job(
    kind: str,
    *,
    title: str,
    owner: User | None = None,
    client: ApiClient | None = None,
    total: int | None = None,
    parameters: dict | None = None,
) -> JobRun:
    """Record that a job was promised; the caller rings the task's bell on commit.

    It is `client` alone, the one that asked for it, who may read it through the API.
    """
    return JobRun.objects.create(
        kind=kind, title=title, owner=owner, client=client, total=total, parameters=parameters or {}
    )


def start_job(job: JobRun, *, total: int | None = None) -> bool:
    """Take a queued job and return True, or False when somebody else has it or it was cancelled."""
    taken = JobRun.objects.filter(pk=job.pk, status=JobRun.Status.QUEUED).update(
        status=JobRun.Status.RUNNING, started_at=Now(), total=total if total is not None else job.total
    )
    job.refresh_from_db()
    return bool(taken)


def requeue_job(job: JobRun) -> JobRun:
    """Put back a running job whose worker died; one that was asked to stop is cancelled instead."""
    running = JobRun.objects.filter(pk=job.pk, status=JobRun.Status.RUNNING)
    if not running.filter(cancel_requested=True).update(status=JobRun.Status.CANCELLED, finished_at=Now()):
        running.update(status=JobRun.Status.QUEUED, started_at=None, done=0, step="")
    job.refresh_from_db()
    return job


def advance_job(job: JobRun, *, done: int, step: str | None = None) -> None:
    """Write how far the job is. Raises JobCancelled when its owner asked it to stop.

    Call it outside the job's own transaction, or nobody sees it move.
    """
    changes: dict[str, Any] = {"done": done} | ({"step": step} if step is not None else {})
    JobRun.objects.filter(pk=job.pk).update(**changes)
    job.refresh_from_db(fields=["done", "step", "cancel_requested"])
    if job.cancel_requested:
        raise JobCancelled


def finish_job(job: JobRun, *, result: dict | None = None) -> JobRun:
    return _end(job, JobRun.Status.DONE, result=result)


def fail_job(job: JobRun, *, error: str) -> JobRun:
    status = JobRun.Status.CANCELLED if error == JobCancelled.message else JobRun.Status.FAILED
    return _end(job, status, error=error)


def cancel_job(job: JobRun) -> JobRun:
    """Ask a running job to stop at its next step; a queued one is cancelled at once."""
    if not JobRun.objects.filter(pk=job.pk, status=JobRun.Status.QUEUED).update(
        status=JobRun.Status.CANCELLED, finished_at=Now()
    ):
        JobRun.objects.filter(pk=job.pk, status=JobRun.Status.RUNNING).update(cancel_requested=True)
    job.refresh_from_db()
    return job


def _end(job: JobRun, status: JobRun.Status, **fields: Any) -> JobRun:
    JobRun.objects.filter(pk=job.pk).update(status=status, finished_at=Now(), **fields)
    job.refresh_from_db()
    return job
