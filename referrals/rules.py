"""What holds for referrals whatever the database says. Pure."""

import math
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

# Without letters and digits that look alike.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
CONFIDENT = 1.959964


def new_code() -> str:
    """Return a random code to share: 8 characters of a 32-letter alphabet (40 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def canonical_code(text: str) -> str:
    """Return a code as it is stored, however it was typed."""
    return "".join(char for char in text if char.isalnum()).upper()


def plain_address(text: str) -> str:
    """Return an address in the form in which two are compared: letters and digits alone, without accents."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(char for char in bare if not unicodedata.combining(char)))


def month_of(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the instants between which the calendar month of an instant runs in a time zone."""
    first = at.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return first, following


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


def planned_roi(ltv_amount: int | None, reward_amount: int | None, k: Decimal | None) -> Decimal | None:
    """Return the return that a plan expects, by the formula of `Economics`; None where it is not whole."""
    if ltv_amount is None or not reward_amount or k is None:
        return None
    return _rounded((ltv_amount * (1 + k) - reward_amount) / reward_amount)


@dataclass(frozen=True)
class Interval:
    """A share (0..1) and where it lies with 95 % confidence."""

    share: float
    low: float
    high: float


def wilson(successes: int, trials: int) -> Interval | None:
    """Return the share of successes with its 95 % interval (Wilson's score, 1927); None without trials."""
    if not trials:
        return None
    share, square = successes / trials, CONFIDENT**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = CONFIDENT * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    half /= 1 + square / trials
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True)
class Cohort:
    """People whose first order fell in one month: how many were referred and how many were not.

    The amounts are what each group has spent together since, in minor units.
    """

    referred: int
    referred_amount: int
    others: int
    others_amount: int


@dataclass(frozen=True)
class ValueCompared:
    """What a referred customer has spent on average against the others who began in the same months.

    The others are weighted as the referred are spread over the months. `friends` counts those referred for
    whom somebody else began in the same month.
    """

    friends: int
    referred_amount: int
    others_amount: int

    @property
    def difference(self) -> float | None:
        """Return how much more the referred spend, relative to the others (0.1 is 10 % more)."""
        if not self.others_amount:
            return None
        return self.referred_amount / self.others_amount - 1


def value_compared(cohorts: Iterable[Cohort]) -> ValueCompared | None:
    """Return the comparison; None when no month has both."""
    both = [cohort for cohort in cohorts if cohort.referred and cohort.others]
    friends = sum(cohort.referred for cohort in both)
    if not friends:
        return None
    spent = Decimal(sum(cohort.referred_amount for cohort in both)) / friends
    others = sum(Decimal(cohort.others_amount) / cohort.others * cohort.referred for cohort in both) / friends
    return ValueCompared(friends, _whole(spent), _whole(others))


def _ratio(part: int, whole: int) -> Decimal | None:
    return Decimal(part) / whole if whole else None


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
