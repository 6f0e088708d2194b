"""Spending incentives: what is written when it works, and that nothing is when it does not."""

from datetime import timedelta

import pytest

from coupons.errors import (
    BudgetExceeded,
    CouponNotFound,
    CustomerRulesViolated,
    DuplicateRedemption,
    OrderRulesViolated,
    PromotionStopped,
    QuantityExceeded,
    RedemptionRulesViolated,
)
from coupons.models import Allocation, BudgetPeriod, LimitCounter, Redemption, RedemptionStack
from coupons.services import (
    find_buyer,
    redeem_stack,
    roll_back_redemption,
    stop_promotion,
    validate_stack,
)
from customers.models import Event, Product, Segment, SegmentMembership
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, amount, cart, coupon, customer, order, promotion, spending

pytestmark = pytest.mark.django_db


def redeem(*named, at=NOW, **fields):
    return redeem_stack(spending(*named, **fields), at=at)


def assert_nothing_was_spent():
    assert RedemptionStack.objects.count() == 0
    assert Event.objects.filter(type__startswith="coupon.redeemed").count() == 0
    assert not LimitCounter.objects.filter(used__gt=0).exists()
    assert not BudgetPeriod.objects.filter(used__gt=0).exists()


def test_a_redemption_keeps_what_each_line_got():
    anna, code = customer(), coupon()

    stack = redeem(code, who=anna, prices=(333, 333, 334), source_id="A-1")

    assert (stack.customer, stack.amount, stack.discount_amount) == (anna, 1000, 100)
    redemption = stack.redemptions.get()
    assert (redemption.coupon, redemption.discount_amount) == (code, 100)
    allocations = Allocation.objects.filter(redemption=redemption)
    assert [(one.line_id, one.discount_amount) for one in allocations] == [("1", 33), ("2", 33), ("3", 34)]
    assert stack.order_totals["total_amount"] == 900
    code.refresh_from_db()
    assert code.uses == 1


def test_a_redemption_is_told_of_once():
    anna, code = customer(), coupon()

    redemption = redeem(code, who=anna).redemptions.get()

    event = Event.objects.get(type="coupon.redeemed")
    assert (event.customer, event.amount, event.currency) == (anna, 1000, "EUR")
    assert event.payload["code"] == code.code
    assert event.external_id == f"redemption:{redemption.pk}:redeemed"


def test_codes_are_compared_without_regard_to_case_and_space():
    coupon(codes=["Summer-10"])

    assert redeem("  ｓummer-10 ").discount_amount == 1000


def test_a_used_up_code_is_refused():
    code = coupon()
    redeem(code)

    with pytest.raises(QuantityExceeded):
        redeem(code)

    assert RedemptionStack.objects.count() == 1


def test_an_unknown_code_is_refused():
    with pytest.raises(CouponNotFound) as refused:
        redeem("NOT-THERE")

    assert refused.value.about_coupon
    assert_nothing_was_spent()


def test_one_refused_incentive_stops_all():
    good = coupon()

    with pytest.raises(CouponNotFound):
        redeem(good, "NOT-THERE")

    good.refresh_from_db()
    assert good.uses == 0
    assert_nothing_was_spent()


def test_partial_application_spends_what_can_be_spent():
    good = coupon()

    stack = redeem(good, "NOT-THERE", application="PARTIAL")

    assert [one.coupon for one in stack.redemptions.all()] == [good]


def test_an_incentive_without_effect_is_not_spent():
    whole, late = coupon(promotion(amount(99999))), coupon()

    stack = redeem(whole, late)

    late.refresh_from_db()
    assert late.uses == 0
    assert [one.coupon for one in stack.redemptions.all()] == [whole]


def test_a_stack_without_any_effect_is_refused():
    code = coupon()

    with pytest.raises(OrderRulesViolated):
        redeem(code, prices=(0,))

    code.refresh_from_db()
    assert code.uses == 0
    assert_nothing_was_spent()


def test_several_coupons_stack_in_request_order():
    first, second = coupon(), coupon(promotion({"kind": "PERCENT", "percent": "20"}))

    stack = redeem(first, second)

    assert [one.discount_amount for one in stack.redemptions.order_by("position")] == [1000, 1800]


def test_the_same_code_twice_in_a_request_is_a_mistake():
    code = coupon(max_uses=5)

    with pytest.raises(InvalidInput) as refused:
        redeem(code, code.code.lower())

    assert refused.value.details[0].pointer == "/redeemables/1"


def test_a_coupon_is_spent_once_on_an_order():
    code = coupon(max_uses=5)
    redeem(code, source_id="A-1")

    with pytest.raises(DuplicateRedemption):
        redeem(code, source_id="A-1")

    redeem(code, source_id="A-2")
    code.refresh_from_db()
    assert code.uses == 2


def test_after_a_rollback_it_can_be_spent_on_the_order_again():
    code = coupon()
    roll_back_redemption(redeem(code, source_id="A-1"), at=NOW)

    redeem(code, source_id="A-1")

    code.refresh_from_db()
    assert code.uses == 1


def test_a_named_promotion_applies_by_itself():
    by_itself = promotion(trigger="AUTOMATIC")

    stack = redeem(by_itself)

    assert stack.redemptions.get().promotion == by_itself
    assert Event.objects.filter(type="promotion.redeemed").count() == 1


def test_a_coupon_promotion_needs_its_code():
    with pytest.raises(CouponNotFound):
        redeem(promotion())


def test_automatic_promotions_join_only_when_asked():
    promotion(trigger="AUTOMATIC")
    promotion(trigger="AUTOMATIC", conditions={"minimum_spend": {"amount": 99999}})
    code = coupon()

    alone = validate_stack(spending(code), at=NOW)
    together = validate_stack(spending(code, automatic=True), at=NOW)

    assert alone.calculation.discount_amount == 1000
    assert together.calculation.discount_amount == 1900
    assert len(together.outcomes) == 2


def test_a_stopped_promotion_redeems_nothing():
    code = coupon()
    stop_promotion(code.promotion, mode="HARD", at=NOW)

    with pytest.raises(PromotionStopped):
        redeem(code)

    assert_nothing_was_spent()


def test_a_drained_promotion_still_honours_its_coupons():
    code = coupon()
    stop_promotion(code.promotion, mode="DRAIN", at=NOW)

    assert redeem(code).discount_amount == 1000


def test_a_catalogue_knows_the_category_of_an_article():
    Product.objects.create(sku="MILK", category="dairy")
    dairy = promotion(
        {"kind": "PERCENT", "percent": "50", "target": "ITEMS", "items": {"categories": ["dairy"]}}
    )
    a_cart = cart(1000, 1000)
    milk = type(a_cart.lines[0])(line_id="1", unit_price=1000, sku="MILK")

    stack = redeem(coupon(dairy), cart=type(a_cart)((milk, a_cart.lines[1]), "EUR"))

    assert [one["discount_amount"] for one in stack.order_totals["lines"]] == [500, 0]


# --- People ---


def test_a_personal_coupon_is_for_its_holder_alone():
    mario, luigi = customer(), customer()
    code = coupon(holder=mario)

    with pytest.raises(CustomerRulesViolated):
        redeem(code, who=luigi)
    with pytest.raises(CustomerRulesViolated):
        redeem(code)
    assert_nothing_was_spent()

    assert redeem(code, who=mario).discount_amount == 1000


def test_a_segment_decides_who_may():
    vip = Segment.objects.create(code="vip", name="VIP", kind="MANUAL")
    member, left, other = customer(), customer(), customer()
    SegmentMembership.objects.create(segment=vip, customer=member, entered_at=NOW)
    SegmentMembership.objects.create(
        segment=vip, customer=left, entered_at=NOW, left_at=NOW + timedelta(days=1)
    )
    code = coupon(promotion(conditions={"segment": "vip"}), max_uses=None)

    for stranger in (left, other):
        with pytest.raises(CustomerRulesViolated):
            redeem(code, who=stranger)

    assert redeem(code, who=member).discount_amount == 1000


def test_first_orders_are_for_those_who_never_paid():
    new, old = customer(), customer()
    order(old)
    code = coupon(promotion(conditions={"first_order_only": True}), max_uses=None)

    with pytest.raises(CustomerRulesViolated):
        redeem(code, who=old)

    assert redeem(code, who=new).discount_amount == 1000


def test_a_dry_run_by_email_judges_as_the_redemption_will():
    code = coupon(promotion(conditions={"first_order_only": True}))
    stranger = find_buyer({"email": "New@Example.com"}, at=NOW)

    assert validate_stack(spending(code, who=stranger), at=NOW).valid
    assert stranger.customer is None


# --- Limits and budgets ---


def test_a_customer_uses_a_promotion_as_often_as_the_limit_says():
    anna, bea = customer(), customer()
    limited = promotion(limits=[{"subject": "CUSTOMER", "uses": 1}])
    redeem(coupon(limited), who=anna)

    with pytest.raises(RedemptionRulesViolated):
        redeem(coupon(limited), who=anna)

    redeem(coupon(limited), who=bea)
    assert Redemption.objects.count() == 2


def test_signing_up_again_with_the_same_email_does_not_start_at_zero():
    first = customer(email="anna@example.com")
    limited = promotion(limits=[{"subject": "CUSTOMER", "uses": 1}])
    redeem(coupon(limited), who=first)
    first.identities.all().delete()
    second = customer(email="anna@example.com")

    with pytest.raises(RedemptionRulesViolated):
        redeem(coupon(limited), who=second)


def test_a_limit_by_customer_needs_a_customer():
    code = coupon(promotion(limits=[{"subject": "CUSTOMER", "uses": 1}]))

    with pytest.raises(CustomerRulesViolated):
        redeem(code)

    assert_nothing_was_spent()


def test_a_daily_limit_starts_again_on_the_next_local_day():
    code = coupon(promotion(limits=[{"subject": "COUPON", "uses": 1, "period": "DAY"}]), max_uses=None)
    late_evening = NOW.replace(hour=21)
    redeem(code, at=late_evening)

    with pytest.raises(QuantityExceeded):
        redeem(code, at=late_evening + timedelta(minutes=59))

    assert redeem(code, at=late_evening + timedelta(hours=1)).discount_amount == 1000


def test_every_limit_subject_counts_for_itself():
    anna = customer()
    rules = [
        {"subject": subject, "uses": 9} for subject in ("COUPON", "CUSTOMER_COUPON", "CUSTOMER", "PROMOTION")
    ]
    limited = promotion(limits=rules)
    one, two = coupon(limited, max_uses=None), coupon(limited, max_uses=None)

    redeem(one, who=anna)
    redeem(two, who=anna)

    counters = LimitCounter.objects.values_list("coupon", "customer", "used").order_by("pk")
    assert sorted(counters, key=str) == sorted(
        [
            (one.pk, None, 1),
            (two.pk, None, 1),
            (one.pk, anna.pk, 1),
            (two.pk, anna.pk, 1),
            (None, anna.pk, 2),
            (None, None, 2),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    ("on_insufficient", "discounts"), [("REJECT", [3000] * 3), ("PARTIAL", [3000, 3000, 3000, 1000])]
)
def test_a_budget_ends_at_its_cap(on_insufficient, discounts):
    budget = {"metric": "DISCOUNT_AMOUNT", "cap": 10000, "on_insufficient": on_insufficient}
    code = coupon(promotion(amount(3000), budget=budget), max_uses=None)

    got = [redeem(code).discount_amount for _ in discounts]
    with pytest.raises(BudgetExceeded):
        redeem(code)

    assert got == discounts
    assert BudgetPeriod.objects.get().used == sum(discounts)


def test_a_budget_of_redemptions_by_month_opens_again():
    budget = {"metric": "REDEMPTIONS", "cap": 1, "period": "MONTH"}
    code = coupon(promotion(budget=budget), max_uses=None)
    redeem(code)

    with pytest.raises(BudgetExceeded):
        redeem(code)

    redeem(code, at=NOW + timedelta(days=31))
    assert list(BudgetPeriod.objects.values_list("used", flat=True)) == [1, 1]


def test_a_dry_run_spends_nothing_and_judges_the_same():
    code = coupon(promotion(limits=[{"subject": "PROMOTION", "uses": 1}]), max_uses=None)

    before = validate_stack(spending(code), at=NOW)
    assert_nothing_was_spent()
    redeem(code)
    after = validate_stack(spending(code), at=NOW)

    assert before.valid
    assert after.error.key == "redemption_rules_violated"
