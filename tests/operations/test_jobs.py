import pytest

from operations.models import JobRun
from operations.services import advance_job, cancel_job, fail_job, finish_job, queue_job, start_job
from operations.services.jobs import JobCancelled

pytestmark = pytest.mark.django_db


def test_a_queued_job_is_taken_by_one_worker_only():
    job = queue_job("load", title="Load", total=10)

    taken = [start_job(JobRun.objects.get(pk=job.pk)) for _ in range(2)]

    assert taken == [True, False]


def test_a_job_tells_how_far_it_is():
    job = queue_job("load", title="Load", total=200)
    start_job(job)

    advance_job(job, done=50, step="orders")

    assert (job.percent, job.step, job.status) == (25, "orders", "RUNNING")


def test_a_job_without_a_total_has_no_percent_until_it_is_done():
    job = queue_job("load", title="Load")
    start_job(job)
    unknown = job.percent

    finish_job(job, result={"orders": 3})

    assert (unknown, job.percent, job.result) == (None, 100, {"orders": 3})


def test_a_queued_job_is_cancelled_at_once():
    job = cancel_job(queue_job("load", title="Load"))

    assert job.status == "CANCELLED"
    assert start_job(job) is False


def test_a_running_job_stops_at_its_next_step_when_cancelled():
    job = queue_job("load", title="Load", total=10)
    start_job(job)
    cancel_job(job)

    with pytest.raises(JobCancelled) as stopped:
        advance_job(job, done=5)
    fail_job(job, error=stopped.value.message)

    assert (job.status, job.done) == ("CANCELLED", 5)


def test_a_failed_job_says_why():
    job = queue_job("load", title="Load")
    start_job(job)

    fail_job(job, error="The file has no header.")

    assert (job.status, job.error) == ("FAILED", "The file has no header.")
