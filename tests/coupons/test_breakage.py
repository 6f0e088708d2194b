"""Which part of the points that are owed will expire: shares worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from coupons.breakage import Ahead, breakage_at, expected_shares
from coupons.liabilities import liabilities_at
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from tests.coupons.factories import customer

# The end of 20 October in Rome.
UNTIL = datetime(2026, 10, 20, 22, tzinfo=UTC)
DAY = date(2026, 10, 20)


def days(count):
    return timedelta(days=count)


def test_the_share_that_expires_grows_as_the_end_comes_near():
    # 180 earned with 90 days; 40 spent 50 days before the end, 30 spent 10 days before it: 110 expire.
    # More than 50 days before: 110 of 180. More than 10: 110 of 140. Then: all 110 that stand.
    shares = expected_shares({90: (180, 110)}, {50: 40, 10: 30})

    assert (shares[90], shares[51]) == (Fraction(11, 18), Fraction(11, 18))
    assert (shares[50], shares[11]) == (Fraction(11, 14), Fraction(11, 14))
    assert (shares[10], shares[0]) == (1, 1)
    assert expected_shares({}, {}) == {}


@pytest.mark.django_db
def test_breakage_is_expected_as_points_tell_that_ended_within_a_year():
    # Ended 10 days ago after 90 days: 100 of which 40 were spent with 50 days left, 60 expired; and 100 of
    # which 20 were taken back and 30 spent with 10 days left, 50 expired. 110 of 180 broke.
    # Standing: 360 with 60 days left, 11/18 of them = 220; 140 with 30 days, 11/14 = 110; 50 with 5: all.
    account = ledger.open_account(customer())
    end = UNTIL - days(10)
    ledger.credit(account, units=100, source_key="a", at=end - days(90), expires_at=end)
    ledger.debit(account, units=40, source_key="redemption:1:1", at=end - days(50))
    expire_lots(at=end)
    other = ledger.open_account(customer())
    ledger.credit(other, units=100, source_key="b", at=end - days(90), expires_at=end)
    ledger.claw_back(other, units=20, source_key="returned:1:20", at=end - days(80))
    ledger.debit(other, units=30, source_key="redemption:2:1", at=end - days(10))
    for units, left in [(360, 60), (140, 30), (50, 5)]:
        at, until = UNTIL - days(1), UNTIL + days(left)
        ledger.credit(account, units=units, source_key=f"{left}", at=at, expires_at=until)
    ledger.credit(account, units=1000, source_key="ever", at=UNTIL - days(1))
    # What is older than a year, and what is spent tomorrow, changes nothing today.
    ledger.credit(other, units=7, source_key="o", at=UNTIL - days(500), expires_at=UNTIL - days(400))
    ledger.debit(account, units=25, source_key="redemption:3:1", at=UNTIL + days(1))

    breakage = breakage_at(DAY)

    assert (breakage.earned, breakage.expired, breakage.rate) == (180, 110, Fraction(11, 18))
    assert breakage.ahead == (Ahead(0, 50, 50), Ahead(1, 140, 110), Ahead(2, 360, 220))
    assert (breakage.points, breakage.expected, breakage.for_ever) == (1550, 380, 1000)


@pytest.mark.django_db
def test_taken_back_and_handed_on_are_not_spent():
    account, other = ledger.open_account(customer()), ledger.open_account(customer())
    at = UNTIL - days(3)
    ledger.credit(account, units=500, source_key="a", at=at)
    ledger.claw_back(account, units=60, source_key="returned:1:60", at=at)
    ledger.debit(account, units=10, source_key="adjusted:request:x", at=at)
    ledger.debit(account, units=100, source_key="redemption:1:1", at=at)
    ledger.hand_over(account, to=other, units=200, source_key="t", at=at)

    (points,) = liabilities_at(DAY)

    month = points.months[-1]
    assert (month.credited, month.spent, month.taken_back, month.owed) == (500, 100, 70, 330)


@pytest.mark.django_db
def test_without_points_there_is_no_breakage():
    breakage = breakage_at(DAY)

    assert (breakage.rate, breakage.points, breakage.expected, breakage.ahead) == (None, 0, 0, ())
