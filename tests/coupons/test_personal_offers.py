"""A promotion that gives each person a value of their own."""

from datetime import timedelta
from decimal import Decimal

import pytest

from coupons import services
from coupons.errors import CustomerRulesViolated, NoPersonalOffer
from coupons.models import BudgetPeriod, Coupon, PersonalOffer, Promotion, RedemptionStack
from coupons.services.personal_offers import confirm_offers
from customers.models import Customer
from customers.services.merges import merge_customers
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db
OWN_PERCENT = {"kind": "PERCENT", "personal": True}


def offer(a_promotion: Promotion, person: Customer, percent: str | None = "7", **fields) -> PersonalOffer:
    return PersonalOffer.objects.create(
        **{
            "promotion": a_promotion,
            "customer": person,
            "percent": Decimal(percent) if percent else None,
            "status": PersonalOffer.Status.CONFIRMED,
            "valid_until": NOW + timedelta(days=10),
            "model_version": "own-history-1",
            "source_key": "offer-set:1",
            "created_at": NOW,
            **fields,
        }
    )


def test_a_public_code_gives_each_person_their_own_discount():
    ours = promotion(OWN_PERCENT)
    alice, bob = customer(), customer()
    offer(ours, alice, "7")
    offer(ours, bob, "12.5")
    everybodys = coupon(ours, codes=["FUERDICH"], max_uses=None)

    stacks = [services.redeem_stack(spending(everybodys, who=person), at=NOW) for person in (alice, bob)]

    assert [stack.discount_amount for stack in stacks] == [700, 1250]


def test_whoever_has_no_offer_and_whoever_is_unknown_gets_nothing():
    ours = promotion(OWN_PERCENT)
    stranger, late = customer(), customer()
    offer(ours, late, valid_until=NOW)
    everybodys = coupon(ours, codes=["FUERDICH"], max_uses=None)

    for who in (stranger, late, None):
        with pytest.raises(CustomerRulesViolated):
            services.redeem_stack(spending(everybodys, who=who), at=NOW)
    assert not RedemptionStack.objects.exists()


def test_a_proposed_offer_gives_nothing_yet():
    ours = promotion(OWN_PERCENT)
    alice = customer()
    offer(ours, alice, status=PersonalOffer.Status.PROPOSED)

    with pytest.raises(NoPersonalOffer):
        services.publish_coupon(ours, customer=alice, source_id="mail-1", channel=None, at=NOW)
    assert not Coupon.objects.exists()


def test_a_coupon_promises_what_stood_when_it_was_handed_out():
    ours = promotion(OWN_PERCENT | {"target": "ORDER", "amount_limit": 5000})
    alice = customer()
    standing = offer(ours, alice, "7")

    given = services.publish_coupon(ours, customer=alice, source_id="mail-1", channel=None, at=NOW).coupon

    assert given.effect == {"kind": "PERCENT", "target": "ORDER", "amount_limit": 5000, "percent": "7"}
    assert given.personal
    assert given.valid_until == standing.valid_until
    standing.percent = Decimal(3)
    standing.save()
    assert services.redeem_stack(spending(given, who=alice), at=NOW).discount_amount == 700


def test_a_budget_counts_the_discount_really_given():
    ours = promotion(
        OWN_PERCENT,
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 10_000, "period": "TOTAL", "on_insufficient": "REJECT"},
    )
    alice = customer()
    offer(ours, alice, "7")
    code = coupon(ours, codes=["FUERDICH"], max_uses=None).code

    services.redeem_stack(spending(code, who=alice), at=NOW)

    assert BudgetPeriod.objects.get(budget__promotion=ours).used == 700


def test_an_automatic_promotion_takes_the_value_of_whoever_buys():
    ours = promotion({"kind": "AMOUNT", "personal": True}, trigger="AUTOMATIC")
    alice = customer()
    offer(ours, alice, percent=None, amount=450)

    stack = services.redeem_stack(spending(ours, who=alice), at=NOW)

    assert stack.discount_amount == 450


def test_a_personal_effect_names_no_value_of_its_own():
    with pytest.raises(InvalidInput) as refusal:
        promotion({"kind": "PERCENT", "personal": True, "percent": "10"})

    assert [mistake.pointer for mistake in refusal.value.details] == ["/effect/percent"]
    assert not Promotion.objects.exists()


def test_of_two_offers_proposed_to_people_who_turn_out_to_be_one_the_survivors_is_confirmed():
    ours = promotion(OWN_PERCENT)
    alice, double = customer(), customer()
    proposed = PersonalOffer.Status.PROPOSED
    offer(ours, alice, "7", status=proposed)
    offer(ours, double, "12", status=proposed)
    offer(ours, double, "9", status=proposed, source_key="offer-set:2")

    merge_customers(alice, [double], reason="the same person", at=NOW)
    confirmed = confirm_offers(ours, "offer-set:1", valid_until=NOW + timedelta(days=10), at=NOW)

    assert confirmed == 1
    (standing,) = PersonalOffer.objects.standing(NOW)
    assert (standing.customer, standing.percent) == (alice, Decimal(7))
    assert PersonalOffer.objects.get(source_key="offer-set:2").customer == alice
