from datetime import date

import pytest

from customers.segments.catalogue import catalogue
from customers.segments.history import days_of
from customers.segments.rules import parse_rules
from customers.segments.sentences import sentence_of
from customers.services import create_segment, replace_members
from tests.factories import NOON, CustomerFactory


def words(*rules, **more):
    return sentence_of(parse_rules({"combinator": "and", "rules": list(rules), **more}, catalogue()))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"field": "customer.city", "operator": "!=", "value": "Milano"}, "City is not Milano"),
        ({"field": "customer.city", "operator": "in", "value": ["Bari", "Roma"]}, "City is Bari or Roma"),
        ({"field": "customer.city", "operator": "null"}, "City is empty"),
        ({"field": "stats.net_amount", "operator": ">=", "value": 50000}, "Spent is at least €500.00"),
        ({"field": "stats.orders", "operator": "between", "value": [2, 5]}, "Orders is between 2 and 5"),
        (
            {"field": "stats.last_order_at", "operator": "<", "value": {"days_ago": 30}},
            "Last order is before 30 days ago",
        ),
        (
            {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"},
            "Consent: E-mail, Marketing is Granted",
        ),
        (
            {"field": "trait.interest", "operator": "contains", "value": "golf"},
            "Trait: interest contains golf",
        ),
        (
            {
                "field": "event.order.recorded",
                "operator": "happened",
                "value": {
                    "match": {"mode": "atLeast", "threshold": 3},
                    "window": {"last_days": 90},
                    "where": {
                        "combinator": "and",
                        "rules": [{"field": "product_line", "operator": "=", "value": "Tyres"}],
                    },
                },
            },
            "has done Order placed, at least 3 times, in the last 90 days, where Product line is Tyres",
        ),
        (
            {
                "field": "event.order.recorded",
                "operator": "happened",
                "value": {"match": {"mode": "none"}, "window": {"days_ago": [10, 90]}},
            },
            "has not done Order placed, between 10 and 90 days ago",
        ),
    ],
)
def test_a_condition_is_said_as_marketers_say_it(rule, said):
    assert [part.text for part in words(rule).parts] == [said]


def test_groups_say_how_their_parts_are_joined():
    leaf = {"field": "customer.city", "operator": "null"}

    assert words(leaf).text == "All of these"
    assert words(leaf, **{"not": True}).text == "Not all of these"
    assert words(leaf, combinator="or").text == "At least one of these"
    assert words(leaf, combinator="or", **{"not": True}).text == "None of these"
    assert words().text == "Every customer"


@pytest.mark.django_db
def test_the_history_of_a_segment_follows_its_local_days():
    alice, bob = CustomerFactory(), CustomerFactory()
    segment = create_segment(code="chosen", name="Chosen", kind="MANUAL")
    replace_members(segment, [alice.pk, bob.pk], at=NOON.replace(day=1))
    replace_members(segment, [bob.pk], at=NOON.replace(day=20, hour=23))

    days = days_of(segment, today=date(2026, 11, 22), days=3)

    assert [(day.on.day, day.entered, day.left, day.size) for day in days] == [
        (20, 0, 0, 2),
        (21, 0, 1, 1),
        (22, 0, 0, 1),
    ]
