"""Gift cards and points as means of payment: what they can pay, and the lock of what they take from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from coupons import engine
from coupons.definitions import read_items
from coupons.models import Redemption
from coupons.services.buyers import Buyer
from coupons.services.purses import Purse, purse_of_points, purses_of_cards
from coupons.services.spendings import PAYS, Offer, Redeemable
from operations.statements import run

Kind = Redemption.Kind


def find_payments(
    redeemables: Iterable[Redeemable], buyer: Buyer, *, at: datetime
) -> dict[Redeemable, Offer]:
    """Return the offers of the gift cards and of the buyer's points; one that is unknown has no account."""
    named = [one for one in redeemables if one.kind in PAYS]
    codes = [one.name for one in named if one.kind == Kind.GIFT_CARD]
    cards = purses_of_cards(codes, at=at) if codes else {}
    return {one: _offer(one, cards, buyer, at) for one in named}


def _offer(one: Redeemable, cards: Mapping[str, Purse], buyer: Buyer, at: datetime) -> Offer:
    if one.kind == Kind.GIFT_CARD:
        purse = cards.get(one.name)
    else:
        purse = purse_of_points(buyer.customer.pk, at=at) if buyer.customer else None
    if purse is None:
        return Offer(one)
    return Offer(one, gift_card=purse.card, account=purse.account, purse=purse, available=purse.units)


def lock_payments(offers: Iterable[Offer]) -> None:
    """Lock every account that these payments take from, in the order of their keys.

    Only a later statement sees what others did to them before.
    """
    ids = sorted({pk for offer in offers if offer.purse for pk in offer.purse.account_ids})
    if ids:
        run(_LOCK, {"accounts": ids})


_LOCK = """
SELECT 1 FROM coupons_account WHERE id = ANY(%(accounts)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""


def as_tender(offer: Offer, buyer: Buyer, *, spent: bool, at: datetime) -> Offer:
    """Return the payment with what it can pay at this instant, without what others have reserved."""
    card, error = offer.gift_card, None
    if offer.account is None:
        error = "not_found" if offer.coded else "customer_rules_violated" if not buyer.customer else None
    elif card:
        error = card.refusal_at(at) or None
    tender = engine.Tender(
        key=f"{offer.redeemable.kind}:{offer.redeemable.name}",
        kind=offer.redeemable.kind,
        available=max(0, offer.available - offer.held),
        unit_value=1 if offer.coded else settings.POINT_VALUE_AMOUNT,
        amount=offer.redeemable.units,
        currency=card.currency if card else "" if offer.coded else settings.PROGRAMME_CURRENCY,
        items=read_items(card.items) if card and card.items else None,
        error="duplicate_redemption" if spent else error,
    )
    return replace(offer, candidate=tender)
