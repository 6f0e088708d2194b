"""Tiers, with every number worked out by hand. Instants are Rome's; amounts minor units."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from customers.models import Event, Order, SegmentMembership
from customers.services import dispatch_events
from customers.services.orders import record_order
from customers.services.rollups import refresh_rollups
from loyalty.models import TierPeriod
from loyalty.services.earning import claw_back_points
from loyalty.services.tier_reviews import TierReview, review_tiers
from loyalty.services.tiers import follow_tier, tier_of
from tests.factories import CustomerFactory
from tests.loyalty.factories import make_rule
from tests.loyalty.tiers import buy, make_ladder, make_tiers

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")


def rome(year, month, day, hour=12, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=ROME)


def codes_of(customer):
    return list(
        TierPeriod.objects.filter(customer=customer).order_by("pk").values_list("tier__code", flat=True)
    )


def test_gold_of_a_calendar_year_is_kept_through_the_year_after_it_was_earned():
    """600 + 450 EUR in 2026 are 1,050: Gold (1,000). In 2027 only 990: at its end it goes to Silver (500).

    31 December 2026 renews it to 31 December 2027 (1,050 in 2026). On 1 January 2028: 990 in 2027, Silver.
    """
    make_ladder(window="CALENDAR")
    make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    for amount, at in ((60000, rome(2026, 2, 1)), (45000, rome(2026, 10, 1))):
        buy(customer, amount, at)
        follow_tier(customer, at=at)
    buy(customer, 99000, rome(2027, 6, 1))

    renewed = review_tiers(at=rome(2027, 1, 1, 3))
    quiet = review_tiers(at=rome(2027, 12, 31, 23, 59))
    lowered = review_tiers(at=rome(2028, 1, 1, 3))

    assert (renewed, quiet, lowered) == (TierReview(kept=1), TierReview(), TierReview(fallen=1))
    assert codes_of(customer) == ["silver", "gold", "silver"]
    last = TierPeriod.objects.open().get()
    assert (last.cause, last.started_at) == ("LOWERED", rome(2028, 1, 1, 3))
    # What it was lowered to is promised for the new year, with nothing bought in it yet.
    assert (last.kept_until.isoformat(), last.value) == ("2028-12-31", 0)


def test_what_is_bought_in_the_grace_still_saves_the_tier():
    """Gold reached on 10 March 2026 is promised to 9 March 2027; with 30 days of grace it falls on 9 April.

    From 10 March 2026: 1,000 the first day. Review window of the second year: 10 March 2027 to 8 April 2028
    (9 March and 30 days). 700 in June and 300 on 8 April 2028 at 23:59 are 1,000: kept to 9 March 2029.
    """
    make_ladder(grace_days=30)
    make_tiers(gold=100000)
    customer, late = CustomerFactory(), CustomerFactory()
    for person in (customer, late):
        buy(person, 100000, rome(2026, 3, 10))
        follow_tier(person, at=rome(2026, 3, 10))
        buy(person, 70000, rome(2027, 6, 1))
    buy(customer, 30000, rome(2028, 4, 8, 23, 59))
    buy(late, 30000, rome(2028, 4, 9, 0, 1))

    assert review_tiers(at=rome(2027, 4, 8)) == TierReview()
    assert review_tiers(at=rome(2027, 4, 9)) == TierReview(kept=2)
    # The window of the first year, 10 March 2026 to 8 April 2027, held the 1,000 of the first day.
    assert set(TierPeriod.objects.values_list("kept_until", flat=True)) == {rome(2028, 3, 9).date()}
    # Looked at on 9 April 2028 at noon: who bought one minute after the grace has 700 + 300 in the twelve
    # months to that day (10 April 2027 to 9 April 2028) as well, so that nobody falls.
    assert review_tiers(at=rome(2028, 4, 9)) == TierReview(kept=2)


def test_a_return_takes_the_tier_only_when_its_period_ends():
    """500 points for 500.00: Silver. All of it comes back in May, yet the tier stays to 31 December 2026."""
    make_ladder(metric="POINTS", window="CALENDAR")
    make_tiers(silver=500)
    make_rule()
    customer = CustomerFactory()
    order = buy(customer, 50000, rome(2026, 4, 1))
    follow_tier(customer, at=rome(2026, 4, 1))
    Order.objects.filter(pk=order.pk).update(refunded_amount=50000)
    claw_back_points(order, at=rome(2026, 5, 1))

    assert review_tiers(at=rome(2026, 6, 1)) == TierReview()
    assert tier_of(customer, at=rome(2026, 12, 31, 23, 59)).code == "silver"
    assert review_tiers(at=rome(2027, 1, 1)) == TierReview(fallen=1)
    assert tier_of(customer, at=rome(2027, 1, 1)) is None
    assert not SegmentMembership.objects.current().filter(customer=customer).exists()


def test_points_taken_back_count_no_more_towards_a_tier():
    """300 + 300 points, of the second order a third comes back: 300 + 200 = 500, exactly Silver."""
    make_ladder(metric="POINTS")
    make_tiers(silver=500, gold=501)
    make_rule()
    customer = CustomerFactory()
    buy(customer, 30000, rome(2026, 4, 1))
    second = buy(customer, 30000, rome(2026, 4, 2))
    Order.objects.filter(pk=second.pk).update(refunded_amount=10000)
    claw_back_points(second, at=rome(2026, 4, 3))

    period = follow_tier(customer, at=rome(2026, 4, 4))

    assert (period.tier.code, period.value) == ("silver", 500)


def test_a_day_of_a_window_is_a_day_of_rome_also_when_the_clocks_change():
    """Twelve months to 25 October 2026 begin on 26 October 2025, 00:00 in Rome.

    That night is still summer time (the clocks go back at 3:00): 22:00 UTC of the 25th. A second before does
    not count. To the same day of 2027 they begin on 26 October 2026, 00:00, winter time: 23:00 UTC.
    """
    make_ladder()
    make_tiers(silver=50000)
    early, timely = CustomerFactory(), CustomerFactory()
    buy(early, 50000, datetime(2025, 10, 25, 21, 59, 59, tzinfo=UTC))
    buy(timely, 50000, datetime(2025, 10, 25, 22, 0, 0, tzinfo=UTC))
    night = rome(2026, 10, 25, 3)

    assert follow_tier(early, at=night) is None
    assert follow_tier(timely, at=night).tier.code == "silver"
    buy(early, 50000, datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC))
    assert follow_tier(early, at=rome(2027, 10, 25)) is None
    buy(early, 50000, datetime(2026, 10, 25, 23, 0, 0, tzinfo=UTC))
    assert follow_tier(early, at=rome(2027, 10, 25)).tier.code == "silver"


def test_a_tier_reached_on_a_leap_day_is_promised_to_the_day_before_the_next_28_february():
    """29 February 2028 and 12 months is 28 February 2029, so that the last day is 27 February 2029."""
    make_ladder()
    make_tiers(silver=50000)
    customer = CustomerFactory()
    buy(customer, 50000, rome(2028, 2, 29))

    period = follow_tier(customer, at=rome(2028, 2, 29))

    assert period.kept_until.isoformat() == "2029-02-27"
    assert review_tiers(at=rome(2029, 2, 27)) == TierReview()
    # 28 February 2028 to 27 February 2029 holds the order: it is kept once more.
    assert review_tiers(at=rome(2029, 2, 28)) == TierReview(kept=1)
    assert TierPeriod.objects.get().kept_until.isoformat() == "2030-02-27"


def test_years_as_a_customer_are_counted_from_the_first_order():
    """First order on 15 June 2021: five years on 15 June 2026 in Rome, and not the evening before."""
    make_ladder(metric="YEARS")
    make_tiers(regular=1, veteran=5)
    customer = CustomerFactory()
    buy(customer, 100, rome(2021, 6, 15, 18))
    refresh_rollups([customer.pk])

    assert review_tiers(at=rome(2026, 6, 14, 23, 59)) == TierReview(risen=1)
    assert tier_of(customer, at=rome(2026, 6, 14, 23, 59)).code == "regular"
    assert review_tiers(at=rome(2026, 6, 15, 0, 1)) == TierReview(risen=1)
    assert TierPeriod.objects.open().get().kept_until is None
    assert review_tiers(at=rome(2099, 1, 1)) == TierReview()


def test_whoever_falls_lands_softly_one_step_a_period():
    """Platinum of 2026 and nothing since: Platinum in 2027, Gold in 2028, Silver in 2029, none in 2030."""
    make_ladder(window="CALENDAR", soft_landing=True)
    make_tiers(silver=10000, gold=20000, platinum=30000)
    customer = CustomerFactory()
    buy(customer, 30000, rome(2026, 5, 1))
    follow_tier(customer, at=rome(2026, 5, 1))

    reviews = [review_tiers(at=rome(year, 1, 1, 3)) for year in (2027, 2028, 2029, 2030, 2031)]

    assert reviews == [TierReview(kept=1), *[TierReview(fallen=1)] * 3, TierReview()]
    assert codes_of(customer) == ["platinum", "gold", "silver"]
    assert tier_of(customer, at=rome(2030, 1, 1, 3)) is None


def test_a_customer_without_any_order_has_the_tier_that_begins_at_zero():
    """Of two customers one bought for 500.00: Base and Silver. A prospect begins at nothing."""
    make_ladder()
    make_tiers(base=0, silver=50000)
    idle, buyer = CustomerFactory(), CustomerFactory()
    CustomerFactory(status="PROSPECT")
    CustomerFactory(status="ACTIVE", restricted_at=rome(2026, 1, 1))
    buy(buyer, 50000, rome(2026, 5, 1))

    first = review_tiers(at=rome(2026, 5, 2))
    again = review_tiers(at=rome(2026, 5, 2))

    assert (first, again) == (TierReview(risen=2), TierReview())
    assert codes_of(idle) + codes_of(buyer) == ["base", "silver"]
    assert Event.objects.filter(type="tier.changed").count() == 2


def test_an_order_that_is_told_lifts_whoever_placed_it():
    """The order earns 540 points on the old tier, then its customer rises: 540 >= 500."""
    now = timezone.now()
    make_ladder(metric="POINTS")
    make_tiers(silver=500)
    make_rule()
    customer = CustomerFactory()
    order = {
        "source": "pos",
        "source_id": "1",
        "customer": {"id": str(customer.public_id)},
        "ordered_at": now,
        "currency": "EUR",
        "lines": [{"line_id": "1", "sku": "A", "quantity": 1, "unit_price": 54000}],
    }

    record_order(order, at=now)
    while dispatch_events():
        pass

    period = TierPeriod.objects.get(customer=customer)
    assert (period.tier.code, period.value) == ("silver", 540)
