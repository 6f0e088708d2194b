"""The checks of the books in the console: what they found, and one more now."""

import pytest
from django.urls import reverse
from django.utils import timezone

from loyalty_site.roles import Role
from operations.models import InvariantResult, InvariantRun, JobRun
from operations.services import carry_out, check_invariants
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
