"""Referral programmes: defined, edited, stopped and resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from coupons.models import Promotion
from customers.models import Segment
from loyalty.models import Reward as CatalogueReward
from operations.errors import InvalidInput
from referrals.errors import ProgrammeTaken
from referrals.models import ReferralProgramme, ReferralVariant, RewardStep

HUNDRED = 100
ITEMS = ("skus", "categories", "brands")


@dataclass(frozen=True)
class Reward:
    """What one side gets, one of these; money (minor units) is for who invites."""

    promotion: Promotion | None = None
    points: int | None = None
    reward: CatalogueReward | None = None
    cash_amount: int | None = None


@dataclass(frozen=True)
class Variant:
    """Another offer and the share of those who invite that is promised it; `id` names one that exists."""

    name: str
    share_percent: int
    referrer_reward: Reward
    referee_reward: Reward
    id: int | None = None


@dataclass(frozen=True)
class Step:
    """What a customer gets on top once they have brought so many rewarded friends."""

    friends: int
    reward: CatalogueReward


@dataclass(frozen=True)
class Terms:
    """The conditions of a programme; amounts are minor units of the programme's currency.

    `items` are {"skus", "categories", "brands"}: the friend's order holds one of them. The three planned
    figures are what the return is expected to be.
    """

    minimum_amount: int = 0
    after_days: int = 0
    items: Mapping[str, Sequence[str]] = field(default_factory=dict)
    segment: Segment | None = None
    take_back: bool = True
    maximum_per_referrer: int | None = None
    maximum_per_month: int | None = None
    maximum_total: int | None = None
    review_score: int = 40
    velocity_per_day: int = 50
    fixed_cost_amount: int = 0
    planned_ltv_amount: int | None = None
    planned_reward_amount: int | None = None
    planned_k: Decimal | None = None
    landing_url: str = ""


def terms_of(programme: ReferralProgramme) -> Terms:
    """Return the conditions of a programme as they stand."""
    return Terms(**{one.name: getattr(programme, one.name) for one in fields(Terms)})


def rewards_of(programme: ReferralProgramme) -> dict[str, Reward]:
    """Return what both sides are promised by the programme's own offer."""
    return {
        f"{side}_reward": Reward(
            **{
                name: getattr(programme, f"{side}_{name}", None)
                for name in ("promotion", "points", "reward", "cash_amount")
            }
        )
        for side in ("referrer", "referee")
    }


def create_programme(
    *,
    code: str,
    name: str,
    referrer_reward: Reward,
    referee_reward: Reward,
    terms: Terms = Terms(),
    variants: Sequence[Variant] = (),
    steps: Sequence[Step] = (),
) -> ReferralProgramme:
    """Write down a programme, active at once.

    Raises InvalidInput for a reward that is not exactly one thing, a promotion without coupons and shares of
    more than everybody; ProgrammeTaken when the code is in use.
    """
    fields = _fields(referrer_reward, referee_reward, terms)
    _check_variants(variants)
    _check_steps(steps)
    try:
        with transaction.atomic():
            programme = ReferralProgramme.objects.create(code=code, name=name, **fields)
            _write_variants(programme, variants)
            _write_steps(programme, steps)
            return programme
    except IntegrityError as error:
        raise ProgrammeTaken from error


def edit_programme(
    programme: ReferralProgramme,
    *,
    name: str,
    referrer_reward: Reward,
    referee_reward: Reward,
    terms: Terms,
    variants: Sequence[Variant] | None = None,
    steps: Sequence[Step] | None = None,
) -> ReferralProgramme:
    """Change a programme; referrals that qualify from now on follow the new terms.

    A variant that is left out is promised to nobody new; whoever has it keeps it. A step that is left out is
    given to nobody new. Without `variants` or `steps` these stay as they are. Raises InvalidInput.
    """
    fields = _fields(referrer_reward, referee_reward, terms) | {"name": name}
    _check_variants(variants or ())
    _check_steps(steps or ())
    with transaction.atomic():
        ReferralProgramme.objects.select_for_update(no_key=True).get(pk=programme.pk)
        ReferralProgramme.objects.filter(pk=programme.pk).update(**fields)
        if variants is not None:
            _write_variants(programme, variants)
        if steps is not None:
            _write_steps(programme, steps)
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
    plain = asdict(terms) | {
        "segment": terms.segment,
        "items": {name: list(terms.items[name]) for name in ITEMS if terms.items.get(name)},
    }
    return plain | _offer(referrer_reward, referee_reward, "")


def _offer(referrer_reward: Reward, referee_reward: Reward, pointer: str) -> dict[str, Any]:
    _check_reward(referrer_reward, f"{pointer}/referrer_reward")
    _check_reward(referee_reward, f"{pointer}/referee_reward")
    if referee_reward.cash_amount is not None:
        raise InvalidInput.at(
            f"{pointer}/referee_reward/cash_amount", _("Money is for who invites, not for the friend.")
        )
    return {
        "referrer_promotion": referrer_reward.promotion,
        "referrer_points": referrer_reward.points,
        "referrer_reward": referrer_reward.reward,
        "referrer_cash_amount": referrer_reward.cash_amount,
        "referee_promotion": referee_reward.promotion,
        "referee_points": referee_reward.points,
        "referee_reward": referee_reward.reward,
    }


def _check_reward(reward: Reward, pointer: str) -> None:
    given = [value for value in vars(reward).values() if value is not None]
    if len(given) != 1:
        raise InvalidInput.at(pointer, _("A reward is one thing: a promotion, points or something else."))
    if reward.points is not None and reward.points < 1:
        raise InvalidInput.at(f"{pointer}/points", _("A reward gives at least one point."))
    if reward.cash_amount is not None and reward.cash_amount < 1:
        raise InvalidInput.at(f"{pointer}/cash_amount", _("Money given is more than nothing."))
    if reward.reward and not reward.reward.active:
        raise InvalidInput.at(f"{pointer}/reward", _("This reward is switched off."))
    if reward.promotion and reward.promotion.trigger != Promotion.Trigger.COUPON:
        raise InvalidInput.at(f"{pointer}/promotion", _("This promotion has no coupons to hand out."))


def _check_variants(variants: Sequence[Variant]) -> None:
    names = [variant.name.strip() for variant in variants]
    if not all(names):
        raise InvalidInput.at(f"/variants/{names.index('')}/name", _("Give the variant a name."))
    if len(set(names)) < len(names):
        raise InvalidInput.at("/variants", _("Two variants have the same name."))
    if sum(variant.share_percent for variant in variants) > HUNDRED:
        raise InvalidInput.at("/variants", _("The shares are more than 100 % together."))
    for place, variant in enumerate(variants):
        _offer(variant.referrer_reward, variant.referee_reward, f"/variants/{place}")


def _write_variants(programme: ReferralProgramme, variants: Sequence[Variant]) -> None:
    known = {variant.pk: variant for variant in programme.variants.all()}
    by_name = {variant.name: variant for variant in known.values()}
    kept = set()
    for place, variant in enumerate(variants):
        row = known.get(variant.id) or by_name.get(variant.name) or ReferralVariant(programme=programme)
        row.name, row.share_percent = variant.name.strip(), variant.share_percent
        for name, value in _offer(
            variant.referrer_reward, variant.referee_reward, f"/variants/{place}"
        ).items():
            setattr(row, name, value)
        row.save()
        kept.add(row.pk)
    for gone in [variant for variant in known.values() if variant.pk not in kept]:
        try:
            with transaction.atomic():
                gone.delete()
        except ProtectedError:
            ReferralVariant.objects.filter(pk=gone.pk).update(share_percent=0)


def _check_steps(steps: Sequence[Step]) -> None:
    friends = [step.friends for step in steps]
    if any(number < 1 for number in friends):
        raise InvalidInput.at("/steps", _("A step takes at least one friend."))
    if len(set(friends)) < len(friends):
        raise InvalidInput.at("/steps", _("Two steps are for the same number of friends."))
    for place, step in enumerate(steps):
        if not step.reward.active:
            raise InvalidInput.at(f"/steps/{place}/reward", _("This reward is switched off."))


def _write_steps(programme: ReferralProgramme, steps: Sequence[Step]) -> None:
    """Another reward for as many friends is a step of its own, to be reached anew."""
    wanted = {(step.friends, step.reward.pk) for step in steps}
    standing = {(step.friends, step.reward_id): step for step in programme.steps.filter(active=True)}
    gone = [step.pk for key, step in standing.items() if key not in wanted]
    programme.steps.filter(pk__in=gone).update(active=False)
    RewardStep.objects.bulk_create(
        RewardStep(programme=programme, friends=friends, reward_id=reward)
        for friends, reward in sorted(wanted - set(standing))
    )
