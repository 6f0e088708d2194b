import pytest

from coupons.models import LedgerEntry
from loyalty.admin.rule_form import initial_of
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
    "event": "order.recorded",
    "kind": "PER_AMOUNT",
    "gives": "POINTS",
    "active": "on",
    "benefits": "on",
    "points": "1",
    "per": "1.00",
    "holding": "NONE",
    "expiry_kind": "NEVER",
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
    doubled = {"points": "2", "multipliers-0-factor": "2", "multipliers-0-days": ["SAT"]}
    edited = marketer.post(f"/console/loyalty/earningrule/{rule.pk}/edit/", RULE | doubled)

    assert (made.status_code, edited.status_code) == (302, 302)
    rule.refresh_from_db()
    assert (rule.current.number, rule.current.points, rule.current.per_amount) == (2, 2, 100)
    assert rule.current.multipliers == [{"factor": "2", "weekdays": ["SAT"]}]
    assert "2 points for every €1.00" in marketer.get("/console/loyalty/earningrule/").content.decode()
    assert (
        "Times 2: On Saturdays."
        in marketer.get(f"/console/loyalty/earningrule/{rule.pk}/change/").content.decode()
    )


def test_everything_a_rule_may_say_is_written_and_shown_again(marketer):
    sent = RULE | {
        "kind": "PER_UNIT", "points": "20", "per_quantity": "3", "categories": "Wine, Beer",
        "exclude_brands": "Acme", "stores": "milan", "days": ["FRI"], "since": "16:00", "tiers": "gold",
        "minimum_amount": "25.00", "caps-0-most": "500", "caps-0-what": "points",
        "caps-0-subject": "CUSTOMER", "caps-0-period": "MONTH",
        "holding": "DAYS", "holding_days": "14", "expiry_kind": "DATE",
        "expiry_day": "31", "expiry_month": "3", "expiry_years": "1", "exclusive": "on",
    }  # fmt: skip

    marketer.post("/console/loyalty/earningrule/add/", sent)

    rule = EarningRule.objects.get()
    again = initial_of(rule)
    assert (rule.kind, rule.exclusive, rule.current.per_quantity) == ("PER_UNIT", True, 3)
    assert rule.current.conditions == {
        "stores": ["milan"],
        "tiers": ["gold"],
        "weekdays": ["FRI"],
        "hours": {"from": "16:00", "until": "24:00"},
        "items": {"categories": ["Wine", "Beer"], "exclude": {"brands": ["Acme"]}},
        "minimum_amount": 2500,
    }
    assert rule.current.caps == [{"subject": "CUSTOMER", "points": 500, "period": "MONTH"}]
    assert rule.current.expiry == {"kind": "DATE", "month": 3, "day": 31, "years": 1}
    assert (rule.current.holding, rule.current.holding_days) == ("DAYS", 14)
    assert (again["categories"], again["expiry_month"], again["rows"]["caps"][0]["most"]) == (
        ["Wine", "Beer"],
        3,
        500,
    )
    assert marketer.get(f"/console/loyalty/earningrule/{rule.pk}/edit/").status_code == 200


def test_an_amount_of_a_rule_is_read_as_the_language_writes_it(marketer):
    sent = RULE | {"per": "1.234,50"}

    answer = marketer.post("/console/loyalty/earningrule/add/", sent, headers={"Accept-Language": "it"})

    assert answer.status_code == 302
    assert EarningRule.objects.get().current.per_amount == 123450


def test_a_mistake_is_shown_and_nothing_is_written(marketer):
    page = marketer.post("/console/loyalty/earningrule/add/", RULE | {"multipliers-0-factor": "11"})

    assert "above 0 and at most 10" in page.content.decode()
    assert not EarningRule.objects.exists()


def test_the_simulator_says_what_an_order_earns_and_why(marketer):
    make_rule(conditions={"stores": ["milan"]})
    cart = {
        "event": "order.recorded",
        "lines-0-quantity": "2",
        "lines-0-sku": "A",
        "lines-0-unit_price": "10.00",
    }
    url = "/console/loyalty/earningrule/simulator/"

    there = marketer.post(url, cart | {"store": "milan"}).content.decode()
    elsewhere = marketer.post(url, cart | {"store": "rome"}).content.decode()

    assert "20 points" in there
    assert "Store: milan; here: rome" in elsewhere
    assert "0 points" in elsewhere
    assert not LedgerEntry.objects.exists()


def test_a_rule_is_switched_off_and_on(marketer):
    rule = make_rule()
    url = f"/console/loyalty/earningrule/{rule.pk}/switch/"

    marketer.post(url)
    rule.refresh_from_db()
    off = rule.active
    marketer.post(url)
    rule.refresh_from_db()

    assert (off, rule.active, rule.current.number) == (False, True, 1)


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


def test_points_beyond_the_limit_say_once_that_another_person_has_to_agree(marketer, settings):
    settings.POINTS_DAILY_LIMIT = 20
    staff(Role.SUPERVISOR)
    form = {
        "token": "00000000-0000-0000-0000-000000000004",
        "direction": "give",
        "points": "30",
        "reason": "a late parcel",
    }

    asked = marketer.post(
        f"/console/loyalty/pointsadjustment/customer/{CustomerFactory().pk}/", form, follow=True
    )

    assert asked.content.decode().count("another person has to") == 1
    assert not LedgerEntry.objects.exists()


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
    assert client.get(f"/console/loyalty/earningrule/{rule.pk}/change/").status_code == 200
    assert client.get(f"/console/loyalty/earningrule/{rule.pk}/edit/").status_code == 403
    assert client.post(f"/console/loyalty/earningrule/{rule.pk}/edit/", RULE).status_code == 403
    assert client.post(f"/console/loyalty/earningrule/{rule.pk}/switch/").status_code == 403
