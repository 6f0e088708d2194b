"""Gift cards as money: issued, spent, given back, switched off (incentives.md, scenario 7)."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from coupons import services
from coupons.errors import (
    AlreadyReversed,
    CouponDisabled,
    CouponExpired,
    CouponNotActive,
    GiftCardBalanceExceeded,
    GiftCardEmpty,
    GiftCardMoveNotPossible,
    MoreThanTaken,
)
from coupons.gift_card_codes import written_code
from coupons.models import GiftCard, LedgerEntry, SealedCode
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from coupons.services.gift_cards import pay_with_locked_card
from coupons.services.sealed_codes import open_code, wipe_codes
from customers.models import Event
from customers.segments.compiler import compile_rules
from customers.services import export_customer, merge_customers, undo_merge
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, customer

pytestmark = pytest.mark.django_db


def issue(amount=5000, **fields):
    return services.issue_gift_card(
        **{"amount": amount, "currency": "EUR", "at": NOW, "source_key": "test", **fields}
    )


def pay(card, amount, key):
    return services.pay_with_gift_card(card, amount=amount, source_key=key, at=NOW)


def deltas(card):
    return list(card.account.entries.order_by("id").values_list("delta", flat=True))


def test_a_card_is_spent_in_parts_until_it_is_empty_and_takes_back_what_is_returned():
    card = issue(5000).card

    first = pay(card, 3240, "order:1")
    with pytest.raises(GiftCardBalanceExceeded):
        pay(card, 2500, "order:2")
    pay(card, 1760, "order:2")
    with pytest.raises(GiftCardEmpty):
        pay(card, 1, "order:3")
    ledger.give_back(first, units=1240, source_key="return:1", at=NOW)

    card.refresh_from_db()
    assert deltas(card) == [5000, -3240, -1760, 1240]
    assert card.account.balance == 1240 == card.available_at(NOW)


def test_the_same_cause_pays_once():
    card = issue().card

    assert pay(card, 3000, "order:1") == pay(card, 3000, "order:1")

    assert card.available_at(NOW) == 2000


def test_the_code_is_found_however_it_is_written_and_stands_nowhere_in_the_clear():
    issued = issue()

    assert services.find_gift_card(written_code(issued.code).lower()) == issued.card
    assert services.find_gift_card(issued.code[:-1]) is None
    assert services.find_gift_card("") is None
    stored = str(GiftCard.objects.values().get()) + str(Event.objects.values_list("payload", flat=True))
    assert issued.code not in stored
    assert issued.code.encode() not in bytes(SealedCode.objects.get().token)
    assert issued.card.last4 == issued.code[-4:]


def test_the_same_cause_issues_one_card_and_tells_its_code_for_a_day():
    issued = issue()

    again = issue(at=NOW + timedelta(hours=23))
    late = issue(at=NOW + timedelta(hours=24))

    assert (again.card, again.code, again.created) == (issued.card, issued.code, False)
    assert (late.card, late.code) == (issued.card, None)
    assert GiftCard.objects.count() == 1
    assert wipe_codes(at=NOW + timedelta(hours=24)) == 1
    assert open_code(issued.card.pk, at=NOW) is None


def test_an_inactive_card_has_no_money_until_it_is_activated():
    card = issue(active=False).card

    with pytest.raises(CouponNotActive):
        pay(card, 1, "order:1")
    assert (card.account.balance, card.available_at(NOW)) == (0, 0)

    active = services.activate_gift_card(card, at=NOW)
    services.activate_gift_card(card, at=NOW)

    assert (active.status, active.available_at(NOW)) == ("ACTIVE", 5000)
    assert deltas(card) == [5000]


def test_a_top_up_is_good_as_long_as_the_card_and_counts_once():
    card = issue(expires_at=NOW + timedelta(days=30)).card

    services.top_up_gift_card(card, amount=700, source_key="a", at=NOW)
    services.top_up_gift_card(card, amount=700, source_key="a", at=NOW)

    assert card.available_at(NOW) == 5700
    assert card.available_at(NOW + timedelta(days=30)) == 0
    assert set(card.account.lots.values_list("expires_at", flat=True)) == {card.expires_at}


def test_an_expired_card_does_not_pay_and_its_money_is_booked_out():
    card = issue(expires_at=NOW + timedelta(days=1)).card
    later = NOW + timedelta(days=1)

    with pytest.raises(CouponExpired):
        services.pay_with_gift_card(card, amount=1, source_key="a", at=later)
    with pytest.raises(GiftCardMoveNotPossible):
        services.top_up_gift_card(card, amount=1, source_key="a", at=later)
    expire_lots(at=later)

    card.refresh_from_db()
    assert (card.status_at(later), card.account.balance) == ("EXPIRED", 0)
    assert deltas(card) == [5000, -5000]


def test_a_card_that_is_switched_off_keeps_its_money_until_it_is_on_again():
    card = issue().card

    off = services.disable_gift_card(card, reason="stolen", at=NOW)
    with pytest.raises(CouponDisabled):
        pay(card, 1, "order:1")
    assert (off.available_at(NOW), off.account.balance) == (0, 5000)

    on = services.enable_gift_card(card, reason="found", at=NOW + timedelta(minutes=1))

    assert (on.status, on.available_at(NOW)) == ("ACTIVE", 5000)


def test_a_new_code_replaces_the_old_one():
    issued = issue()

    renewed = services.renew_gift_card(issued.card, reason="lost", at=NOW)

    assert services.find_gift_card(issued.code) is None
    assert services.find_gift_card(renewed.code) == issued.card
    assert renewed.card.available_at(NOW) == 5000


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"amount": 0}, "/amount"),
        ({"expires_at": NOW}, "/expires_at"),
        ({"vat_kind": "SPV"}, "/tax_rate"),
        ({"items": {"sku": ["A"]}}, "/items/sku"),
    ],
)
def test_a_card_that_makes_no_sense_is_not_issued(fields, pointer):
    with pytest.raises(InvalidInput) as error:
        issue(**fields)

    assert error.value.details[0].pointer == pointer
    assert (GiftCard.objects.count(), LedgerEntry.objects.count()) == (0, 0)


def test_what_is_given_back_goes_to_the_lot_that_expires_last_first():
    card = issue(1000, expires_at=NOW + timedelta(days=9)).card
    account = card.account
    ledger.credit(account, units=500, source_key="early", at=NOW, expires_at=NOW + timedelta(days=1))
    debit = pay(card, 1200, "order:1")

    ledger.give_back(debit, units=800, source_key="return:1", at=NOW)
    ledger.give_back(debit, units=800, source_key="return:1", at=NOW)
    with pytest.raises(MoreThanTaken):
        ledger.give_back(debit, units=401, source_key="return:2", at=NOW)

    assert list(account.lots.order_by("id").values_list("remaining", flat=True)) == [1000, 100]
    ledger.reverse(debit, source_key="rollback", at=NOW)
    assert list(account.lots.order_by("id").values_list("remaining", flat=True)) == [1000, 500]
    with pytest.raises(AlreadyReversed):
        ledger.reverse(debit, source_key="rollback again", at=NOW)


def test_points_to_spend_are_those_of_all_accounts():
    person = customer()
    assert services.purse_of_points(person.pk, at=NOW) is None
    account = ledger.open_account(person)
    ledger.credit(account, units=70, source_key="a", at=NOW)
    ledger.credit(account, units=5, source_key="b", at=NOW, activates_at=NOW + timedelta(days=1))

    points = services.purse_of_points(person.pk, at=NOW)

    assert (points.account, points.account_ids, points.units) == (account, (account.pk,), 70)


def test_a_transfer_nets_to_zero_and_moves_once():
    one = issue().card
    other = issue(100, source_key="other").card

    ledger.transfer(one.account, to=other.account, units=300, source_key="a", at=NOW)
    ledger.transfer(one.account, to=other.account, units=300, source_key="a", at=NOW)

    assert (one.available_at(NOW), other.available_at(NOW)) == (4700, 400)
    assert sum(LedgerEntry.objects.filter(source_key="transfer:a").values_list("delta", flat=True)) == 0


def test_a_card_goes_with_its_holder_into_a_merge_and_comes_back():
    survivor, loser = customer(), customer()
    card = issue(holder=loser).card

    merge = merge_customers(survivor, [loser], reason="the same person", at=NOW)
    assert GiftCard.objects.whole().get(pk=card.pk).holder == survivor
    undo_merge(merge, at=NOW)

    assert GiftCard.objects.whole().get(pk=card.pk).holder == loser


def test_an_export_tells_a_persons_cards_without_what_would_spend_them():
    person = customer()
    issued = issue(holder=person, note="sorry")

    told = json.dumps(export_customer(person), default=str)

    assert issued.card.last4 in told
    assert issued.code not in told
    assert issued.card.code_hash not in told


def test_segments_ask_who_holds_money_on_a_card():
    holder, _spender = customer(), customer()
    issue(holder=holder, expires_at=NOW + timedelta(days=9))
    spent = issue(source_key="b", holder=_spender).card
    pay(spent, 5000, "order:1")

    def who(field, operator, value):
        rules = {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}
        return list(compile_rules(rules, as_of=NOW))

    assert who("gift_card.any", "=", True) == [holder]
    assert who("gift_card.balance", ">=", 5000) == [holder]
    assert who("gift_card.days_to_expiry", "<=", 9) == [holder]
    received = {"match": {"mode": "atLeast", "threshold": 1}, "window": {"last_days": 3}}
    assert len(who("event.gift_card.issued", "happened", received)) == 2


def test_a_payment_takes_few_statements(django_assert_num_queries):
    card = issue().card

    with transaction.atomic():
        (locked,) = services.lock_gift_cards([card.pk])
        with django_assert_num_queries(1):
            entry = pay_with_locked_card(locked, amount=1200, source_key="order:1", at=NOW)

    assert (entry.delta, entry.balance_after, locked.account.balance) == (-1200, 3800, 3800)
    assert LedgerEntry.objects.get(pk=entry.pk).delta == -1200


def test_a_card_made_good_for_longer_keeps_its_money_until_the_new_end():
    card = issue(5000, expires_at=NOW + timedelta(days=10)).card
    longer = NOW + timedelta(days=400)

    services.extend_gift_card(card, expires_at=longer, reason="the shop was closed", at=NOW)
    services.extend_gift_card(card, expires_at=longer, reason="the shop was closed", at=NOW)

    card = GiftCard.objects.get(pk=card.pk)
    assert card.available_at(NOW + timedelta(days=399)) == 5000
    assert card.available_at(longer) == 0
    assert expire_lots(at=NOW + timedelta(days=20)) == 0
    assert Event.objects.filter(type="gift_card.extended").count() == 1

    services.extend_gift_card(card, expires_at=None, reason="", at=NOW)
    assert GiftCard.objects.get(pk=card.pk).available_at(longer) == 5000


def test_no_card_is_made_good_for_less_nor_back_from_its_end():
    ends = NOW + timedelta(days=10)
    card = issue(5000, expires_at=ends).card

    with pytest.raises(InvalidInput):
        services.extend_gift_card(card, expires_at=ends - timedelta(days=1), reason="", at=NOW)
    with pytest.raises(GiftCardMoveNotPossible):
        services.extend_gift_card(card, expires_at=None, reason="", at=ends)

    assert GiftCard.objects.get(pk=card.pk).expires_at == ends
    assert not Event.objects.filter(type="gift_card.extended").exists()
