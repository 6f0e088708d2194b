import pytest
from django.db import OperationalError

from operations.errors import Refusal
from operations.models import JobRun
from operations.services import abandoned_jobs, carry_out, promise_job
from operations.services.jobs import JobCancelled, queue_job
from operations.services.runs import ring_for
from operations.tasks import carry_out_job

pytestmark = pytest.mark.django_db
RUNS: list[int] = []
PERSON = "Giulia Rossi, giulia@mail.example"


def succeed(job: JobRun) -> dict:
    RUNS.append(job.pk)
    return {"rows": 3}


def refuse(job: JobRun) -> dict:
    raise Refusal("The file is empty.")


def stop(job: JobRun) -> dict:
    raise JobCancelled


def break_down(job: JobRun) -> dict:
    raise ValueError(PERSON)


def lose_the_database(job: JobRun) -> dict:
    raise OperationalError("the server closed the connection")


@pytest.fixture(autouse=True)
def runners(settings):
    RUNS.clear()
    names = (succeed, refuse, stop, break_down, lose_the_database)
    settings.JOB_RUNNERS = {one.__name__: f"tests.operations.test_runs.{one.__name__}" for one in names}


@pytest.mark.parametrize(
    ("kind", "queue"), [("customers.erasure", "rights"), ("customers.export", "rights"), ("import", None)]
)
def test_somebodys_rights_have_a_lane_of_their_own(monkeypatch, kind, queue):
    job, rung = queue_job(kind, title="x"), []
    monkeypatch.setattr(carry_out_job, "apply_async", lambda args, **options: rung.append((args, options)))

    ring_for(job.pk)

    assert rung == [([job.pk], {"queue": queue})]


def test_a_job_is_carried_out_once():
    job = promise_job("succeed", title="A job")

    done = carry_out(job)
    carry_out(job)

    assert (done.status, done.result) == ("DONE", {"rows": 3})
    assert [job.pk] == RUNS


def test_a_job_whose_worker_was_killed_is_found_and_taken_up_again():
    job = promise_job("succeed", title="A job")
    JobRun.objects.filter(pk=job.pk).update(status=JobRun.Status.RUNNING)
    other = promise_job("unknown kind", title="Not ours")

    found = abandoned_jobs()
    carry_out(job)

    assert found == [job.pk]
    assert [job.pk] == RUNS
    assert JobRun.objects.get(pk=other.pk).status == "QUEUED"


def test_a_refusal_ends_the_job_with_its_sentence_and_a_stop_cancels_it():
    assert carry_out(promise_job("refuse", title="A job")).error == "The file is empty."
    assert carry_out(promise_job("stop", title="A job")).status == "CANCELLED"


def test_a_defect_ends_the_job_without_quoting_anybody(caplog):
    job = carry_out(promise_job("break_down", title="A job"))

    assert (job.status, job.error) == ("FAILED", "ValueError")
    assert "giulia" not in caplog.text.lower()


def test_a_job_goes_on_when_the_database_comes_back():
    job = promise_job("lose_the_database", title="A job")

    with pytest.raises(OperationalError):
        carry_out(job)

    job.refresh_from_db()
    assert job.status == "RUNNING"
    assert abandoned_jobs() == [job.pk]
