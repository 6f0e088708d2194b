"""Who moves money proves who they are; a login a moment ago is proof, one long ago is not."""

import time

import pytest

from loyalty_site.roles import Role
from operations.models import Approval
from tests.console_data import PASSWORD, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def address():
    request = Approval.objects.create(
        kind="demo", subject_id=1, summary="20 for Giulia", requested_by=staff(Role.AGENT),
        requested_at="2026-11-21T11:00:00Z",
    )  # fmt: skip
    return f"/console/operations/approval/{request.pk}/decide/"


def carried_out(approval, **decision) -> None:
    """Nothing is to be done."""


def log_in(client):
    person = staff(Role.SUPERVISOR)
    person.set_password(PASSWORD)
    person.save()
    form = {"login": person.username, "password": PASSWORD}
    assert client.post("/console/account/login/", form).status_code == 302


def test_who_logged_in_a_moment_ago_decides_at_once(client, address, settings):
    settings.APPROVAL_DECISIONS = {"demo": f"{__name__}.carried_out"}
    log_in(client)

    client.post(address, {"decision": "reject"})

    assert Approval.objects.get().status == Approval.Status.REJECTED


def test_who_logged_in_a_quarter_of_an_hour_ago_gives_the_password_again(client, address):
    log_in(client)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 901
    session.save()

    answer = client.post(address, {"decision": "reject"})

    assert "reauthenticate" in answer.url
    assert Approval.objects.get().status == Approval.Status.PENDING
