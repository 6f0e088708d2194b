"""Gift cards: issued, activated, spent, topped up, switched off. The account of a card is its lock.

Every change of a card takes the row of its account first, as everything that spends does; then the card is
read. Whoever is told of it, the holder, is held before both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.definitions import read_items
from coupons.errors import (
    GiftCardBalanceExceeded,
    GiftCardConflict,
    GiftCardEmpty,
    GiftCardMoveNotPossible,
    PointsExceeded,
    refusal,
)
from coupons.gift_card_codes import code_hash, known_hashes, make_code
from coupons.models import Account, GiftCard, GiftCardBatch, LedgerEntry
from coupons.services import ledger
from coupons.services.gift_card_events import record_card_event
from coupons.services.sealed_codes import open_code, seal_code, wipe_code
from coupons.services.single_debits import debit_locked
from customers.models import Customer, Order
from customers.services.locks import hold_customer, lock_live_customers
from operations.errors import InvalidInput
from operations.models import ApiClient, User

Reason = GiftCard.Reason
Status = GiftCard.Status
VatKind = GiftCard.VatKind


@dataclass(frozen=True)
class IssuedGiftCard:
    """A card with its code, which is null once it was wiped; `created` is false for a repeat."""

    card: GiftCard
    code: str | None
    created: bool = True


def find_gift_card(code: str) -> GiftCard | None:
    """Return the card under a code, however it is written; None when there is none. Takes the same work."""
    return GiftCard.objects.whole().filter(code_hash__in=known_hashes(code)).first()


def lock_gift_cards(ids: Iterable[int]) -> list[GiftCard]:
    """Lock the accounts of these cards, in the order of their keys; return the cards as they are now."""
    ids = set(ids)
    if not ids:
        return []
    accounts = Account.objects.filter(gift_card__in=ids).order_by("pk")
    list(accounts.select_for_update(of=["self"], no_key=True).values_list("pk", flat=True))
    return list(GiftCard.objects.whole().filter(pk__in=ids).order_by("account_id"))


def hold_card_holders(ids: Iterable[int]) -> None:
    """Keep who holds these cards from being merged; taken before any account, in the order of their keys."""
    lock_live_customers(
        Customer.objects.filter(accounts__gift_card__in=set(ids)).values_list("pk", flat=True), shared=True
    )


def issue_gift_card(
    *,
    amount: int,
    currency: str,
    at: datetime,
    source_key: str,
    holder: Customer | None = None,
    expires_at: datetime | None = None,
    items: dict[str, Any] | None = None,
    vat_kind: str = VatKind.MPV,
    tax_rate: Decimal | None = None,
    reason: str = Reason.SOLD,
    note: str = "",
    active: bool = True,
    channel: str | None = None,
    bought_on: Order | None = None,
    line_id: str = "",
    batch: GiftCardBatch | None = None,
    issued_by: User | None = None,
    client: ApiClient | None = None,
) -> IssuedGiftCard:
    """Issue a card of `amount` minor units; the same `source_key` gives the same card again.

    The code is in the answer and nowhere else in the clear: with a holder and a `channel` it is sent to them,
    and for a day it can be told once more to whoever asks with the same key. One that is not `active` has no
    money until it is activated. `items` narrows what it pays for.

    Raises InvalidInput, and GiftCardConflict when another card was issued for this cause.
    """
    _check(amount, expires_at, items, vat_kind, tax_rate, at)
    with transaction.atomic():
        holder = hold_customer(holder) if holder else None
        code = make_code()
        fields = {
            "expires_at": expires_at,
            "items": items or None,
            "vat_kind": vat_kind,
            "tax_rate": tax_rate if vat_kind == VatKind.SPV else None,
            "reason": reason,
            "note": note.strip(),
            "channel": (channel or "") if holder else "",
            "bought_on": bought_on,
            "line_id": line_id,
            "batch": batch,
            "issued_by": issued_by,
            "client": client,
            "source_key": source_key,
        }
        card = _insert(code, amount=amount, currency=currency, holder=holder, at=at, **fields)
        if card is None:
            return _known(source_key, amount, currency, holder, at)
        seal_code(card, code, at=at)
        record_card_event(
            "gift_card.issued", card, at=at, amount=amount, by=issued_by, channel=card.channel or None
        )
        if active:
            _load(card, at)
    return IssuedGiftCard(card, code)


def activate_gift_card(card: GiftCard, *, at: datetime, by: User | None = None) -> GiftCard:
    """Load a card with the amount it was issued with; one that is active already is left as it is.

    Raises GiftCardMoveNotPossible for a card that was switched off or has expired.
    """
    with transaction.atomic():
        card = _locked(card)
        if card.status_at(at) == Status.ACTIVE:
            return card
        if card.status_at(at) != Status.INACTIVE:
            raise GiftCardMoveNotPossible
        _load(card, at)
        record_card_event("gift_card.activated", card, at=at, amount=card.amount, by=by)
    return card


def top_up_gift_card(
    card: GiftCard, *, amount: int, source_key: str, at: datetime, note: str = "", by: User | None = None
) -> LedgerEntry:
    """Add money to an active card, good as long as the card; the same `source_key` adds once.

    Raises GiftCardMoveNotPossible for a card that is not active.
    """
    if amount <= 0:
        raise InvalidInput.at("/amount", _("An amount is at least one minor unit."))
    key = f"top-up:{source_key}"
    with transaction.atomic():
        card = _locked(card)
        if known := card.account.entries.filter(source_key=key).first():
            return known
        if card.status_at(at) != Status.ACTIVE:
            raise GiftCardMoveNotPossible
        entry = ledger.credit(
            card.account, units=amount, source_key=key, at=at, expires_at=card.expires_at, reason=note.strip()
        )
        record_card_event(
            "gift_card.topped_up", card, at=at, amount=amount, by=by, external_id=f"entry:{entry.pk}"
        )
    return entry


def pay_with_gift_card(
    card: GiftCard, *, amount: int, source_key: str, at: datetime, reason: str = ""
) -> LedgerEntry:
    """Take `amount` minor units from a card, the earliest expiry first; the same `source_key` pays once.

    Reservations of others are the caller's business. Raises CouponDisabled, CouponNotActive, CouponExpired,
    GiftCardEmpty, GiftCardBalanceExceeded, with nothing taken.
    """
    with transaction.atomic():
        (card,) = lock_gift_cards([card.pk])
        return pay_with_locked_card(card, amount=amount, source_key=source_key, at=at, reason=reason)


def pay_with_locked_card(
    card: GiftCard, *, amount: int, source_key: str, at: datetime, reason: str = ""
) -> LedgerEntry:
    """Take `amount` from a card that `lock_gift_cards` gave; as `pay_with_gift_card`, in one statement."""
    if key := card.refusal_at(at):
        if known := card.account.entries.filter(source_key=source_key).first():
            return known
        raise refusal(key, about_coupon=True)
    try:
        return debit_locked(card.account, units=amount, source_key=source_key, at=at, reason=reason)
    except PointsExceeded as error:
        raise (GiftCardBalanceExceeded if card.account.spendable(at) else GiftCardEmpty) from error


def disable_gift_card(
    card: GiftCard, *, reason: str, at: datetime, by: User | None = None, clear: bool = False
) -> GiftCard:
    """Switch a card off: nothing can be spent any more, what is on it stays; off already, it is left alone.

    With `clear` its money is taken off as well: it went back to who had bought it.
    """
    with transaction.atomic():
        card = _locked(card)
        if card.status != Status.DISABLED:
            card.status, card.disabled_at = Status.DISABLED, at
            card.save(update_fields=["status", "disabled_at"])
            wipe_code(card.pk)
            record_card_event(
                "gift_card.disabled", card, at=at, by=by, reason=reason, external_id=_move_id(card, at)
            )
        if clear and card.account.balance:
            ledger.claw_back(
                card.account,
                units=card.account.balance,
                source_key=f"cleared:{at.isoformat()}",
                at=at,
                reason=reason,
            )
    return card


def enable_gift_card(card: GiftCard, *, reason: str, at: datetime, by: User | None = None) -> GiftCard:
    """Switch a card on again, with what is on it; one that is on is left as it is."""
    with transaction.atomic():
        card = _locked(card)
        if card.status != Status.DISABLED:
            return card
        card.status = Status.ACTIVE if card.activated_at else Status.INACTIVE
        card.disabled_at = None
        card.save(update_fields=["status", "disabled_at"])
        record_card_event(
            "gift_card.enabled", card, at=at, by=by, reason=reason, external_id=_move_id(card, at)
        )
    return card


def extend_gift_card(
    card: GiftCard, *, expires_at: datetime | None, reason: str, at: datetime, by: User | None = None
) -> GiftCard:
    """Let a card and the money on it be good longer, until `expires_at`, or for ever with None.

    Good that long already, it is left as it is. Raises InvalidInput for an earlier end than it has, and
    GiftCardMoveNotPossible for a card switched off or expired: what expired is booked and stays so.
    """
    with transaction.atomic():
        card = _locked(card)
        if card.status_at(at) in (Status.DISABLED, Status.EXPIRED):
            raise GiftCardMoveNotPossible
        if card.expires_at == expires_at:
            return card
        if card.expires_at is None or (expires_at is not None and expires_at < card.expires_at):
            raise InvalidInput.at("/expires_at", _("A card can only be made good for longer."))
        card.account.lots.filter(expires_at=card.expires_at).update(expires_at=expires_at)
        card.expires_at = expires_at
        card.save(update_fields=["expires_at"])
        until = expires_at.isoformat() if expires_at else None
        record_card_event(
            "gift_card.extended",
            card,
            at=at,
            by=by,
            reason=reason,
            expires_at=until,
            external_id=f"gift_card:{card.pk}:extended:{until}",
        )
    return card


def renew_gift_card(
    card: GiftCard, *, reason: str, at: datetime, channel: str | None = None, by: User | None = None
) -> IssuedGiftCard:
    """Give a card a new code, because the old one was lost or seen by others: the old one is good no more.

    With a `channel` it is sent to the holder. Raises GiftCardMoveNotPossible for one switched off or expired.
    """
    with transaction.atomic():
        card = _locked(card)
        if card.status_at(at) in (Status.DISABLED, Status.EXPIRED):
            raise GiftCardMoveNotPossible
        code = make_code()
        card.code_hash, card.last4 = code_hash(code), code[-4:]
        card.code_version += 1
        card.channel = (channel or "") if card.holder else ""
        card.save(update_fields=["code_hash", "last4", "code_version", "channel"])
        seal_code(card, code, at=at)
        record_card_event(
            "gift_card.renewed",
            card,
            at=at,
            by=by,
            reason=reason,
            channel=card.channel or None,
            external_id=f"gift_card:{card.pk}:renewed:{card.code_version}",
        )
    return IssuedGiftCard(card, code)


def _check(
    amount: int,
    expires_at: datetime | None,
    items: dict[str, Any] | None,
    vat_kind: str,
    tax_rate: Decimal | None,
    at: datetime,
) -> None:
    if amount <= 0:
        raise InvalidInput.at("/amount", _("An amount is at least one minor unit."))
    if expires_at is not None and expires_at <= at:
        raise InvalidInput.at("/expires_at", _("A gift card expires after it was issued."))
    if vat_kind == VatKind.SPV and tax_rate is None:
        raise InvalidInput.at("/tax_rate", _("A single-purpose card needs its tax rate."))
    if items:
        read_items(items)


def _insert(
    code: str, *, amount: int, currency: str, holder: Customer | None, at: datetime, **fields: Any
) -> GiftCard | None:
    """Write the card with its account; None when its cause is known."""
    if GiftCard.objects.filter(source_key=fields["source_key"]).exists():
        return None
    try:
        with transaction.atomic():
            account = Account.objects.create(
                customer=holder, kind=Account.Kind.GIFT_CARD, currency=currency, opened_at=at
            )
            return GiftCard.objects.create(
                account=account,
                code_hash=code_hash(code),
                last4=code[-4:],
                amount=amount,
                status=Status.INACTIVE,
                issued_at=at,
                **fields,
            )
    except IntegrityError as error:
        if "source_key" not in str(error):
            raise
        return None


def _known(
    source_key: str, amount: int, currency: str, holder: Customer | None, at: datetime
) -> IssuedGiftCard:
    card = GiftCard.objects.whole().get(source_key=source_key)
    if (card.amount, card.currency, card.holder) != (amount, currency, holder):
        raise GiftCardConflict
    return IssuedGiftCard(card, open_code(card.pk, at=at), created=False)


def _load(card: GiftCard, at: datetime) -> None:
    card.status, card.activated_at = Status.ACTIVE, at
    card.save(update_fields=["status", "activated_at"])
    ledger.credit(card.account, units=card.amount, source_key="issued", at=at, expires_at=card.expires_at)


def _locked(card: GiftCard) -> GiftCard:
    """Hold who holds the card, then lock it; returns it as it is now."""
    hold_card_holders([card.pk])
    (card,) = lock_gift_cards([card.pk])
    return card


def _move_id(card: GiftCard, at: datetime) -> str:
    return f"gift_card:{card.pk}:{card.status}:{at.isoformat()}"
