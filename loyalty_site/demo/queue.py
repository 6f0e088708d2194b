"""The demo's load as a job: promised once, carried out by one worker, taken up again when that was killed.

The database is the queue. Whoever carries the job out holds an advisory lock on its own connection, which the
server gives back when the process dies; a running job whose lock is free has therefore lost its worker. All
stages can be run again, so the job is simply started anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from customers.models import Customer
from loyalty_site.demo.job import run_job
from loyalty_site.demo.staff import create_logins, refuse_outside_demo
from operations.models import JobRun
from operations.services import queue_job, requeue_job
from operations.services.jobs import JobCancelled

log = structlog.get_logger(__name__)

KIND = "demo.load"
TITLE = gettext_noop("Load the demo data")
LOCK = 0x64656D6F  # "demo"


@transaction.atomic
def prepare_demo() -> JobRun | None:
    """Make logins and promise the load; return the job, or None where there are customers and no open job.

    Raises NotADemo.
    """
    refuse_outside_demo()
    job = waiting_job()
    if job is None and Customer.objects.exists():
        return None
    create_logins()
    job = job or queue_job(KIND, title=TITLE)
    transaction.on_commit(ring)
    return job


def waiting_job() -> JobRun | None:
    """Return the load that was promised and has not ended."""
    return JobRun.objects.unfinished().filter(kind=KIND).order_by("pk").first()


def ring() -> None:
    from loyalty_site.tasks import load_demo

    try:
        load_demo.delay()
    except load_demo.OperationalError:  # The broker is away: beat rings again within a minute.
        log.warning("doorbell_unreachable", bell="load_demo")


def run_waiting_job() -> JobRun | None:
    """Carry out the promised load, unless there is none or another process is at it; return the job."""
    job = waiting_job()
    if job is None:
        return None
    with _alone() as alone:
        if not alone:
            return None
        job.refresh_from_db()
        if job.status == JobRun.Status.RUNNING:
            job = requeue_job(job)
        if job.status != JobRun.Status.QUEUED:
            return job
        return _carry_out(job)


def _carry_out(job: JobRun) -> JobRun:
    from loyalty_site.demo.stages import load_demo  # pandas: only who loads the data waits for it.

    try:
        run_job(job, lambda progress: load_demo(progress, at=timezone.now()))
    except JobCancelled:
        log.info("demo_cancelled", job=job.pk)
    job.refresh_from_db()
    return job


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        taken = cursor.fetchone()[0]
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
