from datetime import date

import pytest

from analytics.errors import RunInProgress
from analytics.models import RfmRun
from analytics.services import ensure_main_model, queue_rfm_run
from analytics.services import rfm as rfm_service
from analytics.tasks import keep_rfm_runs
from operations.services import cancel_job

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 21)


def test_a_run_whose_bell_was_lost_is_carried_out_by_the_clock():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)

    keep_rfm_runs()

    run.refresh_from_db()
    run.job.refresh_from_db()
    # Nobody has bought yet, so that it was carried out and refused.
    assert (run.status, run.job.status) == ("FAILED", "FAILED")
    assert "minimum" in run.job.error


def test_a_run_that_a_worker_has_taken_is_left_alone():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    run.job.status = "RUNNING"
    run.job.save()

    keep_rfm_runs()

    assert not RfmRun.objects.waiting().exists()
    run.refresh_from_db()
    assert run.status == "RUNNING"


def test_a_queued_run_that_finds_another_at_work_has_failed_and_can_be_queued_again(monkeypatch):
    def busy(_model):
        raise RunInProgress

    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    monkeypatch.setattr(rfm_service, "only_run_of", busy)

    keep_rfm_runs()

    run.refresh_from_db()
    run.job.refresh_from_db()
    assert (run.status, run.job.status) == ("FAILED", "FAILED")
    assert run.error == RunInProgress.message
    assert queue_rfm_run(run.model, as_of=DAY).pk != run.pk


def test_a_run_whose_job_was_cancelled_keeps_nobody_from_another():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    cancel_job(run.job)

    assert queue_rfm_run(run.model, as_of=DAY).pk != run.pk
