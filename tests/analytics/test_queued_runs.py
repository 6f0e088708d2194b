from datetime import date

import pytest

from analytics.models import RfmRun
from analytics.services import ensure_main_model, queue_rfm_run
from analytics.tasks import keep_rfm_runs

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
