"""Points given and taken by the staff: a limit a day, another person above it, and nobody to themselves."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from coupons.errors import AgentLimitExceeded, OwnRecord, PointsExceeded
from coupons.models import LedgerEntry
from loyalty.models import PointsAdjustment
from loyalty.services import points_limit, points_of, request_points
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from operations.models import Approval
from operations.services import decide_approval
from operations.services.approvals import OwnRequest
from tests.console_data import prove
from tests.console_data import staff as of_role
from tests.coupons.factories import customer, staff
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limit(settings):
    settings.POINTS_DAILY_LIMIT = 1000


@pytest.fixture
def supervisor():
    person = staff("sofia")
    person.user_permissions.add(Permission.objects.get(codename="approve_points"))
    return person


def ask(agent, points, *, token, who=None, at=NOON, **fields):
    return request_points(
        who or customer(), agent=agent, points=points, reason="a late parcel", token=token, at=at, **fields
    )


def test_points_within_the_limit_are_given_at_once_with_the_giver_s_name(supervisor):
    anna, agent = customer(), staff()

    asked = ask(agent, 400, token="a", who=anna)

    assert asked.status == "DONE"
    assert points_of(anna, at=NOON).balance == 400
    assert asked.entry.reason == "a late parcel (agent)"
    assert points_limit(agent, at=NOON).remaining_points == 600


def test_the_same_form_twice_gives_once(supervisor):
    anna, agent = customer(), staff()

    assert ask(agent, 400, token="a", who=anna) == ask(agent, 400, token="a", who=anna)
    assert points_of(anna, at=NOON).balance == 400


def test_what_was_given_and_taken_the_same_day_counts_together(supervisor):
    # 700 given and 200 taken are 900 of 1,000: 101 more is one too many, 100 is not.
    agent, anna = staff(), customer()
    ask(agent, 700, token="a", who=anna)
    ask(agent, -200, token="b", who=anna)

    waits = ask(agent, 101, token="c")
    done = ask(agent, 100, token="d")

    assert (waits.status, done.status) == ("AWAITING_APPROVAL", "DONE")
    assert points_limit(agent, at=NOON).remaining_points == 0


def test_the_next_local_day_begins_anew(supervisor):
    agent = staff()
    ask(agent, 1000, token="a", at=NOON)

    assert ask(agent, 1, token="b", at=NOON).status == "AWAITING_APPROVAL"
    assert points_limit(agent, at=NOON + timedelta(days=1)).remaining_points == 1000


def test_above_the_limit_nothing_happens_until_another_person_agrees(supervisor):
    anna, agent = customer(), staff()
    asked = ask(agent, 5000, token="a", who=anna)
    approval = Approval.objects.get(kind="points", subject_id=asked.pk)
    assert points_of(anna, at=NOON).balance == 0

    with pytest.raises(OwnRequest):
        decide_approval(approval, approve=True, by=agent, at=NOON)
    decide_approval(approval, approve=True, by=supervisor, at=NOON + timedelta(hours=1))

    asked.refresh_from_db()
    assert (asked.status, asked.entry.delta) == ("DONE", 5000)
    assert asked.entry.reason == "a late parcel (agent, sofia)"
    assert points_limit(agent, at=NOON).used_points == 0


def test_what_is_rejected_leaves_the_account_alone(supervisor):
    asked = ask(staff(), 5000, token="a")

    decide_approval(Approval.objects.get(), approve=False, by=supervisor, at=NOON)

    asked.refresh_from_db()
    assert asked.status == "REJECTED"
    assert not LedgerEntry.objects.exists()


def test_points_that_were_spent_meanwhile_cannot_be_taken_and_nothing_is_decided(supervisor):
    asked = ask(staff(), -5000, token="a")
    approval = Approval.objects.get()

    with pytest.raises(PointsExceeded):
        decide_approval(approval, approve=True, by=supervisor, at=NOON)

    approval.refresh_from_db(), asked.refresh_from_db()
    assert (approval.status, asked.status) == ("PENDING", "AWAITING_APPROVAL")


def test_where_nobody_may_approve_the_limit_is_the_end():
    with pytest.raises(AgentLimitExceeded):
        ask(staff(), 1001, token="a")

    assert not PointsAdjustment.objects.exists()


def test_nobody_gives_to_themselves_nor_approves_what_is_for_them(supervisor):
    supervisor.email = "sofia@shop.example"
    supervisor.save()
    own = customer(email="sofia@shop.example")

    with pytest.raises(OwnRecord):
        ask(supervisor, 10, token="a", who=own)
    ask(staff(), 2000, token="b", who=own)
    with pytest.raises(OwnRecord):
        decide_approval(Approval.objects.get(), approve=True, by=supervisor, at=NOON)

    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"points": 0}, {"points": 10, "expires_at": NOON}, {"points": 10, "reason": "  "}]
)
def test_a_request_without_sense_is_refused(supervisor, fields):
    usual = {"agent": staff(), "reason": "why", "token": "a", "at": NOON}

    with pytest.raises(InvalidInput):
        request_points(customer(), **usual | fields)


def test_an_agent_asks_in_the_console_and_a_supervisor_approves_there(client):
    agent, boss, anna = of_role(Role.AGENT), of_role(Role.SUPERVISOR), customer()
    client.force_login(agent)
    prove(client, agent)
    url = f"/console/loyalty/pointsadjustment/customer/{anna.pk}/"
    form = {"token": "00000000-0000-0000-0000-000000000001", "direction": "give", "reason": "a late parcel"}

    assert "1,000 points left" in client.get(url).content.decode()
    page = client.post(url, form | {"points": "1500"}, follow=True).content.decode()
    assert "No points have been changed yet." in page
    assert client.get(f"/console/coupons/account/{anna.pk}/change/").status_code != 500

    client.force_login(boss)
    prove(client, boss)
    approval = Approval.objects.get()
    assert "Give 1,500 points: a late parcel" in client.get("/console/operations/approval/").content.decode()
    client.post(f"/console/operations/approval/{approval.pk}/decide/", {"decision": "approve"})
    assert LedgerEntry.objects.get().delta == 1500
    listed = client.get("/console/loyalty/pointsadjustment/").content.decode()
    assert "+1,500" in listed
