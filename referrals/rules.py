"""What holds for referrals whatever the database says. Pure."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Without letters and digits that look alike.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
DOTLESS_DOMAINS = {"gmail.com", "googlemail.com"}


def new_code() -> str:
    """Return a random code to share: 8 characters of a 32-letter alphabet (40 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def canonical_code(text: str) -> str:
    """Return a code as it is stored, however it was typed."""
    return "".join(text.split()).replace("-", "").upper()


def mailbox_of(email: str) -> str:
    """Return the mailbox behind a normalised address: two addresses of one mailbox are equal here.

    A +tag is dropped; dots do not count at Gmail.
    """
    name, _, domain = email.strip().lower().rpartition("@")
    name = name.partition("+")[0] or name
    if domain in DOTLESS_DOMAINS:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def is_same_person(
    emails: Iterable[str], phones: Iterable[str], *, as_emails: Iterable[str], as_phones: Iterable[str]
) -> bool:
    """Return whether two people share a mailbox or a phone number (both in normal form)."""
    mailboxes = {mailbox_of(email) for email in emails} & {mailbox_of(email) for email in as_emails}
    return bool(mailboxes or set(phones) & set(as_phones))


@dataclass(frozen=True)
class Economics:
    """What a programme brings and costs; amounts are minor units of the programme's currency.

    k is how many new customers one referrer brings: invitations per referrer times their conversion rate.
    ROI is ((LTV * (1 + k)) - reward) / reward, empty when the reward cost nothing (analytics.md, section 4).
    """

    invitations_per_referrer: Decimal | None
    conversion_rate: Decimal | None
    k: Decimal | None
    ltv_amount: int | None
    reward_amount: int | None
    roi: Decimal | None


def economics(
    *, referrers: int, invitations: int, converted: int, friends_amount: int, cost_amount: int
) -> Economics:
    """Return the figures of a programme.

    `friends_amount` is what converted friends have spent so far; `cost_amount` what both sides' rewards and
    the programme itself have cost. LTV and reward are per converted friend.
    """
    per_referrer = _ratio(invitations, referrers)
    conversion = _ratio(converted, invitations)
    # Codes are also shared where no invitation is told: then k is counted from the friends who came.
    k = per_referrer * conversion if per_referrer and conversion is not None else _ratio(converted, referrers)
    ltv, reward = _ratio(friends_amount, converted), _ratio(cost_amount, converted)
    roi = (ltv * (1 + k) - reward) / reward if ltv is not None and k is not None and reward else None
    return Economics(
        invitations_per_referrer=_rounded(per_referrer),
        conversion_rate=_rounded(conversion),
        k=_rounded(k),
        ltv_amount=_whole(ltv),
        reward_amount=_whole(reward),
        roi=_rounded(roi),
    )


def _ratio(part: int, whole: int) -> Decimal | None:
    return Decimal(part) / whole if whole else None


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
