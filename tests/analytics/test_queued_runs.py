"""Runs that a worker carries out as jobs, also after one was killed."""

import threading
from datetime import date

import pytest

from analytics.errors import RunInProgress
from analytics.models import RfmRun
from analytics.services import ensure_main_model, queue_rfm_run
from analytics.services import rfm as rfm_service
from analytics.tasks import keep_rfm_runs
from operations.models import JobRun
from operations.services import alone, cancel_job
from tests.analytics.factories import buyer
from tests.coupons.races import at_once
from tests.factories import NOON

DAY = date(2026, 11, 21)
few = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


@few
def test_a_run_whose_bell_was_lost_is_taken_up_by_the_clock():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)

    keep_rfm_runs()

    job = JobRun.objects.get()
    run.refresh_from_db()
    # Nobody has bought yet, so that it was carried out and refused.
    assert (run.status, job.status) == ("FAILED", "FAILED")
    assert "minimum" in job.error


@few
def test_a_run_whose_worker_was_killed_begins_anew_and_ends_its_job():
    model = ensure_main_model()
    model.minimum_population = 1
    model.save()
    buyer(10)
    run = queue_rfm_run(model, as_of=DAY)
    JobRun.objects.update(status="RUNNING", started_at=NOON)
    RfmRun.objects.update(started_at=NOON)

    keep_rfm_runs()

    job = JobRun.objects.get()
    run.refresh_from_db()
    assert (run.status, run.population, job.status, job.result["customers"]) == ("DONE", 1, "DONE", 1)


@few
def test_a_killed_run_that_a_later_one_has_given_up_ends_its_job():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    JobRun.objects.update(status="RUNNING")
    RfmRun.objects.update(status="FAILED")

    keep_rfm_runs()

    run.job.refresh_from_db()
    assert run.job.status == "FAILED"


@committed
def test_a_run_that_a_worker_is_at_is_left_alone():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    JobRun.objects.update(status="RUNNING")
    entered, done = threading.Event(), threading.Event()

    def worker():
        with alone(run.job_id):
            entered.set()
            done.wait(20)

    def clock():
        entered.wait(20)
        keep_rfm_runs()
        done.set()

    at_once([worker, clock])

    run.refresh_from_db()
    assert (run.status, JobRun.objects.get().status) == ("RUNNING", "RUNNING")


@committed
def test_of_many_who_ask_for_the_same_run_at_once_one_gets_it():
    model = ensure_main_model()

    told = at_once([lambda: queue_rfm_run(model, as_of=DAY).status] * 6)

    assert sorted(told) == ["RUNNING"] + [RunInProgress.key] * 5
    assert JobRun.objects.count() == 1


@few
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


@few
def test_a_run_whose_job_was_cancelled_keeps_nobody_from_another():
    run = queue_rfm_run(ensure_main_model(), as_of=DAY)
    cancel_job(run.job)

    assert queue_rfm_run(run.model, as_of=DAY).pk != run.pk
