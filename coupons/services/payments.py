"""Gift cards and points as means of payment: what they can pay, and paying with them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from coupons import engine
from coupons.definitions import read_items
from coupons.models import LedgerEntry, Redemption
from coupons.services import ledger
from coupons.services.buyers import Buyer
from coupons.services.gift_cards import find_gift_card, lock_gift_cards, pay_with_locked_card
from coupons.services.points import points_to_spend
from coupons.services.spendings import Offer, Redeemable

Kind = Redemption.Kind


def find_payment(redeemable: Redeemable, buyer: Buyer, *, at: datetime) -> Offer:
    """Return the offer of a gift card or of the buyer's points; one that is unknown has no account."""
    if redeemable.kind == Kind.GIFT_CARD:
        card = find_gift_card(redeemable.name)
        return Offer(redeemable, gift_card=card, account=card.account if card else None)
    points = points_to_spend(buyer.customer, at=at)
    return Offer(redeemable, account=points.account)


def lock_payments(offers: Sequence[Offer], buyer: Buyer, *, at: datetime) -> list[Offer]:
    """Lock every account that these payments take from, in the order of their keys; returns them as now."""
    ids = {offer.account.pk for offer in offers if offer.pays and offer.account}
    if not ids:
        return list(offers)
    if any(offer.redeemable.kind == Kind.POINTS for offer in offers):
        ids |= set(points_to_spend(buyer.customer, at=at).account_ids)
        ledger.lock_accounts(ids)
    cards = {card.pk: card for card in lock_gift_cards({o.gift_card.pk for o in offers if o.gift_card})}
    return [replace(o, gift_card=cards[o.gift_card.pk]) if o.gift_card else o for o in offers]


def as_tender(offer: Offer, buyer: Buyer, *, spent: bool, at: datetime) -> Offer:
    """Return the payment with what it can pay at this instant, without what others have reserved."""
    available, error = 0, None
    if offer.account is None:
        error = "not_found" if offer.coded else "customer_rules_violated" if not buyer.customer else None
    elif offer.gift_card:
        available, error = offer.gift_card.available_at(at), offer.gift_card.refusal_at(at) or None
    else:
        available = points_to_spend(buyer.customer, at=at).units
    card = offer.gift_card
    tender = engine.Tender(
        key=f"{offer.redeemable.kind}:{offer.redeemable.name}",
        kind=offer.redeemable.kind,
        available=max(0, available - offer.held),
        unit_value=1 if offer.coded else settings.POINT_VALUE_AMOUNT,
        amount=offer.redeemable.units,
        currency=card.currency if card else "" if offer.coded else settings.PROGRAMME_CURRENCY,
        items=read_items(card.items) if card and card.items else None,
        error="duplicate_redemption" if spent else error,
    )
    return replace(offer, candidate=tender, available=available)


def still_pay(offers: Iterable[tuple[Offer, engine.Outcome]], buyer: Buyer, *, at: datetime) -> bool:
    """Return whether the locked accounts still have what the calculation wants of each."""
    for offer, outcome in offers:
        tender = as_tender(offer, buyer, spent=False, at=at).candidate
        if tender.error or tender.available < outcome.units:
            return False
    return True


def pay(offer: Offer, outcome: engine.Outcome, *, source_key: str, at: datetime) -> LedgerEntry:
    """Take what this payment pays from its account; the same `source_key` takes it once."""
    if offer.gift_card:
        return pay_with_locked_card(offer.gift_card, amount=outcome.units, source_key=source_key, at=at)
    return ledger.debit(offer.account, units=outcome.units, source_key=source_key, at=at)
