import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from coupons.models import Account
from customers.models import Customer, Identity, Namespace, Order, Segment, Source
from loyalty.models import Card
from loyalty_site.demo import queue, stages
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.progress import JobProgress, Progress
from loyalty_site.demo.queue import KIND, prepare_demo, run_waiting_job, waiting_job
from operations.models import JobRun, User
from operations.services import cancel_job, queue_job, start_job
from operations.services.jobs import JobCancelled
from tests.processes import REPOSITORY, wait_until

SMALL = Dataset(sample=50)


@pytest.fixture
def small(monkeypatch):
    """The demo's load takes every fiftieth household instead of all."""
    real = stages.load_demo
    monkeypatch.setattr(stages, "load_demo", lambda progress, *, at: real(progress, at=at, dataset=SMALL))


@pytest.fixture
def quiet_bell(monkeypatch):
    rung = []
    monkeypatch.setattr(queue, "ring", lambda: rung.append(1))
    return rung


@pytest.mark.django_db(transaction=True)
def test_an_empty_database_is_promised_the_demo_and_gets_a_login_per_role(quiet_bell):
    job = prepare_demo()

    assert (job.kind, job.status) == ("demo.load", JobRun.Status.QUEUED)
    assert quiet_bell == [1]
    assert set(User.objects.values_list("username", "groups__name")) == {
        ("admin", "Administrator"),
        ("marketer", "Marketer"),
        ("agent", "Agent"),
        ("supervisor", "Supervisor"),
        ("analyst", "Analyst"),
    }


@pytest.mark.django_db(transaction=True)
def test_preparing_twice_promises_one_load(quiet_bell):
    first = prepare_demo()

    assert prepare_demo() == first
    assert JobRun.objects.filter(kind=KIND).count() == 1


@pytest.mark.django_db
def test_where_there_are_customers_nothing_is_prepared(quiet_bell):
    Customer.objects.create()

    assert prepare_demo() is None
    assert not User.objects.exists()
    assert not JobRun.objects.exists()


@pytest.mark.django_db
def test_outside_a_demo_nothing_is_prepared(settings, capsys):
    settings.ENVIRONMENT = "production"

    with pytest.raises(CommandError, match="no demo"):
        call_command("prepare_demo")
    call_command("demo_logins")

    assert not User.objects.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_the_printed_password_logs_in(capsys, quiet_bell):
    prepare_demo()

    call_command("demo_logins")

    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [name for name, _ in lines] == ["admin", "marketer", "agent", "supervisor", "analyst"]
    assert all(User.objects.get(username=name).check_password(password) for name, password in lines)


@pytest.mark.django_db
def test_a_changed_password_is_not_printed(capsys, quiet_bell):
    prepare_demo()
    agent = User.objects.get(username="agent")
    agent.set_password("something of their own")
    agent.save()

    call_command("demo_logins")

    assert "agent        (password was changed)" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_load_whose_worker_was_killed_is_taken_up_and_ends_and_adds_nothing_a_second_time(
    small, quiet_bell
):
    promised = prepare_demo()
    start_job(promised)  # By a worker that is no more: nobody holds the lock.

    job = run_waiting_job()

    assert (job.pk, job.status, job.error) == (promised.pk, JobRun.Status.DONE, "")
    assert job.done == job.total
    assert job.result["orders"] == Order.objects.count() > 1_000
    assert Segment.objects.get(code="all-orders--champions").size > 0
    numbers = Identity.objects.filter(namespace=Namespace.LOYALTY_CARD).values_list("value", flat=True)
    assert set(numbers) == set(Card.objects.exclude(status="BLANK").values_list("number", flat=True))
    assert job.result["cards"] >= Account.objects.filter(kind="POINTS", main=True).count() > 40
    assert waiting_job() is None

    before = counts()
    stages.load_demo(Progress(), at=timezone.now())
    assert counts() == before


def counts() -> dict[str, int]:
    """Return how many rows every table of the business has."""
    return {
        model.__name__: model.objects.count()
        for app in ("customers", "coupons", "loyalty", "referrals", "campaigns", "analytics")
        for model in apps.get_app_config(app).get_models()
    }


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killing_the_loading_process_leaves_nothing_and_the_next_one_ends_the_job(small, quiet_bell):
    promised = prepare_demo()
    command = "from loyalty_site.demo.queue import run_waiting_job; run_waiting_job()"
    first = subprocess.Popen([sys.executable, "manage.py", "shell", "-c", command], cwd=REPOSITORY)

    def step() -> str:
        promised.refresh_from_db()
        return promised.step

    try:
        wait_until(lambda: step() == "Order lines", seconds=120, what="the order lines")
        assert run_waiting_job() is None  # The first one is at it.
    finally:
        first.kill()
        first.wait()
    wait_until(lambda: not Customer.objects.exists() and is_free(), what="the end of its transaction")

    job = run_waiting_job()

    assert (job.pk, job.status) == (promised.pk, JobRun.Status.DONE)
    assert Order.objects.count() == job.result["orders"]


def is_free() -> bool:
    """Return whether nobody holds the lock of the load."""
    with queue._alone() as alone:
        return alone


@pytest.mark.django_db(transaction=True)
def test_a_load_under_way_is_left_to_its_worker(quiet_bell):
    job = prepare_demo()
    start_job(job)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [queue.LOCK])
    try:
        assert run_waiting_job() is None
    finally:
        other.close()

    job.refresh_from_db()
    assert job.status == JobRun.Status.RUNNING
    assert not Source.objects.filter(code="journey").exists()


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_load_leaves_no_customer(small, quiet_bell, monkeypatch):
    job = prepare_demo()
    monkeypatch.setattr(JobProgress, "pause_seconds", 0)
    show = JobProgress.show

    def cancel_in_the_middle(self):
        if self.step == "Order lines":
            in_another_process(cancel_job, job)
        show(self)

    monkeypatch.setattr(JobProgress, "show", cancel_in_the_middle)

    job = run_waiting_job()

    assert job.status == JobRun.Status.CANCELLED
    assert not Customer.objects.exists()
    assert waiting_job() is None


def in_another_process(work, *arguments):
    """On a connection of its own, as the console would."""

    def run():
        work(*arguments)
        connection.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_while_the_load_is_not_committed():
    job = queue_job("test", title="Test")
    start_job(job)
    progress = JobProgress(job)

    with transaction.atomic():
        progress.expect(10)
        progress.begin("Half")
        progress.add(5)
        progress.shown_at = 0
        progress.show()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT done, total, step FROM operations_jobrun WHERE id = %s", [job.pk])
            assert cursor.fetchone() == (5, 10, "Half")
        other.close()
    cancel_job(job)
    with pytest.raises(JobCancelled):
        progress.begin("More")
    progress.close()
