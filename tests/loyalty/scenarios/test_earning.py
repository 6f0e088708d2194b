"""What orders and events earn: every number worked out by hand, in minor units and Europe/Rome."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from coupons.models import Account, LedgerEntry, Lot
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from customers.models import Order, Product, Return, ReturnLine
from customers.services import record_event
from loyalty.models import EarningCounter, PointsAccrual
from loyalty.services import claw_back_points, earn_on_event, earn_points, points_of, simulate_earning
from loyalty.services.prolonging import prolong_by_activity
from loyalty.services.signs_of_life import tell_birthdays, tell_complete_profiles
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SalesChannelFactory,
    StoreFactory,
)
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")


def rome(text):
    """An instant as clocks in Rome show it, given with its offset."""
    return datetime.fromisoformat(text)


def buy(*lines, at=NOON, **fields):
    return OrderFactory(lines=list(lines), ordered_at=at, **fields)


def earned(order, at=None):
    return sum(one.points for one in earn_points(order, at=at or order.ordered_at))


def take_back(order, line, quantity, refund):
    row = Return.objects.create(
        order=order, external_id=str(order.returns.count()), returned_at=NOON, refund_amount=refund
    )
    ReturnLine.objects.create(
        parent=row, line=order.lines.get(line_id=line), quantity=Decimal(quantity), refund_amount=refund
    )
    Order.objects.filter(pk=order.pk).update(refunded_amount=order.refunded_amount + refund)
    order.refresh_from_db()


def happen(type, customer, at=NOON, key="1", **fields):
    event = record_event(type, external_id=f"{type}:{key}", customer=customer, occurred_at=at, **fields)
    return sum(one.points for one in earn_on_event(event, at=at))


def test_12_one_point_per_full_euro_after_the_coupon_and_gold_gets_half_more():
    # 59.90 - 5.90 = 54.00: 54 points; 54 x 1.5 = 81.
    make_rule(multipliers=[{"factor": "1.5", "stores": ["gold"]}])

    plain = earned(buy(("A", 1, 5990, 590)))
    gold = earned(buy(("A", 1, 5990, 590), store=StoreFactory(code="gold")))

    assert (plain, gold) == (54, 81)


def test_13_the_earliest_expiry_is_spent_first_and_what_expires_is_gone():
    customer = CustomerFactory()
    account = ledger.open_account(customer)
    began = rome("2026-01-10T12:00:00+01:00")
    ends = {100: "2026-07-01T00:00:00+02:00", 50: "2026-04-01T00:00:00+02:00", 200: None}
    for units, end in ends.items():
        end = rome(end) if end else None
        ledger.credit(account, units=units, source_key=f"lot{units}", at=began, expires_at=end)

    # 120 on 1 March: 50 that end on 31 March, then 70 of the 100; 30 + 200 are left, and 200 after 30 June.
    march = rome("2026-03-01T12:00:00+01:00")
    ledger.debit(account, units=120, source_key="spent", at=march)

    assert dict(Lot.objects.values_list("earned", "remaining")) == {100: 30, 50: 0, 200: 200}
    assert points_of(customer, at=march).balance == 230
    assert points_of(customer, at=rome("2026-06-30T23:59:59+02:00")).balance == 230
    assert points_of(customer, at=rome("2026-07-01T00:00:00+02:00")).balance == 200
    assert expire_lots(at=rome("2026-07-01T01:15:00+02:00")) == 1
    assert LedgerEntry.objects.latest("pk").delta == -30
    assert Account.objects.get().balance == 200


def test_only_the_lines_of_a_category_count_without_an_excluded_brand():
    # Wine 2 x 9.99 = 19.98 less 1.00 = 18.98; the other wine is of the excluded brand: 18 points.
    make_rule(conditions={"items": {"categories": ["Wine"], "exclude": {"brands": ["Acme"]}}})
    ProductFactory(sku="W1", category="Wine", brand="Rossi")
    ProductFactory(sku="W2", category="Wine", brand="Acme")

    order = buy(("W1", 2, 1998, 100), ("W2", 1, 5000, 0), ("B", 1, 300, 0))

    assert earned(order) == 18
    assert PointsAccrual.objects.get().line_ids == [order.lines.get(product__sku="W1").pk]


def test_pieces_earn_by_full_threes_and_lose_by_what_is_left_of_them():
    # 8 pieces: 8 x 10 / 3 = 26.67: 26 points. Two come back: 6 x 10 / 3 = 20; 6 are lost. All back: 20 more.
    make_rule(kind="PER_UNIT", points=10, per_amount=None, per_quantity=3)
    order = buy(("A", 8, 8000, 0))

    first = earned(order)
    take_back(order, "1", 2, 2000)
    lost = claw_back_points(order, at=NOON)
    take_back(order, "1", 6, 6000)
    rest = claw_back_points(order, at=NOON)

    assert (first, lost, rest) == (26, 6, 20)


def test_a_return_of_other_goods_takes_nothing_from_the_rule_of_a_category():
    # Wine 30.00 at 2 a euro: 60. The bread comes back: still 60. Half the wine: 30.
    make_rule(points=2, conditions={"items": {"categories": ["Wine"]}})
    ProductFactory(sku="W", category="Wine")
    order = buy(("W", 2, 3000, 0), ("BREAD", 1, 1000, 0))
    earned(order)

    take_back(order, "2", 1, 1000)
    bread = claw_back_points(order, at=NOON)
    take_back(order, "1", 1, 1500)
    wine = claw_back_points(order, at=NOON)

    assert (bread, wine) == (0, 30)
    assert points_of(order.customer, at=NOON).balance == 30


def test_a_bonus_from_a_minimum_on_is_lost_when_the_rest_falls_below_it():
    # 80.00 >= 50.00: 100 points. 40.00 come back: 40.00 are left, and the bonus is gone.
    make_rule(kind="PER_EVENT", points=100, per_amount=None, conditions={"minimum_amount": 5000})
    order = buy(("A", 2, 8000, 0))

    first = earned(order)
    take_back(order, "1", 1, 4000)

    assert (first, claw_back_points(order, at=NOON)) == (100, 100)
    assert earned(buy(("A", 1, 4999, 0))) == 0


def test_a_cap_of_a_month_gives_what_is_left_of_it_and_a_return_makes_room():
    # At most 100 a month. 70.00: 70; 50.00: 30; 10.00: 0. The first comes back: 70 are free, 10.00 give 10.
    # On 1 December it begins anew.
    make_rule(caps=[{"subject": "CUSTOMER", "period": "MONTH", "points": 100}])
    anna = CustomerFactory()
    orders = [buy(("A", 1, amount, 0), customer=anna) for amount in (7000, 5000, 1000)]

    given = [earned(order) for order in orders]
    take_back(orders[0], "1", 1, 7000)
    back = claw_back_points(orders[0], at=NOON)
    room = earned(buy(("A", 1, 1000, 0), customer=anna))
    december = earned(buy(("A", 1, 9000, 0), customer=anna, at=rome("2026-12-01T00:00:00+01:00")))

    assert (given, back, room, december) == ([70, 30, 0], 70, 10, 90)
    assert list(EarningCounter.objects.order_by("starts_on").values_list("units", "times")) == [
        (40, 2),
        (90, 1),
    ]


def test_a_capped_order_loses_by_a_return_only_what_the_rest_would_not_earn():
    # At most 50 an order. 80.00: 50. 20.00 come back: 60.00 would earn 60, so all 50 stay. 20.00 more: 40.
    make_rule(caps=[{"subject": "EVENT", "points": 50}])
    order = buy(("A", 4, 8000, 0))
    first = earned(order)

    take_back(order, "1", 1, 2000)
    none = claw_back_points(order, at=NOON)
    take_back(order, "1", 1, 2000)
    some = claw_back_points(order, at=NOON)

    assert (first, none, some) == (50, 0, 10)


def test_points_wait_until_nothing_can_be_returned_and_then_live_to_31_march():
    # 21 November + 14 whole days: from 6 December 00:00; good until 31 March 2027, the end of that day.
    make_rule(holding="RETURN_WINDOW", expiry={"kind": "DATE", "month": 3, "day": 31, "years": 1})
    order = buy(("A", 1, 5000, 0))
    earned(order)

    lot = Lot.objects.get()
    pending = points_of(order.customer, at=NOON)

    assert lot.activates_at == rome("2026-12-06T00:00:00+01:00")
    assert lot.expires_at == rome("2027-04-01T00:00:00+02:00")
    assert (pending.balance, pending.pending) == (0, 50)
    assert points_of(order.customer, at=lot.activates_at).balance == 50


def test_a_return_takes_pending_points_before_those_that_can_be_spent():
    # 30 active and 50 pending. The pending order comes back whole: the 30 stay.
    make_rule()
    make_rule(code="held", conditions={"stores": ["milan"]}, holding="DAYS", holding_days=30)
    anna = CustomerFactory()
    earned(buy(("A", 1, 3000, 0), customer=anna))
    held = buy(("B", 1, 5000, 0), customer=anna, store=StoreFactory(code="milan"))
    earned(held)

    before = points_of(anna, at=NOON)
    take_back(held, "1", 1, 5000)
    claw_back_points(held, at=NOON)
    after = points_of(anna, at=NOON)

    assert (before.balance, before.pending) == (80, 50)
    # Both rules lose 50: the 50 pending first, then 50 that could be spent.
    assert (after.balance, after.pending) == (30, 0)


def test_an_exclusive_rule_counts_alone_and_of_two_the_higher_priority():
    # 10.00: base 10, promotion 20 (priority 1), premiere 50 (priority 2). Only the premiere counts.
    make_rule()
    make_rule(code="double", points=2, exclusive=True, priority=1)
    make_rule(code="premiere", points=5, exclusive=True, priority=2, conditions={"stores": ["milan"]})

    milan = earned(buy(("A", 1, 1000, 0), store=StoreFactory(code="milan")))
    rome_ = earned(buy(("A", 1, 1000, 0)))

    assert (milan, rome_) == (50, 20)


def test_happy_hours_follow_the_clock_through_the_end_of_summer_time():
    # Thursdays 09:00 to 11:00, half-open: 22 October 07:30Z is 09:30; 29 October 07:30Z is 08:30.
    make_rule(
        multipliers=[{"factor": "2", "weekdays": ["THU"], "hours": {"from": "09:00", "until": "11:00"}}]
    )

    given = [
        earned(buy(("A", 1, 1000, 0), at=datetime(2026, 10, day, hour, minute, tzinfo=UTC)))
        for day, hour, minute in ((22, 7, 30), (29, 7, 30), (29, 8, 0), (29, 9, 59), (29, 10, 0))
    ]

    assert given == [20, 10, 20, 20, 10]


def test_a_day_of_summer_time_has_23_hours_and_a_daily_cap_follows_it():
    # 29 March 2026 begins 23:00Z the day before and ends 22:00Z. Once a day.
    make_rule(
        kind="PER_EVENT",
        points=5,
        per_amount=None,
        caps=[{"subject": "CUSTOMER", "period": "DAY", "times": 1}],
    )
    anna = CustomerFactory()
    instants = [
        datetime(2026, 3, 28, 22, 59, tzinfo=UTC),
        datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 21, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 22, 0, tzinfo=UTC),
    ]

    assert [earned(buy(("A", 1, 1000, 0), customer=anna, at=at)) for at in instants] == [5, 5, 0, 5]


@pytest.mark.parametrize(
    ("bought", "expiry", "last_good"),
    [
        # 31 January + 13 months is 28 February 2027; of 2028, a leap year, the 29th.
        ("2026-01-31T12:00:00+01:00", {"kind": "MONTHS", "months": 13}, "2027-02-28"),
        ("2027-01-31T12:00:00+01:00", {"kind": "MONTHS", "months": 13}, "2028-02-29"),
        ("2028-02-29T12:00:00+01:00", {"kind": "MONTHS", "months": 12}, "2029-02-28"),
        # 28 February 2028 + 2 days: 1 March, because there is a 29th.
        ("2028-02-28T12:00:00+01:00", {"kind": "DAYS", "days": 2}, "2028-03-01"),
        # The last minute of the year is still of the year.
        ("2026-12-31T23:59:00+01:00", {"kind": "DATE", "month": 12, "day": 31, "years": 0}, "2026-12-31"),
        ("2027-01-01T00:01:00+01:00", {"kind": "DATE", "month": 12, "day": 31, "years": 0}, "2027-12-31"),
        ("2026-03-01T12:00:00+01:00", {"kind": "DATE", "month": 2, "day": 29, "years": 1}, "2027-02-28"),
        ("2026-03-01T12:00:00+01:00", {"kind": "DATE", "month": 2, "day": 29, "years": 2}, "2028-02-29"),
        # A day before 28 February of the same year is over: the next one.
        ("2026-03-01T12:00:00+01:00", {"kind": "DATE", "month": 2, "day": 28, "years": 0}, "2027-02-28"),
    ],
)
def test_points_are_good_until_the_end_of_a_day(bought, expiry, last_good):
    make_rule(expiry=expiry)

    earned(buy(("A", 1, 1000, 0), at=rome(bought)))

    local = Lot.objects.get().expires_at.astimezone(ROME)
    assert (local.hour, local.minute) == (0, 0)
    assert (local - timedelta(seconds=1)).date().isoformat() == last_good


def test_activity_moves_the_end_and_what_has_expired_stays_expired():
    # 6 months: earned on 10 January, good to 10 July. An order on 1 June: to 1 December. A visit on
    # 20 November moves both lots to 20 May 2027. Nothing more comes: booked after 20 May.
    make_rule(expiry={"kind": "INACTIVITY", "months": 6})
    anna = CustomerFactory()
    earned(buy(("A", 1, 1000, 0), customer=anna, at=rome("2026-01-10T12:00:00+01:00")))
    assert ends() == ["2026-07-11"]

    earned(buy(("A", 1, 2000, 0), customer=anna, at=rome("2026-06-01T12:00:00+02:00")))
    assert ends() == ["2026-12-02", "2026-12-02"]

    record_event(
        "visit.recorded", external_id="v", customer=anna, occurred_at=rome("2026-11-20T18:00:00+01:00")
    )
    assert prolong_by_activity(at=rome("2026-11-21T03:00:00+01:00")) == 2
    assert prolong_by_activity(at=rome("2026-11-21T04:00:00+01:00")) == 0
    assert ends() == ["2027-05-21", "2027-05-21"]

    late = rome("2027-05-21T12:00:00+02:00")
    assert points_of(anna, at=late).balance == 0
    assert expire_lots(at=late) == 2
    record_event("visit.recorded", external_id="w", customer=anna, occurred_at=late)
    assert prolong_by_activity(at=late + timedelta(hours=1)) == 0
    assert Account.objects.get().balance == 0


def ends():
    """The local days on which lots end, exclusive."""
    zone = ROME
    return [lot.expires_at.astimezone(zone).date().isoformat() for lot in Lot.objects.order_by("pk")]


def test_a_review_of_wine_with_five_stars_earns_and_others_do_not():
    make_rule(
        code="review", kind="PER_EVENT", event_type="review.written", points=20, per_amount=None,
        conditions={"items": {"categories": ["Wine"]}, "payload": {"rating": 5}},
    )  # fmt: skip
    wine, bread = ProductFactory(sku="W", category="Wine"), ProductFactory(sku="B", category="Bread")
    anna = CustomerFactory()

    assert happen("review.written", anna, key="1", product=wine, payload={"rating": 5}) == 20
    assert happen("review.written", anna, key="2", product=wine, payload={"rating": 4}) == 0
    assert happen("review.written", anna, key="3", product=bread, payload={"rating": 5}) == 0
    assert happen("review.written", anna, key="4", payload={"rating": 5}) == 0
    assert points_of(anna, at=NOON).balance == 20


def test_a_birthday_is_told_once_a_year_and_the_29th_of_february_on_the_28th():
    make_rule(code="birthday", kind="PER_EVENT", event_type="customer.birthday", points=100, per_amount=None)
    leap = CustomerFactory(birth_date="1992-02-29")
    CustomerFactory(birth_date="1992-03-02")

    # 2027 has no 29th: on the 28th, from 00:00 in Rome on. 2028 has: not on the 28th.
    assert tell_birthdays(at=rome("2027-02-28T00:10:00+01:00")) == 1
    assert tell_birthdays(at=rome("2027-02-28T09:00:00+01:00")) == 0
    assert tell_birthdays(at=rome("2028-02-28T09:00:00+01:00")) == 0
    assert tell_birthdays(at=rome("2028-02-29T09:00:00+01:00")) == 1
    assert leap.events.filter(type="customer.birthday").count() == 2


def test_a_profile_that_becomes_complete_is_told_once(settings):
    settings.COMPLETE_PROFILE = ["first_name", "email", "birth_date"]
    make_rule(code="profile", kind="PER_EVENT", event_type="profile.completed", points=50, per_amount=None)
    anna, _bruno = CustomerFactory(birth_date="1990-05-05"), CustomerFactory()
    now = anna.updated_at + timedelta(minutes=1)

    assert tell_complete_profiles(at=now) == 1
    assert tell_complete_profiles(at=now) == 0
    assert anna.events.get(type="profile.completed").external_id == f"profile:{anna.pk}"


def test_a_simulation_says_what_is_earned_afterwards():
    # 2 x 10.00 web on Saturday: (1 + 0) x 20 x 2 = 40 of the base; wine only 10.00 x 3 = 30, capped at 25.
    SalesChannelFactory(code="web")
    make_rule(multipliers=[{"factor": "2", "weekdays": ["SAT"], "sales_channels": ["web"]}])
    make_rule(
        code="wine",
        points=3,
        conditions={"items": {"categories": ["Wine"]}},
        caps=[{"subject": "EVENT", "points": 25}],
    )
    Product.objects.create(sku="W", category="Wine")
    anna = CustomerFactory()
    lines = [
        {"sku": "W", "quantity": Decimal(1), "amount": 1000},
        {"sku": "B", "quantity": Decimal(1), "amount": 1000},
    ]

    told = simulate_earning(anna, at=NOON, lines=lines, sales_channel="web")
    order = buy(
        ("W", 1, 1000, 0), ("B", 1, 1000, 0), customer=anna, sales_channel=SalesChannelFactory(code="web")
    )

    assert [one.units for one in told.rules] == [40, 25]
    assert told.points == earned(order) == 65
