"""Codes of gift cards on their way to a person: sealed when made, opened to be sent, wiped soon after."""

from datetime import datetime

from coupons.gift_card_codes import SEALED_FOR, seal, unseal
from coupons.models import GiftCard, GiftCardBatch, SealedCode


def seal_code(card: GiftCard, code: str, *, at: datetime) -> SealedCode:
    """Keep a new code for its way to a person, in place of one that was kept before."""
    row, _created = SealedCode.objects.update_or_create(
        card=card, defaults={"token": seal(code), "sealed_at": at}
    )
    return row


def open_code(card_id: int, *, at: datetime, last4: str = "") -> str | None:
    """Return the code of a card while it is kept: until it was sent, and for a day at most.

    With `last4` the code that ends so, and none that the card was given since.
    """
    row = SealedCode.objects.filter(card=card_id, sealed_at__gt=at - SEALED_FOR).first()
    code = unseal(row.token) if row else None
    return code if code and code.endswith(last4) else None


def open_codes(batch: GiftCardBatch, *, at: datetime) -> dict[int, str]:
    """Return the codes of a batch that are still kept, by card."""
    rows = SealedCode.objects.filter(card__batch=batch, sealed_at__gt=at - SEALED_FOR)
    codes = {row.card_id: unseal(row.token) for row in rows.order_by("card_id")}
    return {card: code for card, code in codes.items() if code}


def codes_are_kept(batch: GiftCardBatch, *, at: datetime) -> bool:
    """Return whether codes of a batch can still be fetched."""
    return SealedCode.objects.filter(card__batch=batch, sealed_at__gt=at - SEALED_FOR).exists()


def wipe_code(card_id: int, *, version: int | None = None) -> None:
    """Forget a code that has reached its person, unless the card has a newer one than `version`."""
    sealed = SealedCode.objects.filter(card=card_id)
    (sealed if version is None else sealed.filter(card__code_version=version)).delete()


def wipe_codes(*, at: datetime) -> int:
    """Forget the codes whose day is over; return how many."""
    wiped, _details = SealedCode.objects.filter(sealed_at__lte=at - SEALED_FOR).delete()
    return wiped
