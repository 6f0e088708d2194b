import json

import pytest

from customers.models import Segment
from customers.services import create_segment, refresh_segment
from loyalty_site.roles import Role
from tests.console_data import IN_MILAN, staff
from tests.factories import NOON, ConsentFactory, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


@pytest.fixture
def milan():
    ConsentFactory(customer=CustomerFactory(first_name="Giulia", last_name="Rossi", city="Milano"))
    CustomerFactory(first_name="Nicolò", last_name="De Luca", city="Bari")
    segment = create_segment(code="milan", name="From Milan", rules=IN_MILAN)
    refresh_segment(segment, at=NOON)
    return segment


def page(client, path, **data):
    answer = (
        client.post(f"/console/customers/segment/{path}", data)
        if data
        else client.get(f"/console/customers/segment/{path}")
    )
    return answer.content.decode()


def test_the_list_shows_size_and_who_can_be_reached(marketer, milan):
    listed = page(marketer, "")

    assert "From Milan" in listed
    assert "1 · 100%" in listed


def test_the_page_says_the_rule_in_words_and_shows_the_members(marketer, milan):
    shown = page(marketer, f"{milan.pk}/change/")

    assert "City is Milano" in shown
    assert "Giulia Rossi" in shown
    assert "Nicolò" not in shown
    assert f"/console/campaigns/campaign/add/?segment={milan.pk}" in shown


def test_a_new_segment_is_counted_at_once(marketer, milan):
    form = {"name": "From Bari", "code": "bari", "description": "", "active": "on"}
    rules = IN_MILAN["rules"][0] | {"value": "Bari"}
    form["rules"] = json.dumps(IN_MILAN | {"rules": [rules]})

    answer = marketer.post("/console/customers/segment/add/", form)

    segment = Segment.objects.get(code="bari")
    assert answer.status_code == 302
    assert segment.size == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("{", "not valid JSON"),
        ('{"combinator": "and", "rules": [{"field": "shoe"}]}', "/rules/rules/0/field"),
    ],
)
def test_bad_rules_are_explained_and_not_saved(marketer, rules, said):
    form = {"name": "Bad", "code": "bad", "rules": rules}

    assert said in page(marketer, "add/", **form)
    assert said in page(marketer, "check/", rules=rules)

    assert Segment.objects.count() == 0


def test_a_code_in_use_is_said_beside_the_form(marketer, milan):
    form = {"name": "Again", "code": "milan", "rules": json.dumps(IN_MILAN)}

    assert "There is a segment with this code already." in page(marketer, "add/", **form)


def test_the_live_check_says_the_rules_and_counts(marketer, milan):
    checked = page(marketer, "check/", rules=json.dumps(IN_MILAN))

    assert "City is Milano" in checked
    assert "customer now" in checked
    assert "Giulia Rossi" in checked


def test_an_edited_rule_waits_for_its_refresh(marketer, milan):
    rules = json.dumps({"combinator": "and", "rules": []})
    marketer.post(
        f"/console/customers/segment/{milan.pk}/edit/", {"name": "All", "rules": rules, "active": "on"}
    )

    milan.refresh_from_db()
    assert (milan.name, milan.size, milan.version) == ("All", 1, 2)
    assert "were not evaluated yet" in page(marketer, f"{milan.pk}/change/")

    marketer.post(f"/console/customers/segment/{milan.pk}/refresh/")

    milan.refresh_from_db()
    assert milan.size == 2


def test_a_segment_of_a_model_cannot_be_refreshed_by_hand(marketer):
    segment = create_segment(code="all--champions", name="Champions", kind="RFM")

    marketer.post(f"/console/customers/segment/{segment.pk}/refresh/")

    segment.refresh_from_db()
    assert segment.refreshed_at is None
    assert "Refresh</button>" not in page(marketer, f"{segment.pk}/change/")


def test_a_starter_fills_the_form_with_rules_that_hold(marketer, milan):
    for starter in ("reachable-buyers-90", "win-back", "new-customers", "regulars"):
        filled = marketer.get(f"/console/customers/segment/add/?starter={starter}").context["form"]

        checked = page(marketer, "check/", rules=json.dumps(filled.initial["rules"]))

        assert "customers now" in checked


def test_why_somebody_is_in_a_segment(client, milan):
    client.force_login(staff(Role.AGENT))
    member = milan.memberships.get().customer_id

    why = page(client, f"{milan.pk}/why/{member}/")

    assert "City is Milano" in why
    assert "Yes" in why
    assert client.get(f"/console/customers/segment/{milan.pk}/change/").status_code == 403
    assert client.post(f"/console/customers/segment/{milan.pk}/refresh/").status_code == 403
