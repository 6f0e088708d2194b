"""The life of a promotion, and that nothing it cannot honour is ever taken."""

from datetime import timedelta

import pytest

from coupons.errors import MoveNotPossible
from coupons.models import BudgetPeriod, Coupon, Promotion
from coupons.services import (
    activate_promotion,
    edit_promotion,
    move_promotions,
    redeem_stack,
    resume_promotion,
    stop_promotion,
)
from customers.models import Event
from operations.errors import Conflict, InvalidInput
from tests.coupons.factories import NOW, TEN_PERCENT, amount, coupon, promotion, spending

pytestmark = pytest.mark.django_db


def pointers(error) -> list[str]:
    return [mistake.pointer for mistake in error.value.details]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"effect": {"kind": "PERCENT"}}, "/effect/percent"),
        ({"effect": {"kind": "PERCENT", "percent": "0"}}, "/effect/percent"),
        ({"effect": {"kind": "PERCENT", "percent": "100.01"}}, "/effect/percent"),
        ({"effect": {"kind": "PERCENT", "percent": "1e1"}}, None),
        ({"effect": {"kind": "PERCENT", "percent": "NaN"}}, "/effect/percent"),
        ({"effect": {"kind": "PERCENT", "percent": 12.5}}, "/effect/percent"),
        ({"effect": {"kind": "PERCENT", "percent": "10", "amount": 5}}, "/effect/amount"),
        ({"effect": {"kind": "AMOUNT", "amount": 0}}, "/effect/amount"),
        ({"effect": {"kind": "AMOUNT", "amount": True}}, "/effect/amount"),
        ({"effect": {"kind": "GIFT"}}, "/effect/kind"),
        ({"effect": {"kind": "FREE_UNITS", "buy": 3, "get": 1}}, None),
        ({"effect": {"kind": "FREE_UNITS", "buy": 3, "get": 0}}, "/effect/get"),
        ({"effect": {"kind": "FREE_SHIPPING"}}, None),
        ({"effect": {"kind": "FREE_SHIPPING", "percent": "10"}}, "/effect/percent"),
        ({"effect": {"kind": "FIXED_PRICE", "amount": 900, "unit_limit": 2}}, "/effect/unit_limit"),
        (
            {"effect": {"kind": "FIXED_PRICE", "amount": 900, "bundle": [{"sku": "A", "brand": "B"}]}},
            "/effect/bundle/0/sku",
        ),
        ({"effect": {"kind": "TIERS", "tiers": []}}, "/effect/tiers"),
        ({"effect": {"kind": "TIERS", "tiers": [{"from_amount": 5000}]}}, "/effect/tiers/0/amount"),
        (
            {"effect": {"kind": "TIERS", "tiers": [{"from_amount": 5, "amount": 1, "percent": "1"}]}},
            "/effect/tiers/0/amount",
        ),
        ({"effect": {"kind": "TIERS", "tiers": [{"from_amount": 5, "amount": 1}] * 2}}, "/effect/tiers"),
        ({"effect": {"kind": "GIFT_ITEM"}}, "/effect/sku"),
        (
            {"effect": {"kind": "GIFT_ITEM", "sku": "MUG", "margin_floor": {"percent": "5"}}},
            "/effect/margin_floor",
        ),
        ({"effect": {**TEN_PERCENT, "margin_floor": {"percent": "100"}}}, "/effect/margin_floor/percent"),
        ({"effect": {**TEN_PERCENT, "margin_floor": {"percent": "15", "missing_cost": "ALLOW"}}}, None),
        ({"effect": {**TEN_PERCENT, "items": {"skus": ["A"]}}}, "/effect/items"),
        ({"effect": {**TEN_PERCENT, "target": "ITEMS", "items": {}}}, "/effect/items"),
        ({"effect": {**TEN_PERCENT, "target": "ITEMS", "items": {"skus": "A"}}}, "/effect/items/skus"),
        (
            {
                "effect": {
                    **TEN_PERCENT,
                    "target": "ITEMS",
                    "items": {"skus": ["A"], "min_margin_percent": "1.234"},
                }
            },
            "/effect/items/min_margin_percent",
        ),
        ({"effect": {**TEN_PERCENT, "target": "ITEMS", "items": {"exclude_discounted": True}}}, None),
        ({"conditions": {"countries": ["ITA"]}}, "/conditions/countries"),
        ({"conditions": {"contains": [{"quantity": 2}]}}, "/conditions/contains/0/sku"),
        ({"conditions": {"contains": [{"sku": "A", "quantity": -1}]}}, "/conditions/contains/0/quantity"),
        ({"conditions": {"metadata": {"gift": [1]}}}, "/conditions/metadata/gift"),
        ({"conditions": {"metadata": {"gift": True}, "verified_email": True, "languages": ["it"]}}, None),
        ({"conditions": {"segment": "nobody"}}, "/conditions/segment"),
        ({"conditions": {"colour": "red"}}, "/conditions/colour"),
        (
            {"conditions": {"minimum_spend": {"amount": 1, "basis": "LATER"}}},
            "/conditions/minimum_spend/basis",
        ),
        (
            {"conditions": {"weekly_hours": [{"days": ["THU"], "from": "11:00", "until": "09:00"}]}},
            "/conditions/weekly_hours/0/until",
        ),
        ({"limits": [{"subject": "WORLD", "uses": 1}]}, "/limits/0/subject"),
        ({"limits": [{"subject": "CUSTOMER", "uses": 1}] * 2}, "/limits"),
        ({"trigger": "AUTOMATIC", "limits": [{"subject": "COUPON", "uses": 1}]}, "/limits/0/subject"),
        ({"trigger": "AUTOMATIC", "coupon": {"max_uses": 1}}, "/coupon"),
        ({"stacking": {"max_in_category": 1}}, "/stacking/max_in_category"),
        ({"budget": {"metric": "POINTS", "cap": 1}}, None),
        ({"budgets": [{"metric": "MONEY", "cap": 1}]}, "/budgets/0/metric"),
        ({"budgets": [{"metric": "POINTS", "cap": 1}] * 2}, "/budgets/1"),
        (
            {"budget": {"metric": "REDEMPTIONS", "cap": 1, "on_insufficient": "PARTIAL"}},
            "/budget/on_insufficient",
        ),
        ({"coupon": {"pattern": "SHORT-####"}}, "/coupon/pattern"),
        ({"coupon": {"code": "abc"}}, "/coupon/code"),
        ({"starts_at": NOW, "ends_at": NOW}, "/ends_at"),
    ],
)
def test_what_cannot_be_honoured_is_refused_where_it_stands(fields, pointer):
    if pointer is None:
        assert promotion(**fields).pk
        return

    with pytest.raises(InvalidInput) as refused:
        promotion(**fields)

    assert pointers(refused) == [pointer]
    assert Promotion.objects.count() == 0


def test_a_code_names_one_promotion():
    promotion(code="SUMMER")

    with pytest.raises(Conflict):
        promotion(code="SUMMER")

    assert Promotion.objects.count() == 1


def test_a_public_code_is_made_at_once():
    summer = promotion(coupon={"code": "Summer10", "max_uses": 500})

    made = Coupon.objects.get(promotion=summer)
    assert (made.code, made.public, made.max_uses) == ("Summer10", True, 500)


def test_a_public_code_in_use_leaves_nothing_behind():
    promotion(coupon={"code": "Summer10"})

    with pytest.raises(Conflict):
        promotion(coupon={"code": "SUMMER10"})

    assert Promotion.objects.count() == 1


def test_a_promotion_that_starts_later_is_scheduled():
    later = promotion(starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=2))

    assert later.status == "SCHEDULED"
    assert later.status_at(NOW + timedelta(days=1)) == "ACTIVE"
    assert later.status_at(NOW + timedelta(days=2)) == "EXPIRED"


def test_the_clock_moves_promotions_on():
    later = promotion(starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=2))

    assert move_promotions(at=NOW) == 0
    assert move_promotions(at=NOW + timedelta(days=1)) == 1
    later.refresh_from_db()
    assert later.status == "ACTIVE"
    assert move_promotions(at=NOW + timedelta(days=2)) == 1
    later.refresh_from_db()
    assert later.status == "EXPIRED"


def test_stop_and_resume():
    running = promotion()

    stopped = stop_promotion(running, mode="DRAIN", reason="too dear", at=NOW)
    assert (stopped.status, stopped.stop_mode, stopped.stop_reason) == ("STOPPED", "DRAIN", "too dear")

    harder = stop_promotion(running, mode="HARD", at=NOW + timedelta(minutes=1))
    assert harder.stop_mode == "HARD"
    assert Event.objects.filter(type="promotion.stopped").count() == 2

    resumed = resume_promotion(running, at=NOW)
    assert (resumed.status, resumed.stop_mode) == ("ACTIVE", "")


@pytest.mark.parametrize(
    ("move", "state"),
    [
        (activate_promotion, "STOPPED"),
        (activate_promotion, "EXPIRED"),
        (stop_promotion, "DRAFT"),
        (stop_promotion, "EXPIRED"),
        (resume_promotion, "DRAFT"),
    ],
)
def test_moves_that_make_no_sense_are_refused(move, state):
    one = promotion(activate=state != "DRAFT")
    if state == "STOPPED":
        stop_promotion(one, at=NOW)
    if state == "EXPIRED":
        Promotion.objects.filter(pk=one.pk).update(status="EXPIRED")

    with pytest.raises(MoveNotPossible):
        move(one, at=NOW)

    one.refresh_from_db()
    assert one.status == state


def test_a_started_promotion_keeps_what_it_promised():
    running = promotion()

    with pytest.raises(InvalidInput) as refused:
        edit_promotion(running, effect=amount(500), name="New", at=NOW)
    assert pointers(refused) == ["/effect"]

    edited = edit_promotion(running, name="New", ends_at=NOW + timedelta(days=1), at=NOW)
    assert (edited.name, edited.effect) == ("New", TEN_PERCENT)


def test_a_cap_cannot_fall_below_what_was_used():
    budgeted = promotion(amount(3000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000})
    redeem_stack(spending(coupon(budgeted)), at=NOW)

    with pytest.raises(InvalidInput) as refused:
        edit_promotion(budgeted, budget={"metric": "DISCOUNT_AMOUNT", "cap": 2999}, at=NOW)
    assert "€30.00" in refused.value.details[0].message

    edit_promotion(budgeted, budget={"metric": "DISCOUNT_AMOUNT", "cap": 3000}, at=NOW)
    assert BudgetPeriod.objects.get().cap == 3000


@pytest.mark.parametrize("budget", [None, {"metric": "DISCOUNT_AMOUNT", "cap": 900, "period": "MONTH"}])
def test_a_draft_s_budget_is_removed_or_replaced(budget):
    draft = promotion(budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000}, activate=False)

    edit_promotion(draft, name="New", at=NOW)
    assert draft.budgets.get().cap == 10000
    edit_promotion(draft, budget=budget, at=NOW)

    assert list(draft.budgets.values_list("cap", "period")) == ([(900, "MONTH")] if budget else [])
