"""Gift cards and points pay what incentives have left, to the cent."""

from datetime import timedelta

import pytest

from coupons.errors import (
    CouponNotFound,
    CustomerRulesViolated,
    DuplicateRedemption,
    GiftCardBalanceExceeded,
    GiftCardEmpty,
    PointsExceeded,
)
from coupons.models import Account, LotMovement, Redemption, RedemptionStack
from coupons.services import (
    Redeemable,
    credit,
    issue_gift_card,
    open_account,
    redeem_stack,
    reserve_stack,
    roll_back_redemption,
    validate_stack,
)
from coupons.services.ledger import entries_of
from customers.models import Event
from tests.coupons.factories import NOW, cart, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db


def card(amount=5000, **fields):
    issued = issue_gift_card(amount=amount, currency="EUR", at=NOW, source_key=f"test-{amount}", **fields)
    return issued.card, Redeemable("gift_card", issued.code)


def points(units, who):
    account = open_account(who)
    credit(account, units=units, source_key="start", at=NOW)
    return account


def wish(*redeemables, prices=(3240,), **fields):
    named = fields.pop("named", ())
    made = spending(*named, prices=prices, **fields)
    return made.__class__(**{**made.__dict__, "redeemables": (*made.redeemables, *redeemables)})


def named(redeemable, units):
    return Redeemable(redeemable.kind, redeemable.name, units=units)


def test_a_gift_card_pays_until_it_is_empty():
    a_card, code = card(5000)

    first = redeem_stack(wish(code, prices=(3240,)), at=NOW)
    second = redeem_stack(wish(code, prices=(2500,)), at=NOW)

    assert [one.order_totals["due_amount"] for one in (first, second)] == [0, 740]
    assert [one.tender_amount for one in (first, second)] == [3240, 1760]
    with pytest.raises(GiftCardEmpty):
        redeem_stack(wish(code), at=NOW)
    assert list(a_card.account.entries.order_by("pk").values_list("delta", flat=True)) == [5000, -3240, -1760]
    assert RedemptionStack.objects.count() == 2


def test_a_named_amount_above_the_balance_is_refused():
    a_card, code = card(5000)

    with pytest.raises(GiftCardBalanceExceeded):
        redeem_stack(wish(named(code, 5001), prices=(9000,)), at=NOW)
    assert a_card.account.spendable(NOW) == 5000
    assert redeem_stack(wish(named(code, 1000), prices=(9000,)), at=NOW).order_totals["due_amount"] == 8000


def test_tender_comes_last_and_leaves_the_tax_alone():
    _card, code = card(1220)
    ten_percent = coupon()
    order = cart(12200)
    order = order.__class__(**{**order.__dict__, "lines": tuple(_taxed(line) for line in order.lines)})

    with_card = validate_stack(wish(code, cart=order), at=NOW).calculation
    both = redeem_stack(wish(code, named=(ten_percent,), cart=order), at=NOW)

    assert (with_card.total_amount, with_card.net_amount, with_card.due_amount) == (12200, 10000, 10980)
    totals = both.order_totals
    assert (totals["total_amount"], totals["net_amount"], totals["due_amount"]) == (10980, 9000, 9760)
    assert [(one.kind, one.discount_amount, one.tender_amount) for one in both.redemptions.all()] == [
        ("coupon", 1220, 0),
        ("gift_card", 0, 1220),
    ]


def _taxed(line):
    return line.__class__(**{**line.__dict__, "tax_rate": 22})


def test_points_pay_a_minor_unit_each_and_only_those_of_the_buyer():
    anna, bruno = customer(), customer()
    account = points(1000, anna)

    stack = redeem_stack(wish(Redeemable("points"), who=anna), at=NOW)

    assert (stack.tender_amount, stack.order_totals["due_amount"]) == (1000, 2240)
    assert account.spendable(NOW) == 0
    redemption = Redemption.objects.get()
    assert (redemption.kind, redemption.units, redemption.entry.delta) == ("points", 1000, -1000)
    for who in (anna, bruno):
        with pytest.raises(PointsExceeded):
            redeem_stack(wish(Redeemable("points", units=1), who=who), at=NOW)
    with pytest.raises(CustomerRulesViolated):
        redeem_stack(wish(Redeemable("points")), at=NOW)


def test_points_of_two_accounts_are_spent_by_their_expiry_and_all_come_back():
    anna = customer()
    main = points(100, anna)
    other = Account.objects.create(customer=anna, kind="POINTS", main=False)
    soon, later = (NOW + timedelta(days=days) for days in (1, 30))
    credit(other, units=50, source_key="soon", at=NOW, expires_at=soon)
    credit(main, units=40, source_key="later", at=NOW, expires_at=later)
    credit(other, units=500, source_key="not yet", at=NOW, activates_at=later)

    stack = redeem_stack(wish(Redeemable("points", units=120), who=anna), at=NOW)

    entry = stack.redemptions.get().entry
    assert (entry.account, entry.delta, entry.balance_after) == (other, -50, 500)
    assert [(one.account, one.delta) for one in entries_of(entry)] == [(main, -70), (other, -50)]
    taken = LotMovement.objects.order_by("lot").values_list("lot__entry__source_key", "delta")
    assert list(taken) == [("start", -30), ("soon", -50), ("later", -40)]
    assert [(one.spendable(NOW), one.balance) for one in Account.objects.order_by("pk")] == [
        (70, 70),
        (0, 500),
    ]
    roll_back_redemption(stack, at=NOW)
    assert [one.spendable(NOW) for one in (main, other)] == [140, 50]


def test_an_unknown_card_is_not_found_and_partial_goes_on_without_it():
    unknown = Redeemable("gift_card", "ABCD-EFGH-JKMN-PQRS")

    with pytest.raises(CouponNotFound):
        redeem_stack(wish(unknown, named=(coupon(),)), at=NOW)
    stack = redeem_stack(wish(unknown, named=(coupon(),), application="PARTIAL"), at=NOW)

    assert [one.kind for one in stack.redemptions.all()] == ["coupon"]
    assert stack.trace[1]["name"] == ""


def test_a_card_and_points_pay_for_an_order_once():
    anna = customer()
    points(1000, anna)
    _card, code = card(5000)
    redeem_stack(wish(named(code, 100), Redeemable("points", units=100), who=anna, source_id="A-1"), at=NOW)

    for again in (named(code, 100), Redeemable("points", units=100)):
        with pytest.raises(DuplicateRedemption):
            redeem_stack(wish(again, who=anna, source_id="A-1"), at=NOW)


def test_reserved_money_is_not_there_for_others():
    _card, code = card(5000)
    _verdict, kept = reserve_stack(
        wish(named(code, 3000), prices=(9000,), source_id="A-1"), minutes=15, at=NOW
    )

    other = validate_stack(wish(code, prices=(9000,), source_id="A-2"), at=NOW)
    own = validate_stack(wish(code, prices=(9000,), source_id="A-1"), at=NOW)
    after = validate_stack(wish(code, prices=(9000,), source_id="A-2"), at=NOW + timedelta(minutes=15))

    assert [one.calculation.tender_amount for one in (other, own, after)] == [2000, 5000, 5000]
    with pytest.raises(GiftCardBalanceExceeded):
        redeem_stack(wish(named(code, 2001), prices=(9000,), source_id="A-2"), at=NOW)
    assert kept.holds.get().units == 3000


def test_a_rollback_gives_money_and_points_back():
    anna = customer()
    account = points(1000, anna)
    a_card, code = card(5000)
    stack = redeem_stack(
        wish(named(code, 2000), Redeemable("points"), named=(coupon(),), who=anna, prices=(10000,)), at=NOW
    )

    roll_back_redemption(stack, at=NOW)

    assert (a_card.account.spendable(NOW), account.spendable(NOW)) == (5000, 1000)


def test_payments_are_told_without_the_code():
    _card, code = card(5000)

    redeem_stack(wish(code, who=customer()), at=NOW)

    told = Event.objects.get(type="gift_card.redeemed")
    assert (told.amount, told.payload["last4"]) == (3240, code.name[-4:])
    assert code.name not in str(told.payload)


def test_thirty_codes_and_a_card_go_through_together():
    _card, code = card(5000)
    one = promotion({"kind": "AMOUNT", "amount": 10})
    codes = tuple(coupon(one) for _ in range(29))

    stack = redeem_stack(wish(code, named=codes, prices=(1000,)), at=NOW)

    assert (stack.discount_amount, stack.tender_amount) == (290, 710)
