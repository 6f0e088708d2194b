"""Referral programmes: defined, edited, stopped and resumed."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.models import Promotion
from operations.errors import InvalidInput
from referrals.errors import ProgrammeTaken
from referrals.models import ReferralProgramme


@dataclass(frozen=True)
class Reward:
    """What one side gets: a coupon of a promotion, or points; one of the two."""

    promotion: Promotion | None = None
    points: int | None = None


@dataclass(frozen=True)
class Terms:
    """The conditions of a programme; amounts are minor units of the programme's currency."""

    minimum_amount: int = 0
    after_days: int = 0
    maximum_per_referrer: int | None = None
    fixed_cost_amount: int = 0
    landing_url: str = ""


def create_programme(
    *,
    code: str,
    name: str,
    referrer_reward: Reward,
    referee_reward: Reward,
    terms: Terms = Terms(),
) -> ReferralProgramme:
    """Write down a programme, active at once.

    Raises InvalidInput for a reward that is not exactly one thing or a promotion without coupons,
    ProgrammeTaken when the code is in use.
    """
    fields = _fields(referrer_reward, referee_reward, terms)
    try:
        with transaction.atomic():
            return ReferralProgramme.objects.create(code=code, name=name, **fields)
    except IntegrityError as error:
        raise ProgrammeTaken from error


def edit_programme(
    programme: ReferralProgramme, *, name: str, referrer_reward: Reward, referee_reward: Reward, terms: Terms
) -> ReferralProgramme:
    """Change a programme; referrals that qualify from now on follow the new terms. Raises InvalidInput."""
    fields = _fields(referrer_reward, referee_reward, terms) | {"name": name}
    ReferralProgramme.objects.filter(pk=programme.pk).update(**fields)
    programme.refresh_from_db()
    return programme


def stop_programme(programme: ReferralProgramme, *, reason: str = "", at: datetime) -> ReferralProgramme:
    """Stop a programme at once: nobody is referred and nobody qualifies any more.

    Rewards already owed are still paid. Stopping a stopped programme changes nothing.
    """
    ReferralProgramme.objects.filter(pk=programme.pk, active=True).update(
        active=False, stopped_at=at, stop_reason=reason
    )
    programme.refresh_from_db()
    return programme


def resume_programme(programme: ReferralProgramme) -> ReferralProgramme:
    """Let a stopped programme go on; friends who bought meanwhile stay rejected."""
    ReferralProgramme.objects.filter(pk=programme.pk).update(active=True, stopped_at=None, stop_reason="")
    programme.refresh_from_db()
    return programme


def _fields(referrer_reward: Reward, referee_reward: Reward, terms: Terms) -> dict[str, Any]:
    if terms.landing_url and "{code}" not in terms.landing_url:
        raise InvalidInput.at("/landing_url", _("The address needs {code} where the code goes."))
    if terms.landing_url and not terms.landing_url.startswith(("https://", "http://")):
        raise InvalidInput.at("/landing_url", _("The address begins with https://."))
    _check_reward(referrer_reward, "/referrer_reward")
    _check_reward(referee_reward, "/referee_reward")
    return asdict(terms) | {
        "referrer_promotion": referrer_reward.promotion,
        "referrer_points": referrer_reward.points,
        "referee_promotion": referee_reward.promotion,
        "referee_points": referee_reward.points,
    }


def _check_reward(reward: Reward, pointer: str) -> None:
    if (reward.promotion is None) == (reward.points is None):
        raise InvalidInput.at(pointer, _("A reward is either a promotion or points."))
    if reward.points is not None and reward.points < 1:
        raise InvalidInput.at(f"{pointer}/points", _("A reward gives at least one point."))
    if reward.promotion and reward.promotion.trigger != Promotion.Trigger.COUPON:
        raise InvalidInput.at(f"{pointer}/promotion", _("This promotion has no coupons to hand out."))
