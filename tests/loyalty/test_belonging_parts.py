"""What tiers and memberships give to rules, mails and the checks of the books."""

from datetime import timedelta

import pytest
from django.db import connection

from campaigns.content.contributed import contributed_values
from customers.models import SegmentMembership
from customers.segments.compiler import compile_rules
from loyalty.belonging_invariants import BELONGING_INVARIANTS
from loyalty.models import Membership
from loyalty.services.memberships import Payment, start_membership
from loyalty.services.plans import create_plan
from loyalty.services.tiers import follow_tier
from tests.factories import NOON, CustomerFactory
from tests.loyalty.tiers import buy, make_ladder, make_tiers

pytestmark = pytest.mark.django_db


def broken(number):
    with connection.cursor() as cursor:
        cursor.execute(BELONGING_INVARIANTS[number].broken)
        return cursor.fetchall()


@pytest.fixture
def gold_member():
    make_ladder()
    make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory(language="en")
    buy(customer, 60000)
    follow_tier(customer, at=NOON)
    return customer


def rule(field, operator, value):
    return {
        "combinator": "and",
        "not": False,
        "rules": [{"field": field, "operator": operator, "value": value}],
    }


def test_rules_ask_for_a_tier_and_for_how_long_it_is_kept(gold_member):
    CustomerFactory()

    def fitting(*leaf, at=NOON):
        return list(compile_rules(rule(*leaf), as_of=at).values_list("pk", flat=True))

    assert fitting("tier", "=", "silver") == [gold_member.pk]
    assert fitting("tier", "=", "gold") == []
    assert fitting("tier", "=", "silver", at=NOON - timedelta(days=1)) == []
    assert fitting("tier.kept_until", "<=", "2027-11-20") == [gold_member.pk]
    assert fitting("tier.kept_until", "<=", "2027-11-19") == []


def test_mails_say_what_is_missing(gold_member):
    tier = contributed_values(gold_member, at=NOON)["tier"]

    assert (tier["name"], tier["next"], tier["missing"]) == ("Silver", "Gold", "€400.00")
    assert tier["missing_to_keep"] == ""


def test_the_books_tell_whom_a_tier_s_segment_forgot(gold_member):
    assert broken(0) == []

    SegmentMembership.objects.filter(customer=gold_member).update(left_at=NOON)

    assert [row[0] for row in broken(0)] == [gold_member.pk]


def test_the_books_tell_of_a_membership_that_runs_longer_than_it_is_paid():
    plan = create_plan(code="prime", name="Prime", price_amount=100, at=NOON)
    membership = start_membership(CustomerFactory(), plan, payment=Payment("p", 100, NOON), at=NOON)
    assert broken(1) == []

    Membership.objects.update(renews_on=membership.renews_on + timedelta(days=30))

    assert [row[0] for row in broken(1)] == [membership.pk]
