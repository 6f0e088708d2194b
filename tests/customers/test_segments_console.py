import json

import pytest
from django.db import connection

from customers.models import Season, Segment
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


def test_a_code_is_made_from_the_name_and_stays_free(marketer, milan):
    rules = json.dumps(IN_MILAN)
    page(marketer, "add/", name="Città d'Italia", rules=rules)
    page(marketer, "add/", name="Città d'Italia", rules=rules)

    assert sorted(Segment.objects.exclude(pk=milan.pk).values_list("code", flat=True)) == [
        "citta-ditalia",
        "citta-ditalia-2",
    ]


def test_a_segment_by_hand_has_no_rules_and_takes_in_whom_a_person_names(marketer, milan):
    page(marketer, "add/?kind=MANUAL", name="Friends of the house", reason="")
    friends = Segment.objects.get(code="friends-of-the-house")
    guest = CustomerFactory(email="guest@mail.example")

    answer = marketer.post(
        "/console/customers/segment/decide/",
        {"segment": friends.pk, "who": "guest@mail.example", "act": "INCLUDE", "reason": "Press"},
        follow=True,
    )

    friends.refresh_from_db()
    assert (friends.kind, friends.size) == ("MANUAL", 1)
    assert "Press" in answer.content.decode()
    assert friends.memberships.get(left_at=None).customer == guest


def test_who_is_kept_out_by_hand_stays_out_until_the_rules_decide_again(marketer, milan):
    member = milan.memberships.get().customer
    decide = {"segment": milan.pk, "customer": member.pk, "back": "customer"}
    path = "/console/customers/segment/decide/"

    marketer.post(path, decide | {"act": "EXCLUDE"})
    marketer.post(f"/console/customers/segment/{milan.pk}/refresh/")

    milan.refresh_from_db()
    assert milan.size == 0
    tab = marketer.get(f"/console/customers/customer/{member.pk}/change/?tab=segments").content.decode()
    assert "Never in" in tab
    marketer.post(path, decide | {"act": "forget"})
    milan.refresh_from_db()
    assert milan.size == 1


@pytest.mark.parametrize("who", ["", "nobody@mail.example", "Giulia"])
def test_nobody_is_decided_about_who_is_not_named_exactly(marketer, milan, who):
    answer = marketer.post(
        "/console/customers/segment/decide/",
        {"segment": milan.pk, "who": who, "act": "EXCLUDE"},
        follow=True,
    )

    assert "answers to this" in answer.content.decode()
    assert not milan.overrides.exists()


def test_an_agent_decides_nothing_about_segments(client, milan):
    client.force_login(staff(Role.AGENT))
    member = milan.memberships.get().customer_id

    answer = client.post(
        "/console/customers/segment/decide/", {"segment": milan.pk, "customer": member, "act": "EXCLUDE"}
    )

    assert answer.status_code == 403
    assert not milan.overrides.exists()
    tab = client.get(f"/console/customers/customer/{member}/change/?tab=segments").content.decode()
    assert "Keep out" not in tab
    assert client.get("/console/customers/segment/overlap/").status_code == 403


def test_two_segments_are_laid_over_each_other(marketer, milan):
    everybody = create_segment(code="all", name="Everybody", rules={"combinator": "and", "rules": []})
    refresh_segment(everybody, at=NOON)

    shown = page(marketer, f"overlap/?first={milan.pk}&second={everybody.pk}")

    assert "Only in Everybody" in shown
    assert "1 · 50%" in shown
    form = marketer.get("/console/customers/segment/add/?within=all&without=milan").context["form"]
    assert form.initial["rules"]["rules"] == [
        {"field": "segment", "operator": "=", "value": "all"},
        {"field": "segment", "operator": "!=", "value": "milan"},
    ]


def test_the_page_names_the_segments_it_depends_on_and_its_period(marketer, milan):
    rules = {"combinator": "and", "rules": [{"field": "segment", "operator": "=", "value": "milan"}]}
    inner = create_segment(code="inner", name="Inner circle", rules=rules)

    assert "Its rules name" in page(marketer, f"{inner.pk}/change/?days=365")
    assert "Inner circle" in page(marketer, f"{milan.pk}/change/?days=never")


def test_known_values_are_offered_for_free_text_and_for_nothing_else(marketer, milan):
    path = "/console/customers/segment/values/"

    assert marketer.get(f"{path}?field=customer.city").json() == {"values": ["Bari", "Milano"]}
    assert marketer.get(f"{path}?field=customer.last_name").json() == {"values": []}


def test_a_count_that_takes_too_long_is_stopped_and_said(marketer, milan, monkeypatch):
    def slow(rules, *, as_of):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr("customers.admin.segments.CHECK_SECONDS", 0.05)
    monkeypatch.setattr("customers.services.segments.evaluate_rules", slow)

    checked = page(marketer, "check/", rules=json.dumps(IN_MILAN))

    assert "takes too long" in checked
    assert "City is Milano" in checked


def test_a_season_is_kept_in_the_console(marketer):
    page = marketer.get("/console/customers/season/")
    form = {
        "name": "Tyres",
        "code": "tyres",
        "first_month": 10,
        "first_day": 15,
        "last_month": 4,
        "last_day": 15,
    }
    wrong = marketer.post("/console/customers/season/add/", form | {"first_month": 13})
    made = marketer.post("/console/customers/season/add/", form)

    assert b"Winter" in page.content
    assert b"Months are 1 to 12 and days 1 to 31." in wrong.content
    assert made.status_code == 302
    assert Season.objects.get(code="tyres").span.first == (10, 15)
