"""Everybody at one gift card at the same moment: exact to the cent, and no deadlock."""

from collections import Counter
from datetime import timedelta

import pytest

from coupons import services
from coupons.errors import MoreThanTaken
from coupons.models import GiftCard, LedgerEntry
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from tests.coupons.factories import NOW
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def issue(amount, key="a", **fields):
    fields = {"amount": amount, "currency": "EUR", "source_key": key, "at": NOW, **fields}
    return services.issue_gift_card(**fields).card


def paying(card, amount, key, at=NOW):
    return lambda: services.pay_with_gift_card(card, amount=amount, source_key=key, at=at).delta


def folds(card):
    """The balance is the sum of the entries and what is left in the lots."""
    card = GiftCard.objects.whole().get(pk=card.pk)
    entries = sum(card.account.entries.values_list("delta", flat=True))
    lots = sum(card.account.lots.values_list("remaining", flat=True))
    assert card.account.balance == entries == lots
    return card.account.balance


@pytest.mark.slow
def test_a_card_is_spent_to_the_last_part_that_fits():
    card = issue(1000)

    outcomes = Counter(at_once([paying(card, 30, f"order:{n}") for n in range(40)]))

    assert outcomes == {-30: 33, "gift_card_balance_exceeded": 7}
    assert folds(card) == 10


@pytest.mark.slow
def test_a_hundred_euros_by_four_hundred_times_thirty_cents():
    card = issue(10_000)

    rounds = [at_once([paying(card, 30, f"{start}:{n}") for n in range(40)]) for start in range(10)]

    assert Counter(outcome for one in rounds for outcome in one) == {
        -30: 333,
        "gift_card_balance_exceeded": 67,
    }
    assert folds(card) == 10


def test_what_was_taken_is_given_back_once_however_many_ask():
    card = issue(1000)
    debit = services.pay_with_gift_card(card, amount=900, source_key="order", at=NOW)

    def giving(key):
        return lambda: [one.delta for one in ledger.give_back(debit, units=300, source_key=key, at=NOW)]

    outcomes = at_once([giving(f"return:{n % 5}") for n in range(15)])

    assert Counter(map(str, outcomes)) == {"[300]": 9, MoreThanTaken.key: 6}
    assert folds(card) == 1000


def test_a_card_pays_or_expires_and_never_both():
    until = NOW + timedelta(hours=1)
    cards = [issue(500, key=str(n), expires_at=until) for n in range(6)]

    def expire():
        return expire_lots(at=until)

    at_once([work for card in cards for work in (paying(card, 500, "order", at=NOW), expire)])
    expire()

    assert [folds(card) for card in cards] == [0] * 6
    for card in cards:
        kinds = set(card.account.entries.exclude(kind="CREDIT").values_list("kind", flat=True))
        assert len(kinds) == 1


@pytest.mark.slow
def test_money_moved_to_and_fro_stays_the_same():
    one, other = issue(1000, key="a"), issue(1000, key="b")

    def moving(source, target, key):
        return lambda: (
            ledger.transfer(source.account, to=target.account, units=70, source_key=key, at=NOW).delta
        )

    works = [moving(*pair, f"{n}") for n in range(10) for pair in ((one, other), (other, one))]
    # Both directions of a number share a cause: an account takes part in it once.
    outcomes = at_once(works)

    assert len(outcomes) == 20
    assert folds(one) + folds(other) == 2000
    moved = LedgerEntry.objects.filter(source_key__startswith="transfer:")
    assert sum(moved.values_list("delta", flat=True)) == 0


@pytest.mark.slow
def test_the_same_cause_issues_one_card_however_many_ask():
    cards = at_once([lambda: issue(1000, key="till-1").pk for _ in range(12)])

    assert len(set(cards)) == 1
    assert GiftCard.objects.count() == 1


@pytest.mark.slow
def test_a_card_is_switched_off_or_pays_before_it():
    card = issue(1000)

    def off():
        return services.disable_gift_card(card, reason="stolen", at=NOW).status

    outcomes = Counter(at_once([*(paying(card, 10, f"{n}") for n in range(15)), off]))

    paid = outcomes[-10]
    assert outcomes == {"DISABLED": 1, -10: paid, **({"coupon_disabled": 15 - paid} if paid < 15 else {})}
    assert folds(card) == 1000 - 10 * paid
