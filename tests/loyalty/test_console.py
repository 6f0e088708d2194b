import pytest

from coupons.models import LedgerEntry
from loyalty.models import EarningRule
from loyalty.services import adjust_points
from loyalty_site.roles import Role
from tests.console_data import prove, staff
from tests.factories import NOON, CustomerFactory
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
RULE = {
    "code": "euros",
    "name": "One point per euro",
    "event_type": "order.recorded",
    "active": "on",
    "points": "1",
    "per": "1.00",
    "valid_months": "",
    "multipliers": "[]",
}


@pytest.fixture
def marketer(client):
    person = staff(Role.MARKETER)
    client.force_login(person)
    prove(client, person)
    return client


def test_a_marketer_writes_and_edits_an_earning_rule(marketer):
    made = marketer.post("/console/loyalty/earningrule/add/", RULE)
    rule = EarningRule.objects.get()
    url = f"/console/loyalty/earningrule/{rule.pk}/change/"
    edited = marketer.post(
        url, RULE | {"points": "2", "multipliers": '[{"factor": "2", "weekdays": ["SAT"]}]'}
    )

    assert (made.status_code, edited.status_code) == (302, 302)
    rule.refresh_from_db()
    assert (rule.current.number, rule.current.points, rule.current.per_amount) == (2, 2, 100)
    assert rule.current.multipliers == [{"factor": "2", "weekdays": ["SAT"]}]
    assert "2 for every €1.00" in marketer.get("/console/loyalty/earningrule/").content.decode()


def test_an_amount_of_a_rule_is_read_as_the_language_writes_it(marketer):
    sent = RULE | {"per": "1.234,50"}

    answer = marketer.post("/console/loyalty/earningrule/add/", sent, headers={"Accept-Language": "it"})

    assert answer.status_code == 302
    assert EarningRule.objects.get().current.per_amount == 123450


def test_a_mistake_in_the_multipliers_is_shown_with_its_place(marketer):
    page = marketer.post("/console/loyalty/earningrule/add/", RULE | {"multipliers": '[{"factor": 2}]'})

    assert "/multipliers/0/factor" in page.content.decode()
    assert not EarningRule.objects.exists()


def test_an_account_shows_its_ledger_and_has_no_form(marketer):
    customer = CustomerFactory(first_name="Giulia", last_name="Rossi", email="giulia@mail.example")
    entry = adjust_points(customer, points=120, reason="welcome", at=NOON)

    page = marketer.get(f"/console/coupons/account/{entry.account_id}/change/").content.decode()
    listed = marketer.get("/console/coupons/account/").content.decode()

    assert "welcome" in page and "+120" in page
    assert "Giulia Rossi" in listed
    assert 'name="q"' not in listed
    assert marketer.get("/console/coupons/account/add/").status_code == 403


def test_points_given_by_hand_are_given_once_with_the_giver_s_name(marketer):
    customer = CustomerFactory()
    url = f"/console/loyalty/pointsadjustment/customer/{customer.pk}/"
    form = {
        "token": "00000000-0000-0000-0000-000000000001",
        "direction": "give",
        "points": "30",
        "reason": "a late parcel",
    }

    assert marketer.get(url).status_code == 200
    marketer.post(url, form)
    marketer.post(url, form)

    entry = LedgerEntry.objects.get()
    assert (entry.delta, entry.reason) == (30, "a late parcel (marketer)")


def test_who_gives_points_proves_who_they_are_first(client):
    client.force_login(staff(Role.MARKETER))
    form = {
        "token": "00000000-0000-0000-0000-000000000003",
        "direction": "give",
        "points": "30",
        "reason": "x",
    }

    answer = client.post(f"/console/loyalty/pointsadjustment/customer/{CustomerFactory().pk}/", form)

    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not LedgerEntry.objects.exists()


def test_more_points_than_there_are_cannot_be_taken(marketer):
    customer = CustomerFactory()
    form = {
        "token": "00000000-0000-0000-0000-000000000002",
        "direction": "take",
        "points": "30",
        "reason": "a mistake",
    }

    page = marketer.post(f"/console/loyalty/pointsadjustment/customer/{customer.pk}/", form)

    assert "There is not enough on this account." in page.content.decode()
    assert not LedgerEntry.objects.exists()


def test_an_agent_may_look_but_not_change(client):
    rule = make_rule()
    client.force_login(staff(Role.AGENT))

    assert client.get("/console/loyalty/earningrule/").status_code == 200
    assert client.get("/console/loyalty/earningrule/add/").status_code == 403
    assert client.post(f"/console/loyalty/earningrule/{rule.pk}/change/", RULE).status_code == 403
