"""What is given in a promotion's name without a redemption counts for its budgets."""

from datetime import timedelta

import pytest

from coupons.errors import BudgetExceeded, PromotionStopped
from coupons.forecast import burn_down
from coupons.models import Apology, BudgetPeriod, GiftCard, LedgerEntry, Promotion, PromotionGrant
from coupons.services import create_promotion, issue_apology, stop_promotion
from loyalty.services import adjust_points
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, amount, customer, promotion, staff

pytestmark = pytest.mark.django_db


def apologies(**budget) -> Promotion:
    return create_promotion(
        code="apology-eur",
        name="Apologies",
        effect=amount(5000),
        conditions={"holder_only": True},
        coupon={"max_uses": 1, "valid_days": 90},
        budgets=[{"metric": "GIFT_AMOUNT", **budget}],
        activate=True,
        at=NOW,
    )


def apologise(who, agent, worth=1500):
    return issue_apology(
        who, agent=agent, amount=worth, reason="It came broken", kind=Apology.Kind.GIFT_CARD, at=NOW
    )


def used() -> list[int]:
    return list(BudgetPeriod.objects.order_by("pk").values_list("used", flat=True))


def test_an_apology_by_gift_card_takes_from_the_budget_of_gifts():
    given = apologies(cap=3000)
    anna, agent = customer(), staff()

    apologise(anna, agent)
    apologise(anna, agent)

    assert used() == [3000]
    assert list(given.grants.values_list("metric", "units")) == [("GIFT_AMOUNT", 1500)] * 2


def test_a_budget_that_does_not_bear_it_refuses_the_whole_apology():
    apologies(cap=2999, period="MONTH")
    anna, agent = customer(), staff()
    apologise(anna, agent)

    with pytest.raises(BudgetExceeded):
        apologise(anna, agent)

    assert used() == [1500]
    assert (Apology.objects.count(), GiftCard.objects.count(), PromotionGrant.objects.count()) == (1, 1, 1)


def test_points_given_in_a_promotions_name_take_from_its_budget_once():
    given = promotion(budget={"metric": "POINTS", "cap": 100})
    anna = customer()

    for _repeat in range(2):
        adjust_points(anna, points=60, reason="Thanks", promotion=given, source_key="one", at=NOW)
    with pytest.raises(BudgetExceeded):
        adjust_points(anna, points=41, reason="Thanks", promotion=given, source_key="two", at=NOW)

    assert used() == [60]
    assert list(LedgerEntry.objects.values_list("delta", flat=True)) == [60]


def test_a_stopped_promotion_gives_no_points():
    given = promotion(budget={"metric": "POINTS", "cap": 100})
    stop_promotion(given, mode="HARD", reason="enough", at=NOW)

    with pytest.raises(PromotionStopped):
        adjust_points(customer(), points=1, reason="Thanks", promotion=given, at=NOW)

    assert LedgerEntry.objects.count() == 0


def test_points_are_not_taken_in_a_promotions_name():
    with pytest.raises(InvalidInput) as refused:
        adjust_points(customer(), points=-1, reason="Back", promotion=promotion(), at=NOW)

    assert refused.value.details[0].pointer == "/promotion"


def test_the_burn_down_shows_what_was_given_by_day():
    given = promotion(budget={"metric": "POINTS", "cap": 100}, at=NOW - timedelta(days=3))
    for days, points in ((2, 10), (1, 20), (0, 5)):
        at = NOW - timedelta(days=days)
        adjust_points(customer(), points=points, reason="Thanks", promotion=given, at=at)

    burned = burn_down(given.budgets.get(), used=35, at=NOW)

    assert burned.chart.series[0].values[:4] == [100, 90, 70, 65]
    assert burned.pace == 35 / 4
