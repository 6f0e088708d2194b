"""What is owed at the end of a day, and by what it changed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from coupons import services
from coupons.admin.liabilities import DayForm, _table
from coupons.breakage import breakage_at
from coupons.liabilities import liabilities_at
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from operations.figure_files import csv_response
from tests.coupons.factories import customer

pytestmark = pytest.mark.django_db
SEPTEMBER = datetime(2026, 9, 10, 10, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 5, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 10, 20, 22, tzinfo=UTC)  # The end of 20 October in Rome.


def card(amount, *, key="a", at=SEPTEMBER, **fields):
    return services.issue_gift_card(amount=amount, currency="EUR", source_key=key, at=at, **fields).card


def test_nothing_is_owed_before_anything_was_given():
    card(5000)

    assert liabilities_at(date(2026, 9, 9)) == []


def test_money_is_owed_from_its_issue_until_it_is_spent_or_has_expired():
    one = card(5000)
    card(2000, key="b", expires_at=MIDNIGHT)
    debit = services.pay_with_gift_card(one, amount=3240, source_key="x", at=OCTOBER)
    ledger.give_back(debit, units=1240, source_key="y", at=OCTOBER + timedelta(days=1))

    (september,) = liabilities_at(date(2026, 9, 30))
    (october,) = liabilities_at(date(2026, 10, 20))

    assert (september.units, september.accounts, september.amount) == (7000, 2, 7000)
    last = october.months[-1]
    assert (last.credited, last.spent, last.returned, last.expired, last.owed) == (0, 3240, 1240, 2000, 3000)
    assert (october.months[-2].owed, october.accounts) == (7000, 1)
    expire_lots(at=MIDNIGHT)
    assert liabilities_at(date(2026, 10, 20)) == [october]
    assert liabilities_at(date(2026, 10, 19))[0].units == 5000


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-10-20", date(2026, 10, 20)),
        ("1900-01-01", date(1900, 1, 1)),
        ("", date(2026, 11, 5)),
        ("soon", date(2026, 11, 5)),
        ("0001-01-01", date(2026, 11, 5)),
        ("2999-12-31", date(2026, 11, 5)),
        ("9999-12-31", date(2026, 11, 5)),
    ],
)
def test_a_day_that_nobody_means_or_that_is_to_come_is_today(monkeypatch, told, meant):
    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 11, 5))

    day = DayForm({"day": told}).day_or_today()

    assert day == meant
    assert (liabilities_at(day), breakage_at(day).points) == ([], 0)


def test_points_are_worth_what_one_of_them_pays(settings):
    settings.POINT_VALUE_AMOUNT = 2
    account = ledger.open_account(customer())
    ledger.credit(account, units=100, source_key="a", at=SEPTEMBER)
    ledger.credit(account, units=50, source_key="b", at=OCTOBER, activates_at=OCTOBER + timedelta(days=14))

    (points,) = liabilities_at(date(2026, 10, 5))

    assert (points.units, points.amount, points.accounts) == (150, 300, 1)


def test_the_tax_of_single_purpose_cards_is_due_in_the_month_of_their_issue():
    card(12200, vat_kind="SPV", tax_rate=Decimal(22))
    card(1000, key="b")

    by_tax = {one.vat_kind: one for one in liabilities_at(date(2026, 9, 30))}

    assert (by_tax["SPV"].tax_amount, by_tax["MPV"].tax_amount) == (2200, 0)
    assert liabilities_at(date(2026, 10, 1))[1].tax_amount == 0


def test_what_comes_back_to_an_expired_lot_is_owed_at_no_day():
    one = card(2000, expires_at=MIDNIGHT)
    debit = services.pay_with_gift_card(one, amount=1500, source_key="x", at=OCTOBER)
    back = MIDNIGHT + timedelta(days=3)
    ledger.give_back(debit, units=900, source_key="y", at=back)
    days = [date(2026, 10, day) for day in (4, 5, 20, 21, 22, 24, 31)]

    unbooked = [liabilities_at(day)[0] for day in days]
    expire_lots(at=back)
    booked = [liabilities_at(day)[0] for day in days]
    ledger.give_back(debit, units=600, source_key="z", at=back + timedelta(days=1))
    again = [liabilities_at(day)[0].units for day in days]

    assert [one.units for one in unbooked] == [2000, 500, 0, 0, 0, 0, 0]
    assert booked == unbooked
    assert again == [2000, 500, 0, 0, 0, 0, 0]
    assert (booked[-1].months[-1].returned, booked[-1].months[-1].expired) == (900, 1400)


def test_money_given_back_at_midnight_expires_on_the_day_it_came():
    one = card(2000, expires_at=MIDNIGHT)
    debit = services.pay_with_gift_card(one, amount=2000, source_key="x", at=OCTOBER)
    ledger.give_back(debit, units=2000, source_key="y", at=MIDNIGHT + timedelta(days=1))
    expire_lots(at=MIDNIGHT + timedelta(days=2))

    assert [liabilities_at(date(2026, 10, day))[0].units for day in (20, 21, 22)] == [0, 0, 0]


def test_the_file_has_plain_numbers():
    card(5000)
    ledger.credit(ledger.open_account(customer()), units=1234, source_key="a", at=SEPTEMBER)

    file = csv_response(_table(liabilities_at(date(2026, 9, 30))), "kinds").content.decode("utf-8-sig")

    money, points = sorted(file.splitlines()[1:])
    assert money.endswith(",50.00,50.00,0.00,0.00,0.00,0.00,–")
    assert points == "Points,12.34,1234,0,0,0,0,–"
