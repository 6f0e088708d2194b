"""What somebody may pay from: gift cards by their codes, a customer's points; each read in one statement."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from coupons.gift_card_codes import known_hashes
from coupons.models import Account, GiftCard
from operations.statements import Columns, run


@dataclass(frozen=True)
class Purse:
    """Money or points at an instant: `units` are what could be spent, reservations of others not taken off.

    What is debited comes from all the accounts together; `account` is the one that reservations name. `mark`
    is another number as soon as anything is changed about the card.
    """

    account: Account
    account_ids: tuple[int, ...]
    units: int
    card: GiftCard | None = None
    mark: int | None = None


def purses_of_cards(codes: Collection[str], *, at: datetime) -> dict[str, Purse]:
    """Return the purse of every card that exists, by its code as it was given."""
    hashes = {code: known_hashes(code) for code in codes}
    wanted = [one for mine in hashes.values() for one in mine]
    found = {}
    for units, mark, *values in run(_CARDS, {"hashes": wanted, "at": at}):
        card = _CARD.row(values[: len(_CARD)])
        card.account = _ACCOUNT.row(values[len(_CARD) :])
        usable = 0 if card.refusal_at(at) else units
        found[card.code_hash] = Purse(card.account, (card.account_id,), usable, card, mark)
    # A code may stand under a pepper that is no longer in use.
    return {
        code: next(found[one] for one in mine if one in found)
        for code, mine in hashes.items()
        if not found.keys().isdisjoint(mine)
    }


def purse_of_points(customer_id: int, *, at: datetime) -> Purse | None:
    """Return a customer's points; None when they never had an account. The main account stands for all."""
    rows = run(_POINTS, {"customer": customer_id, "at": at})
    if not rows:
        return None
    accounts = [_ACCOUNT.row(values) for _units, *values in rows]
    return Purse(accounts[0], tuple(sorted(one.pk for one in accounts)), sum(row[0] for row in rows))


_CARD, _ACCOUNT = Columns(GiftCard), Columns(Account)
CARD_MARK = _CARD.mark("g", without="")
SPENDABLE = """
l.remaining > 0 AND l.activates_at <= %(at)s::timestamptz
AND (l.expires_at IS NULL OR l.expires_at > %(at)s::timestamptz)
"""
_UNITS = f"""
SELECT COALESCE(sum(l.remaining), 0)::bigint FROM coupons_lot l WHERE l.account_id = a.id AND {SPENDABLE}
"""
_CARDS = f"""
SELECT ({_UNITS}), {CARD_MARK}, {_CARD.of("g")}, {_ACCOUNT.of("a")}
FROM coupons_giftcard g JOIN coupons_account a ON a.id = g.account_id
WHERE g.code_hash = ANY(%(hashes)s::text[])
"""
_POINTS = f"""
SELECT ({_UNITS}), {_ACCOUNT.of("a")} FROM coupons_account a
WHERE a.customer_id = %(customer)s::bigint AND a.kind = '{Account.Kind.POINTS}'
ORDER BY a.main DESC, a.id
"""
