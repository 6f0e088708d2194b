"""Points by hand, in households and with partners, over days and months: numbers worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.contrib.auth.models import Permission

from coupons.breakage import breakage_at
from coupons.liabilities import liabilities_at
from coupons.models import Lot
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from customers.models import Household, Order
from customers.services import merge_customers
from loyalty.models import PointsShortfall
from loyalty.services import (
    allow_transfers,
    burn_at_partner,
    claw_back_points,
    close_month,
    earn_at_partner,
    earn_points,
    points_limit,
    points_of,
    request_points,
    reverse_posting,
    settlement_of,
    transfer_points,
)
from tests.coupons.factories import customer, staff
from tests.factories import OrderFactory
from tests.loyalty.factories import make_partner, make_rule, with_points

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def household(*people):
    home = Household.objects.create(bond="PHONE", formed_at=MARCH)
    for person in people:
        person.household = home
        person.save()
        allow_transfers(person, source="on paper", at=MARCH)


def test_points_given_on_expire_on_the_day_they_would_have_expired():
    # 100 until the end of 31 March (22:00Z, summer time): 60 go to Bruno on the 1st, 40 stay; on 1 April both
    # have nothing, and 100 have expired in all.
    anna, bruno = customer(), customer()
    household(anna, bruno)
    ends = datetime(2026, 3, 31, 22, tzinfo=UTC)
    ledger.credit(ledger.open_account(anna), units=100, source_key="a", at=MARCH, expires_at=ends)

    transfer_points(anna, to=bruno, points=60, source_key="t", at=MARCH)

    just_before = ends - timedelta(seconds=1)
    assert [points_of(one, at=just_before).balance for one in (anna, bruno)] == [40, 60]
    assert [points_of(one, at=ends).balance for one in (anna, bruno)] == [0, 0]
    expire_lots(at=ends)
    assert liabilities_at(date(2026, 3, 31))[0].months[-1].expired == 100


def test_who_gave_the_points_of_a_return_away_owes_them(settings):
    # An order of 50.00 earned 50; 40 were given to Bruno. It comes back whole: 10 are taken, 40 are owed by
    # Anna, and the next 50 she earns leave her 10. Bruno keeps his 40.
    settings.POINTS_SHORTFALL = "DEBT"
    anna, bruno = customer(), customer()
    household(anna, bruno)
    make_rule()
    order = OrderFactory(customer=anna, ordered_at=MARCH)
    earn_points(order, at=MARCH)
    transfer_points(anna, to=bruno, points=40, source_key="t", at=MARCH)

    Order.objects.filter(pk=order.pk).update(refunded_amount=5000, status="REFUNDED")
    claw_back_points(order, at=MARCH)
    assert (points_of(anna, at=MARCH).balance, PointsShortfall.objects.get().points) == (0, 40)
    earn_points(OrderFactory(customer=anna, ordered_at=MARCH), at=MARCH)

    assert [points_of(one, at=MARCH).balance for one in (anna, bruno)] == [10, 40]


def test_the_limit_of_the_day_with_twenty_five_hours():
    # 25 October 2026 in Rome begins at 22:00Z of the 24th and ends at 23:00Z of the 25th.
    boss = staff("boss")
    boss.user_permissions.add(Permission.objects.get(codename="approve_points"))
    agent, anna = staff(), customer()
    begins, last = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 22, 59, tzinfo=UTC)
    give = {"agent": agent, "reason": "sorry"}

    request_points(anna, points=3000, token="a", at=begins, **give)
    request_points(anna, points=2000, token="b", at=last, **give)

    assert points_limit(agent, at=begins - timedelta(seconds=1)).used_points == 0
    assert points_limit(agent, at=last).remaining_points == 0
    assert points_limit(agent, at=last + timedelta(minutes=1)).used_points == 0


def test_points_earned_at_a_partner_on_a_leap_day_last_until_the_28th():
    # Twelve months from 29 February 2028 end with 28 February 2029, at 23:00Z in winter.
    at = datetime(2028, 2, 29, 12, tzinfo=UTC)
    earn_at_partner(make_partner(valid_months=12), customer(), source_id="1", amount=1000, at=at)

    assert Lot.objects.get().expires_at == datetime(2029, 2, 28, 23, tzinfo=UTC)


def test_new_year_s_eve_belongs_to_january_from_midnight_in_rome():
    # 22:59Z is 23:59 of 31 December, 23:00Z is midnight: 10.00 and 20.00 are 10 points and 20.
    # December: 10 * 0.8 = 8; January: 20 * 0.8 = 16.
    bar, anna = make_partner(), customer()
    eve = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
    earn_at_partner(bar, anna, source_id="1", amount=1000, at=eve)
    earn_at_partner(bar, anna, source_id="2", amount=2000, at=eve + timedelta(minutes=1))

    assert settlement_of(bar, date(2026, 12, 1)).earned_amount == 8
    assert settlement_of(bar, date(2027, 1, 1)).earned_amount == 16


def test_what_was_burned_comes_back_to_an_expired_lot_and_expires_as_it_comes():
    # 100 until 31 March, 60 burned with the bar for 30 cents and given back in April: Anna has nothing, the
    # bar gets nothing for April (60 - 60 = 0 over both months), and 100 have expired.
    bar, anna = make_partner(), customer()
    ends = datetime(2026, 3, 31, 22, tzinfo=UTC)
    ledger.credit(ledger.open_account(anna), units=100, source_key="a", at=MARCH, expires_at=ends)
    burned = burn_at_partner(bar, anna, source_id="1", amount=30, at=MARCH)
    april = ends + timedelta(days=5)
    close_month(bar, date(2026, 3, 1), by=None, at=april)

    reverse_posting(burned, source_id="2", at=april)

    assert (burned.points, points_of(anna, at=april).balance) == (-60, 0)
    months = [settlement_of(bar, date(2026, month, 1)).balance_amount for month in (3, 4)]
    assert months == [-30, 30]
    expire_lots(at=april)
    assert sum(one.expired for one in liabilities_at(date(2026, 4, 30))[0].months) == 100


def test_a_reversal_after_a_merge_takes_from_all_the_accounts_of_the_person():
    # The double earned 90 at the bar and spent 50; Anna has 30 of her own. Merged and reversed, 40 + 30 of
    # the 90 are there: 70 are taken, and the bar pays for 20: 20 * 0.8 = 16.
    bar, anna, double = make_partner(), with_points(30, at=MARCH), customer()
    earned = earn_at_partner(bar, double, source_id="1", amount=9000, at=MARCH)
    ledger.debit(ledger.open_account(double), units=50, source_key="redemption:1:1", at=MARCH)
    merge_customers(anna, losers=[double], reason="one person", at=MARCH)
    earned.refresh_from_db()

    back = reverse_posting(earned, source_id="2", at=MARCH)

    assert (back.points, points_of(anna, at=MARCH).balance) == (-70, 0)
    assert settlement_of(bar, date(2026, 3, 1)).earned_amount == 16


def test_breakage_rounds_once_and_takes_the_longest_known_for_longer_lives():
    # Three lots of 10 lived 30 days and ended; of each 7 were spent on the first day (29 whole days left):
    # 9 of 30 broke. Before that day 9/30 broke, after it all 9 of 9. Standing: 5 with 100 days (as with 30:
    # 5 * 0.3 = 1.5) and 1 with 3 days (1): 2.5, rounded once to 3.
    account = ledger.open_account(customer())
    until = datetime(2026, 10, 20, 22, tzinfo=UTC)
    end = until - timedelta(days=2)
    for number in range(3):
        lot = {"source_key": f"a{number}", "at": end - timedelta(days=30), "expires_at": end}
        ledger.credit(account, units=10, **lot)
        later = end - timedelta(days=29, hours=12)
        ledger.debit(account, units=7, source_key=f"redemption:{number}:1", at=later)
    for units, days in [(5, 100), (1, 3)]:
        ends = until + timedelta(days=days)
        ledger.credit(account, units=units, source_key=f"b{days}", at=end, expires_at=ends)

    breakage = breakage_at(date(2026, 10, 20))

    assert (breakage.earned, breakage.expired, breakage.expected) == (30, 9, 3)
    assert breakage.rate == Fraction(3, 10)
