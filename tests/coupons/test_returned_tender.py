"""Refunds to gift cards and in points (incentives.md, R1-R3, scenario 7)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from coupons.errors import GiftCardEmpty
from coupons.models import Account, LedgerEntry, Redemption
from coupons.services import (
    Redeemable,
    issue_gift_card,
    ledger,
    pay_with_gift_card,
    redeem_stack,
    return_lines,
    roll_back_order,
    roll_back_redemption,
)
from tests.coupons.factories import NOW, amount, coupon, customer, order, promotion, spending
from tests.coupons.test_return_lines import two_lines

pytestmark = pytest.mark.django_db


def paid_stack(*tenders, shipping=0):
    """A stack of 10.00 off 100.00, to which these tenders (kind, debit entry, what it paid) were added."""
    stack = redeem_stack(spending(coupon(promotion(amount(1000))), who=customer(), cart=two_lines()), at=NOW)
    paid = 0
    for position, (kind, entry, value) in enumerate(tenders, start=2):
        Redemption.objects.create(
            stack=stack,
            position=position,
            kind=kind,
            entry=entry,
            units=-entry.delta,
            discount_amount=0,
            tender_amount=value,
            currency="EUR",
            redeemed_at=NOW,
        )
        paid += value
    stack.order_totals |= {"shipping_amount": shipping, "due_amount": 9000 + shipping - paid}
    stack.save(update_fields=["order_totals"])
    return stack


def card_payment(value: int, *, balance: int = 5000):
    card = issue_gift_card(amount=balance, currency="EUR", at=NOW, source_key=f"card {balance} {value}").card
    return card, ("gift_card", pay_with_gift_card(card, amount=value, source_key="paid", at=NOW), value)


def points_payment(points: int, value: int):
    account = ledger.open_account(customer())
    ledger.credit(account, units=1000, source_key="earned", at=NOW, expires_at=NOW + timedelta(days=30))
    return account, ("points", ledger.debit(account, units=points, source_key="paid", at=NOW), value)


def back(stack, source_id, policy="", **quantities):
    lines = {line_id: Decimal(str(units)) for line_id, units in quantities.items()}
    return return_lines(stack, source_id=source_id, lines=lines, policy=policy, at=NOW).row


def shares(row):
    return row.cash_amount, row.gift_card_amount, row.points_amount, row.points


def test_a_policy_says_whether_money_or_the_card_comes_first():
    for number, (policy, expected) in enumerate(
        {
            "CASH_FIRST": (2700, 0, 0, 0),
            "CARD_FIRST": (1700, 1000, 0, 0),
            "PROPORTIONAL": (2400, 300, 0, 0),
        }.items()
    ):
        card, paid = card_payment(1000, balance=5000 + number)

        row = back(paid_stack(paid), "R-1", policy, A=1)

        assert shares(row) == expected
        assert card.available_at(NOW) == 4000 + number + row.gift_card_amount


def test_a_card_never_gets_more_than_it_paid():
    card, paid = card_payment(1000)
    stack = paid_stack(paid)

    rows = [back(stack, f"R-{line}", **{line: units}) for line, units in (("A", 2), ("B", 1))]

    assert [shares(row) for row in rows] == [(4400, 1000, 0, 0), (3600, 0, 0, 0)]
    assert card.available_at(NOW) == 5000
    assert list(card.account.entries.order_by("pk").values_list("delta", flat=True)) == [5000, -1000, 1000]


def test_points_go_back_to_their_lot_whole_and_all_of_them_in_the_end():
    account, paid = points_payment(300, 900)
    stack = paid_stack(paid)

    rows = [back(stack, "R-1", "PROPORTIONAL", A=1), back(stack, "R-2", "PROPORTIONAL", A=1, B=1)]

    assert [shares(row) for row in rows] == [(2430, 0, 270, 90), (5670, 0, 630, 210)]
    assert account.spendable(NOW) == 1000
    assert account.spendable(NOW + timedelta(days=30)) == 0


def test_a_rollback_after_a_return_gives_back_the_rest_of_card_and_points():
    card, by_card = card_payment(1000)
    account, by_points = points_payment(300, 900)
    stack = paid_stack(by_card, by_points)
    back(stack, "R-1", "PROPORTIONAL", A=1)
    assert (card.available_at(NOW), account.spendable(NOW)) == (4300, 790)

    roll_back_redemption(stack, at=NOW)

    assert (card.available_at(NOW), account.spendable(NOW)) == (5000, 1000)
    assert LedgerEntry.objects.filter(kind="REVERSAL").count() == 4
    assert Account.objects.get(pk=account.pk).balance == 1000


def test_a_rollback_after_everything_came_back_still_owes_what_paid_the_shipping():
    card, paid = card_payment(5000)
    stack = paid_stack(paid, shipping=500)
    rows = [back(stack, "R-1", "CASH_FIRST", A=2, B=1)]
    assert [shares(row) for row in rows] == [(4500, 4500, 0, 0)]

    roll_back_redemption(stack, at=NOW)

    assert card.available_at(NOW) == 5000


def test_scenario_7_a_card_pays_twice_is_empty_and_gets_a_return_back():
    issued = issue_gift_card(amount=5000, currency="EUR", at=NOW, source_key="scenario 7")

    def pay(*prices):
        return redeem_stack(
            replace(spending(prices=prices), redeemables=(Redeemable("gift_card", issued.code),)), at=NOW
        )

    first, second = pay(1240, 2000), pay(2500)
    assert [one.order_totals["due_amount"] for one in (first, second)] == [0, 740]
    with pytest.raises(GiftCardEmpty):
        pay(100)

    row = return_lines(first, source_id="R-1", lines={"1": Decimal(1)}, at=NOW).row

    assert shares(row) == (0, 1240, 0, 0)
    assert issued.card.available_at(NOW) == 1240
    entries = issued.card.account.entries.order_by("pk").values_list("delta", flat=True)
    assert list(entries) == [5000, -3240, -1760, 1240]
    given = row.tenders.get()
    assert (given.entry.delta, given.entry.reverses) == (1240, first.redemptions.get().entry)


def test_a_cancelled_order_gives_all_its_money_and_points_back():
    anna = customer()
    account = ledger.open_account(anna)
    ledger.credit(account, units=700, source_key="earned", at=NOW)
    issued = issue_gift_card(amount=5000, currency="EUR", at=NOW, source_key="card")
    wish = replace(
        spending(who=anna, prices=(10000,), source_id="O-1"),
        redeemables=(Redeemable("gift_card", issued.code), Redeemable("points", units=500)),
    )
    stack = redeem_stack(wish, at=NOW)
    assert stack.tender_amount == 5500
    bought = order(anna, number="O-1")

    assert roll_back_order(bought, reason="cancelled", at=NOW) == 1

    assert (issued.card.available_at(NOW), account.spendable(NOW)) == (5000, 700)
    stack.refresh_from_db()
    assert stack.status == "ROLLED_BACK"
