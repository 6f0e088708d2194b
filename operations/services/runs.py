"""Who carries out a promised job: one process at a time, and another one when that was killed.

The database is the queue. Who carries a job out holds an advisory lock on its connection, which the server
gives back when the process dies; a running job whose lock is free has lost its worker and is taken up again.
What a job of a kind does is named in settings.JOB_RUNNERS.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.module_loading import import_string

from operations.errors import FidelioError
from operations.models import JobRun
from operations.services.jobs import (
    JobCancelled,
    fail_job,
    finish_job,
    queue_job,
    start_job,
)

log = structlog.get_logger(__name__)

Runner = Callable[[JobRun], dict[str, Any] | None]
LOCK = 0x6A6F62  # "job"


def promise_job(kind: str, **fields: Any) -> JobRun:
    """Queue a job of a kind in settings.JOB_RUNNERS and ring for a worker after the commit."""
    job = queue_job(kind, **fields)
    transaction.on_commit(lambda: ring_for(job.pk))
    return job


def ring_for(job_id: int) -> None:
    """Tell a worker that a job waits; beat rings for those whose bell was lost."""
    from operations.tasks import carry_out_job

    try:
        carry_out_job.apply_async([job_id], queue=_queue_of(job_id))
    except carry_out_job.OperationalError:
        log.warning("doorbell_unreachable", bell="carry_out_job", job=job_id)


def _queue_of(job_id: int) -> str | None:
    kind = JobRun.objects.values_list("kind", flat=True).filter(pk=job_id).first()
    return settings.JOB_QUEUES.get(kind)


def abandoned_jobs() -> list[int]:
    """Return the jobs that nobody carries out: still queued, or their worker was killed."""
    kinds = list(settings.JOB_RUNNERS)
    waiting = JobRun.objects.unfinished().filter(kind__in=kinds).order_by("pk").values_list("pk", flat=True)
    abandoned = []
    for pk in waiting:
        with alone(pk) as ours:
            if ours:
                abandoned.append(pk)
    return abandoned


def carry_out(job: JobRun) -> JobRun:
    """Do what the job promises, unless another process is at it; return the job as it stands then.

    A runner may be called again for the same job after its process was killed: it goes on where its own rows
    say that it was. A database that is away leaves the job running, to be taken up again.
    """
    with alone(job.pk) as ours:
        if not ours:
            return job
        job.refresh_from_db()
        # One that was asked to stop runs, too: it is its runner that says what became of it.
        JobRun.objects.filter(pk=job.pk, status=JobRun.Status.RUNNING).update(status=JobRun.Status.QUEUED)
        if not start_job(job):
            return job
        return _run(job, import_string(settings.JOB_RUNNERS[job.kind]))


def _run(job: JobRun, runner: Runner) -> JobRun:
    try:
        result = runner(job)
    except (OperationalError, InterfaceError):
        raise
    except JobCancelled as error:
        return fail_job(job, error=error.message)
    except FidelioError as error:
        return fail_job(job, error=str(error.message))
    except Exception as error:
        # Where, not what: the message may quote a row, and a row is personal data.
        where = traceback.format_tb(error.__traceback__)[-4:]
        log.error("job_failed", job=job.pk, kind=job.kind, error=type(error).__name__, where=where)
        return fail_job(job, error=type(error).__name__)
    return finish_job(job, result=result)


@contextmanager
def alone(job_id: int) -> Iterator[bool]:
    """Hold the job on this connection, and say whether it was free: nobody lives who is at work on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, job_id])
        (taken,) = cursor.fetchone()
    try:
        yield taken
    finally:
        if taken and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, job_id])
