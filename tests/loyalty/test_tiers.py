from datetime import date, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import connection

from customers.models import Event, SegmentMembership
from customers.services.merges import merge_customers, undo_merge
from loyalty.errors import TierNotPossible, TierTaken
from loyalty.models import Tier, TierPeriod
from loyalty.services import adjust_points, earn_at_partner, reverse_posting
from loyalty.services.benefits import benefits_of
from loyalty.services.tier_forecasts import forecast_ladder
from loyalty.services.tier_grants import grant_tier
from loyalty.services.tier_ladder import Holders, adopt_ladder, holders_of, resume_tier, retire_tier
from loyalty.services.tier_reviews import review_tiers
from loyalty.services.tier_values import standings_of
from loyalty.services.tiers import follow_tier, tier_of, tiers_at
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_partner, make_rule
from tests.loyalty.tiers import buy, make_ladder, make_tiers

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=30)


def segments_of(customer):
    current = SegmentMembership.objects.current().filter(customer=customer)
    return sorted(current.values_list("segment__code", flat=True))


def test_whoever_spends_enough_rises_at_once_and_stands_in_the_tiers_segment():
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    buy(customer, 60000)

    period = follow_tier(customer, at=NOON)

    assert (period.tier, period.cause, period.value) == (tiers["silver"], "REACHED", 60000)
    assert period.kept_until.isoformat() == "2027-11-20"
    assert tier_of(customer, at=NOON) == tiers["silver"]
    assert segments_of(customer) == ["tier--silver"]
    event = Event.objects.get(type="tier.changed")
    assert (event.customer, event.payload["tier"], event.payload["previous"]) == (customer, "Silver", None)


def test_a_second_rise_ends_the_first_period_where_the_next_begins():
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    buy(customer, 60000)
    follow_tier(customer, at=NOON)
    buy(customer, 40000, LATER)

    follow_tier(customer, at=LATER)

    first, second = TierPeriod.objects.order_by("pk")
    assert (first.tier, first.ended_at) == (tiers["silver"], LATER)
    assert (second.tier, second.started_at, second.ended_at) == (tiers["gold"], LATER, None)
    assert tier_of(customer, at=NOON) == tiers["silver"]
    assert tiers_at([customer.pk], at=LATER) == {customer.pk: tiers["gold"]}
    assert segments_of(customer) == ["tier--gold"]


def test_points_earned_count_and_not_the_balance():
    make_ladder(metric="POINTS")
    make_tiers(silver=500)
    make_rule()
    customer = CustomerFactory()
    order = buy(customer, 49999)
    assert follow_tier(customer, at=NOON) is None
    buy(customer, 100)

    assert follow_tier(customer, at=NOON).value == 500
    assert order.customer_id == customer.pk


def test_nothing_falls_outside_its_period_and_nothing_counts_that_is_too_old():
    make_ladder()
    make_tiers(silver=50000)
    customer = CustomerFactory()
    buy(customer, 60000, NOON - timedelta(days=366))

    assert follow_tier(customer, at=NOON) is None
    assert not TierPeriod.objects.exists()


def test_two_orders_at_once_lift_once(transactional_db):
    make_ladder()
    make_tiers(silver=50000)
    customer = CustomerFactory()
    buy(customer, 60000)

    def follow():
        follow_tier(customer, at=NOON)
        connection.close()

    threads = [Thread(target=follow) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert TierPeriod.objects.count() == 1
    assert Event.objects.filter(type="tier.changed").count() == 1


def test_a_merge_counts_both_and_taking_it_back_leaves_each_what_was_theirs():
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    alice, alicia, carol = CustomerFactory(), CustomerFactory(), CustomerFactory()
    for person in (alice, alicia):
        buy(person, 60000)
        follow_tier(person, at=NOON)

    operation = merge_customers(alice, [alicia], reason="one person", at=LATER)
    together = tier_of(alice, at=LATER)
    segments = segments_of(alice)
    undo_merge(operation, at=LATER + timedelta(days=1))

    after = LATER + timedelta(days=2)
    assert (together, segments) == (tiers["gold"], ["tier--gold"])
    assert [tier_of(one, at=after) for one in (alice, alicia, carol)] == [tiers["silver"]] * 2 + [None]
    assert [segments_of(one) for one in (alice, alicia)] == [["tier--silver"]] * 2
    assert not Event.objects.filter(type="tier.changed", occurred_at__gte=LATER).exists()


def test_whoever_stays_has_the_higher_tier_of_the_two_for_as_long_as_it_was_promised():
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    alice, alicia = CustomerFactory(), CustomerFactory()
    buy(alicia, 120000, NOON - timedelta(days=200))
    follow_tier(alicia, at=NOON - timedelta(days=200))
    order = OrderFactory(customer=alice, ordered_at=NOON, lines=[("A", 1, 100, 0)])
    assert order.customer_id == alice.pk

    merge_customers(alice, [alicia], reason="one person", at=NOON + timedelta(days=100))

    held = TierPeriod.objects.open().get(customer=alice)
    assert (held.tier, held.cause) == (tiers["gold"], "MERGED")
    assert tier_of(alicia, at=NOON + timedelta(days=101)) is None


def test_benefits_are_the_better_of_each():
    make_ladder()
    tiers = make_tiers(silver=50000)
    Tier.objects.update(multiplier=Decimal("1.5"), early_access_hours=24, perks=["A gift"])
    customer = CustomerFactory()
    nothing = benefits_of(customer, at=NOON)
    buy(customer, 60000)
    follow_tier(customer, at=NOON)

    benefits = benefits_of(customer, at=NOON)

    assert (nothing.multiplier, nothing.free_shipping, nothing.promotions) == (Decimal(1), False, ())
    assert (benefits.multiplier, benefits.early_access_hours) == (Decimal("1.5"), 24)
    assert (benefits.perks, benefits.segments) == (("A gift",), ("tier--silver",))
    assert tiers["silver"].segment.code == "tier--silver"


def test_a_retired_tier_is_kept_to_the_end_of_its_period_and_reached_by_nobody():
    """Anna reached gold on NOON: kept a year less a day, then she has silver by what she buys meanwhile."""
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    anna, bea = CustomerFactory.create_batch(2)
    buy(anna, 100000)
    follow_tier(anna, at=NOON)

    retire_tier(tiers["gold"], at=NOON)
    buy(bea, 150000)
    follow_tier(bea, at=NOON)
    review_tiers(at=NOON + timedelta(days=30))

    assert (tier_of(anna, at=NOON), tier_of(bea, at=NOON)) == (tiers["gold"], tiers["silver"])
    assert tier_of(anna, at=NOON + timedelta(days=30)) == tiers["gold"]
    assert holders_of(tiers["gold"]) == Holders(1, 0, date(2027, 11, 20))
    with pytest.raises(TierNotPossible):
        grant_tier(bea, tiers["gold"], until=None, reason="a friend", at=NOON)

    later = NOON + timedelta(days=300)
    buy(anna, 120000, at=later)  # Enough for gold, if there were one.
    end = NOON + timedelta(days=366)
    review_tiers(at=end)
    assert tier_of(anna, at=end) == tiers["silver"]
    assert TierPeriod.objects.open().get(customer=anna).cause == "LOWERED"


def test_a_retired_tier_comes_back_unless_another_took_its_threshold():
    make_ladder()
    gold = make_tiers(gold=100000)["gold"]
    retire_tier(gold, at=NOON)
    anna = CustomerFactory()
    buy(anna, 100000)
    assert follow_tier(anna, at=NOON) is None
    resume_tier(gold, at=NOON)
    assert follow_tier(anna, at=NOON).tier == gold

    retire_tier(gold, at=NOON)
    make_tiers(aurum=100000)
    with pytest.raises(TierTaken):
        resume_tier(gold, at=NOON)


def test_whoever_falls_softly_never_falls_on_a_retired_step():
    make_ladder(soft_landing=True)
    tiers = make_tiers(bronze=1000, silver=50000, gold=100000)
    anna, bea = CustomerFactory.create_batch(2)
    buy(anna, 100000)
    follow_tier(anna, at=NOON)
    grant_tier(bea, tiers["silver"], until=None, reason="a friend", at=NOON)
    retire_tier(tiers["silver"], at=NOON)

    review_tiers(at=NOON + timedelta(days=400))
    end = NOON + timedelta(days=800)
    review_tiers(at=end)

    assert tier_of(anna, at=end) == tiers["bronze"]
    assert tier_of(bea, at=end) == tiers["silver"]


@pytest.mark.parametrize(
    ("switches", "value"),
    [
        ({}, 300),  # At the bar, unless it is switched off; what was reversed there is not.
        ({"partner_points_qualify": False}, 0),
        # The staff gave 50 and took 20 of it; over the API 10 were given, and 5 spent.
        ({"partner_points_qualify": False, "given_points_qualify": True}, 40),
        ({"partner_points_qualify": False, "referral_points_qualify": True}, 30),
        ({"given_points_qualify": True, "referral_points_qualify": True}, 370),
    ],
)
def test_the_merchant_says_which_points_qualify(switches, value):
    ladder = make_ladder(metric="POINTS", **switches)
    bar, anna = make_partner(), CustomerFactory()
    earn_at_partner(bar, anna, source_id="R-1", amount=30000, at=NOON)
    reverse_posting(
        earn_at_partner(bar, anna, source_id="R-2", amount=10000, at=NOON), source_id="S-1", at=NOON
    )
    for key, points in {"request:a": 50, "request:b": -20, "": 10, "referral:1:referrer": 30}.items():
        adjust_points(anna, points=points, reason="why", source_key=key, at=NOON)
    adjust_points(anna, points=-5, reason="at the till", at=NOON)

    standing = standings_of([anna.pk], ladder.rules([]), on=NOON.date())[anna.pk]

    assert standing.value == value


def test_a_switch_is_tried_before_it_holds_and_whoever_qualifies_rises_at_once():
    make_ladder(metric="POINTS")
    gold, anna = make_tiers(gold=100)["gold"], CustomerFactory()
    adjust_points(anna, points=100, reason="sorry", at=NOON)
    assert follow_tier(anna, at=NOON) is None

    rules = {"given_points_qualify": True}
    assert forecast_ladder(rules=rules, thresholds={}, at=NOON).rising == 1
    adopt_ladder(rules=rules, thresholds={}, at=NOON)

    assert follow_tier(anna, at=NOON).tier == gold
