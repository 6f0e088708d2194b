"""The checks of the books in the console: what they found, and one more now."""

import pytest
from django.urls import reverse
from django.utils import timezone

from loyalty_site.roles import Role
from operations.models import InvariantResult, InvariantRun, JobRun
from operations.services import carry_out, check_invariants
from operations.tasks import check_invariants as nightly_check
from tests.analytics.factories import buyer
from tests.console_data import staff as role_of

pytestmark = pytest.mark.django_db
LIST = "admin:operations_invariantrun_changelist"


@pytest.fixture
def admin(client):
    client.force_login(role_of(Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_check_names_what_does_not_hold(admin):
    run = check_invariants(at=timezone.now(), only=["operations"])
    InvariantResult.objects.update(difference={"client": 7, "answers": 2})
    InvariantRun.objects.update(broken=1, held=0)

    assert "1 broken" in admin.get(reverse(LIST)).content.decode()
    page = admin.get(reverse("admin:operations_invariantrun_change", args=[run.pk])).content.decode()

    assert "client 7, answers 2" in page.replace("answers 2, client 7", "client 7, answers 2")
    assert "key has one answer" in page


def test_a_check_is_asked_for_once(admin):
    for _ in range(2):
        admin.post(reverse("admin:operations_invariantrun_check"))

    job = carry_out(JobRun.objects.get())
    assert job.status == "DONE"
    assert job.result["broken"] == 0


def test_who_only_serves_customers_does_not_see_it(client):
    client.force_login(role_of(Role.SUPERVISOR), backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(reverse(LIST)).status_code == 403
    assert client.post(reverse("admin:operations_invariantrun_check")).status_code == 403


@pytest.fixture
def broken_books(monkeypatch):
    """The invariants of operations find a difference."""
    monkeypatch.setattr("operations.services.invariants.first_difference", lambda one: {"client": 7})


def test_what_the_nightly_check_finds_broken_is_mailed_and_stands_on_the_home_page(
    admin, broken_books, mailoutbox
):
    buyer(1, at=timezone.now())

    nightly_check()

    run = InvariantRun.objects.get()
    page = reverse("admin:operations_invariantrun_change", args=[run.pk])
    (mail,) = mailoutbox
    assert "The books do not add up" in mail.subject
    assert page in mail.body
    home = admin.get("/console/").content.decode()
    assert "The books do not add up" in home
    assert page in home


def test_a_check_of_one_part_does_not_hide_what_another_check_found(admin, monkeypatch):
    broken = check_invariants(at=timezone.now())
    buyer(1, at=timezone.now())
    InvariantResult.objects.filter(key__startswith="operations").update(difference={"client": 7})
    InvariantRun.objects.update(broken=1)

    check_invariants(at=timezone.now(), only=["loyalty"])
    assert reverse("admin:operations_invariantrun_change", args=[broken.pk]) in (
        admin.get("/console/").content.decode()
    )

    check_invariants(at=timezone.now(), only=["operations"])
    assert "The books do not add up" not in admin.get("/console/").content.decode()


def test_when_everything_holds_nobody_is_told(admin, mailoutbox):
    nightly_check()

    buyer(1, at=timezone.now())
    assert mailoutbox == []
    assert "The books do not add up" not in admin.get("/console/").content.decode()
