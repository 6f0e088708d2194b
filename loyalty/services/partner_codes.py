"""Codes of other companies: loaded in advance, sealed, and given one by one."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from loyalty.errors import OutOfStock
from loyalty.models import PartnerCode, Reward, RewardGrant
from operations.errors import InvalidInput, Mistake
from operations.inserts import insert_missing
from operations.sealing import open_secret, seal_secret

PURPOSE = "partner codes"
LONGEST = 200
MOST_AT_ONCE = 50_000
MISTAKES_SHOWN = 20


@dataclass(frozen=True)
class Loaded:
    """What loading codes came to: how many are new, and how many were there already."""

    added: int
    known: int


def add_partner_codes(
    reward: Reward, codes: Iterable[str], *, at: datetime, expires_at: datetime | None = None
) -> Loaded:
    """Load codes of the partner; one that is there already, given or not, is left as it is.

    From `expires_at` on (exclusive) they are given to nobody. Raises InvalidInput with the number of each
    line that cannot be a code, and for a reward that gives none; then nothing was loaded.
    """
    if reward.kind != Reward.Kind.PARTNER_CODE:
        raise InvalidInput.at("/codes", _("Only a reward that gives a partner's code has codes."))
    if expires_at and expires_at <= at:
        raise InvalidInput.at("/expires_at", _("These codes have expired already."))
    wanted = _checked(codes)
    hashes = {code: _hashes(code, reward) for code in wanted}
    with transaction.atomic():
        every = [one for each in hashes.values() for one in each]
        held = PartnerCode.objects.filter(reward=reward, code_hash__in=every)
        there = set(held.values_list("code_hash", flat=True))
        rows = [
            PartnerCode(
                reward=reward,
                sealed=seal_secret(code, purpose=PURPOSE),
                code_hash=own[0],
                last4=code[-4:],
                expires_at=expires_at,
                added_at=at,
            )
            for code, own in hashes.items()
            if there.isdisjoint(own)
        ]
        added = insert_missing(rows, unique=["reward", "code_hash"])
    return Loaded(len(added), len(wanted) - len(added))


def take_partner_code(reward: Reward, *, at: datetime) -> PartnerCode:
    """Take the next code of a reward whose row is locked. Raises OutOfStock when there is none."""
    code = PartnerCode.objects.select_for_update().filter(reward=reward).free(at).first()
    if code is None:
        raise OutOfStock
    code.given_at = at
    code.save(update_fields=["given_at"])
    return code


def partner_code_of(grant: RewardGrant) -> str | None:
    """Return the code that a grant gave, in the clear; None where it gave none or no key opens it."""
    return open_secret(grant.partner_code.sealed, purpose=PURPOSE) if grant.partner_code else None


def _checked(codes: Iterable[str]) -> list[str]:
    wanted: dict[str, None] = {}
    mistakes = []
    for number, line in enumerate(codes, start=1):
        code = line.strip()
        if not code:
            continue
        if len(code) > LONGEST or any(not character.isprintable() for character in code) or len(code) < 4:
            # The code itself is worth money: the place is told, never the text.
            mistakes.append(
                Mistake(f"/codes/{number - 1}", _("Line %(number)s is no code.") % {"number": number})
            )
        wanted[code] = None
    if len(wanted) > MOST_AT_ONCE:
        raise InvalidInput.at("/codes", _("At most %(most)s codes at once.") % {"most": MOST_AT_ONCE})
    if mistakes:
        raise InvalidInput(details=mistakes[:MISTAKES_SHOWN])
    if not wanted:
        raise InvalidInput.at("/codes", _("There is no code here."))
    return list(wanted)


def _hashes(code: str, reward: Reward) -> list[str]:
    """Return what a code is known by with each pepper, the one in use first."""
    told = f"partner code\n{reward.pk}\n{code}".encode()
    return [
        hmac.new(pepper.encode(), told, hashlib.sha256).hexdigest() for pepper in settings.GIFT_CARD_PEPPERS
    ]
