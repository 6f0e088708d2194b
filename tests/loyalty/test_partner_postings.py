"""Points at the tills of coalition partners: rates, caps, reversals, and months that stay closed."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from coupons.errors import PointsExceeded
from coupons.models import LedgerEntry, Lot
from coupons.services import ledger
from customers.services.merges import merge_customers, undo_merge
from loyalty.errors import (
    MonthNotOver,
    MonthSettled,
    PartnerCapReached,
    PartnerNotActive,
    PostingConflict,
    PostingReversed,
)
from loyalty.models import PartnerMonth, PartnerPosting, Settlement
from loyalty.partners import Account, Moved, month_after, month_of, points_for_amount, settle
from loyalty.services import (
    burn_at_partner,
    close_month,
    earn_at_partner,
    points_of,
    reverse_posting,
    settlement_of,
    settlements_of,
)
from operations.errors import InvalidInput
from operations.invariants import invariants
from operations.services.invariants import first_difference
from tests.coupons.factories import customer
from tests.factories import NOON
from tests.loyalty.factories import make_partner, with_points

OCTOBER = datetime(2026, 10, 10, 10, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 5, 10, tzinfo=UTC)


def test_a_month_begins_and_ends_at_midnight_in_rome():
    # 22:30 UTC on 30 September is 00:30 of 1 October in Rome; in winter 22:30 UTC is 23:30 still.
    assert month_of(datetime(2026, 9, 30, 22, 30, tzinfo=UTC), "Europe/Rome") == date(2026, 10, 1)
    assert month_of(datetime(2026, 11, 30, 22, 30, tzinfo=UTC), "Europe/Rome") == date(2026, 11, 1)
    assert month_after(date(2026, 12, 1)) == date(2027, 1, 1)


def test_prices_are_multiplied_once_a_month_and_rounded_half_up():
    # Given: 25 + 40 - 10 taken back = 55 at 0.81 = 44.55 -> 45. Burned: 300 - 99 = 201 at 0.5 = 100.5 -> 101.
    moved = [Moved("EARN", 25), Moved("EARN", 40), Moved("EARN_BACK", -10)]
    moved += [Moved("BURN", -300), Moved("BURN_BACK", 99)]

    account = settle(moved, earn_price=Decimal("0.81"), burn_price=Decimal("0.5"))

    assert account == Account(55, 201, 45, 101)
    assert account.balance_amount == -56


def test_an_amount_takes_the_fewest_points_that_pay_it():
    # Two points pay a cent: 7 cents cost 14. Three points pay five cents: 7 cents cost 6 and pay 10.
    assert points_for_amount(7, per_points=2, amount=1) == 14
    assert points_for_amount(7, per_points=3, amount=5) == 6


@pytest.mark.django_db
def test_a_purchase_at_a_partner_earns_by_its_rate_once():
    # 25.90 at one point for a full euro: 25. Twelve months from 10 October end after 10 October 2027.
    bar, anna = make_partner(valid_months=12), customer()

    first = earn_at_partner(bar, anna, source_id="R-1", amount=2590, at=OCTOBER)
    again = earn_at_partner(bar, anna, source_id="R-1", amount=2590, at=OCTOBER)

    assert first == again
    assert (first.points, first.month, points_of(anna, at=OCTOBER).balance) == (25, date(2026, 10, 1), 25)
    assert Lot.objects.get().expires_at == datetime(2027, 10, 10, 22, tzinfo=UTC)
    assert first.entry.reason == "Bar Sport"
    with pytest.raises(PostingConflict):
        earn_at_partner(bar, anna, source_id="R-1", amount=2600, at=OCTOBER)
    with pytest.raises(PostingConflict):
        earn_at_partner(bar, customer(), source_id="R-1", amount=2590, at=OCTOBER)


@pytest.mark.django_db
def test_a_purchase_too_small_to_earn_is_posted_without_points():
    posting = earn_at_partner(make_partner(), customer(), source_id="R-1", amount=99, at=OCTOBER)

    assert (posting.points, posting.entry) == (0, None)


@pytest.mark.django_db
def test_points_pay_at_a_partner_in_full_steps():
    # 301 points at two for a cent: 300 go, 150 cents are let off, and one stays.
    bar, anna = make_partner(), with_points(301, at=OCTOBER)

    posting = burn_at_partner(bar, anna, source_id="R-1", points=301, at=OCTOBER)

    assert (posting.points, posting.amount) == (-300, 150)
    assert points_of(anna, at=OCTOBER).balance == 1
    with pytest.raises(InvalidInput):
        burn_at_partner(bar, anna, source_id="R-2", points=1, at=OCTOBER)
    with pytest.raises(PointsExceeded):
        burn_at_partner(bar, anna, source_id="R-3", amount=1, at=OCTOBER)
    assert PartnerPosting.objects.count() == 1


@pytest.mark.django_db
def test_burned_points_go_back_to_their_lots_with_their_expiry():
    bar, anna = make_partner(), with_points(100, at=OCTOBER)
    soon = OCTOBER + timedelta(days=20)
    ledger.credit(ledger.open_account(anna), units=50, source_key="x", at=OCTOBER, expires_at=soon)
    burned = burn_at_partner(bar, anna, source_id="R-1", amount=40, at=OCTOBER)
    assert list(Lot.objects.order_by("pk").values_list("remaining", flat=True)) == [70, 0]

    back = reverse_posting(burned, source_id="S-1", at=OCTOBER)

    assert (back.kind, back.points, back.reverses) == ("BURN_BACK", 80, burned)
    assert list(Lot.objects.order_by("pk").values_list("remaining", flat=True)) == [100, 50]
    assert reverse_posting(burned, source_id="S-1", at=OCTOBER) == back
    with pytest.raises(PostingReversed):
        reverse_posting(burned, source_id="S-2", at=OCTOBER)
    with pytest.raises(InvalidInput):
        reverse_posting(back, source_id="S-3", at=OCTOBER)


@pytest.mark.django_db
def test_of_points_that_were_spent_meanwhile_the_partner_pays_what_is_gone():
    # 100 earned, 70 spent elsewhere: 30 are taken back, and 70 stay in the partner's account: 70 * 0.8 = 56.
    bar, anna = make_partner(), customer()
    earned = earn_at_partner(bar, anna, source_id="R-1", amount=10000, at=OCTOBER)
    ledger.debit(ledger.open_account(anna), units=70, source_key="redemption:1:1", at=OCTOBER)

    back = reverse_posting(earned, source_id="S-1", at=OCTOBER)

    assert (back.points, points_of(anna, at=OCTOBER).balance) == (-30, 0)
    assert settlement_of(bar, date(2026, 10, 1)).earned_amount == 56


@pytest.mark.django_db
def test_caps_of_the_day_and_of_the_month_hold():
    bar = make_partner(customer_day_points=50, customer_day_burn_points=20, month_points=90)
    anna, bruno = customer(), with_points(100, at=OCTOBER)
    earn_at_partner(bar, anna, source_id="R-1", amount=5000, at=OCTOBER)

    with pytest.raises(PartnerCapReached):  # 51 on one day.
        earn_at_partner(bar, anna, source_id="R-2", amount=100, at=OCTOBER)
    with pytest.raises(PartnerCapReached):  # 50 + 41 in a month.
        earn_at_partner(bar, bruno, source_id="R-3", amount=4100, at=OCTOBER)
    earn_at_partner(bar, bruno, source_id="R-4", amount=4000, at=OCTOBER)
    earn_at_partner(bar, anna, source_id="R-5", amount=5000, at=NOVEMBER)
    with pytest.raises(PartnerCapReached):
        burn_at_partner(bar, bruno, source_id="R-6", points=22, at=OCTOBER)
    burn_at_partner(bar, bruno, source_id="R-7", points=20, at=OCTOBER)

    counted = PartnerMonth.objects.order_by("month").values_list("points", flat=True)
    assert list(counted) == [90, 50]
    assert LedgerEntry.objects.filter(source_key__startswith="partner-").count() == 4


@pytest.mark.django_db
def test_what_is_taken_back_makes_room_in_the_partners_month():
    # 90 a month: 50 and 40 given. Of the 50 twenty were spent: 30 come back, and 30 can be given again.
    bar, anna = make_partner(month_points=90), customer()
    first = earn_at_partner(bar, anna, source_id="R-1", amount=5000, at=OCTOBER)
    ledger.debit(ledger.open_account(anna), units=20, source_key="redemption:1:1", at=OCTOBER)
    reverse_posting(first, source_id="S-1", at=OCTOBER)
    earn_at_partner(bar, customer(), source_id="R-2", amount=4000, at=OCTOBER)

    with pytest.raises(PartnerCapReached):
        earn_at_partner(bar, anna, source_id="R-3", amount=3100, at=OCTOBER)
    assert earn_at_partner(bar, anna, source_id="R-4", amount=3000, at=OCTOBER).points == 30
    assert PartnerMonth.objects.get().points == 90


@pytest.mark.django_db
def test_a_partner_that_left_posts_nothing():
    with pytest.raises(PartnerNotActive):
        earn_at_partner(make_partner(active=False), customer(), source_id="R-1", amount=100, at=OCTOBER)


@pytest.mark.django_db
def test_a_closed_month_stays_and_what_comes_later_counts_in_the_next(django_assert_max_num_queries):
    # October: 100 points given at 0.8 = 80; 60 burned at 0.5 = 30; the bar pays 50.
    bar, anna = make_partner(), customer()
    earned = earn_at_partner(bar, anna, source_id="R-1", amount=10000, at=OCTOBER)
    burn_at_partner(bar, anna, source_id="R-2", points=60, at=OCTOBER)
    with pytest.raises(MonthNotOver):
        close_month(bar, date(2026, 10, 1), by=None, at=OCTOBER)

    closed = close_month(bar, date(2026, 10, 1), by=None, at=NOVEMBER)

    assert (closed.earned_amount, closed.burned_amount, closed.balance_amount) == (80, 30, 50)
    with pytest.raises(MonthSettled):
        close_month(bar, date(2026, 10, 1), by=None, at=NOVEMBER)
    # A posting that was on its way when the month was closed, and a reversal: both in November.
    late = earn_at_partner(bar, anna, source_id="R-3", amount=500, at=OCTOBER)
    back = reverse_posting(earned, source_id="S-1", at=NOVEMBER)
    bar.earn_price = Decimal(2)
    bar.save()
    assert (late.month, back.month, back.points) == (date(2026, 11, 1), date(2026, 11, 1), -45)
    assert settlement_of(bar, date(2026, 10, 1)).balance_amount == 50
    with django_assert_max_num_queries(3):  # However many months there are.
        months = settlements_of(bar, at=NOVEMBER)
    assert [(one.month.month, one.earned_points, one.closed_at is None) for one in months] == [
        (11, -40, True),
        (10, 100, False),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_cap_of_a_month_holds_when_all_tills_post_at_once():
    bar = make_partner(month_points=30)
    people = [customer() for _ in range(6)]
    refused = []

    def post(number):
        try:
            earn_at_partner(bar, people[number], source_id=f"R-{number}", amount=1000, at=OCTOBER)
        except PartnerCapReached:
            refused.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[number]) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert (len(refused), PartnerPosting.objects.count(), PartnerMonth.objects.get().points) == (3, 3, 30)
    assert not Settlement.objects.exists()


@pytest.mark.django_db
def test_what_two_paid_while_they_were_one_goes_back_to_both_after_they_were_taken_apart():
    bar, alice, bob = make_partner(), with_points(30), with_points(30)
    operation = merge_customers(alice, [bob], reason="the same", at=NOON)
    burned = burn_at_partner(bar, alice, source_id="B-1", points=50, at=NOON)
    undo_merge(operation, at=NOON)
    left = sum(points_of(one, at=NOON).balance for one in (alice, bob))
    (partners,) = [one for one in invariants() if one.key == "loyalty.partners"]
    assert left == 10 and first_difference(partners) is None

    back = reverse_posting(burned, source_id="B-2", at=NOON)

    assert back.points == 50 and first_difference(partners) is None
    assert [points_of(one, at=NOON).balance for one in (alice, bob)] == [30, 30]
