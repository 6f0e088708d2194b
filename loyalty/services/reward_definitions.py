"""The catalogue as the merchant writes it: rewards made and changed."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.errors import PromotionHasNoCoupon
from coupons.models import Promotion
from loyalty.errors import RewardTaken
from loyalty.models import Reward
from loyalty.ranking import check_traits
from loyalty.translations import check_translations
from operations.errors import InvalidInput, Mistake

Kind = Reward.Kind
# What each kind gives, and what of a reward is nothing to any other kind.
NEEDED = {
    Kind.COUPON: "promotion",
    Kind.GIFT_CARD: "amount",
    Kind.POINTS: "points_given",
    Kind.PRODUCT: "product",
    Kind.DONATION: "amount",
}
GIVEN = ("promotion", "amount", "points_given", "product")
LASTING = (Kind.GIFT_CARD, Kind.POINTS)


def create_reward(**fields: Any) -> Reward:
    """Write down a reward; fields are those of the model, `traits` as `check_traits` takes them.

    Raises RewardTaken for a code in use, InvalidInput with each mistake.
    """
    reward = Reward(**fields)
    _check(reward)
    try:
        with transaction.atomic():
            reward.save(force_insert=True)
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise RewardTaken from error
    return reward


def edit_reward(reward: Reward, **fields: Any) -> Reward:
    """Change a reward; what was given stays as it was. `stock` is how many there are in all, with those gone.

    Waits for whoever is being given one. Raises InvalidInput, also for another kind once one was given and
    for a stock below what is gone.
    """
    with transaction.atomic():
        locked = Reward.objects.select_for_update(no_key=True).get(pk=reward.pk)
        before = locked.kind
        for name, value in fields.items():
            setattr(locked, name, value)
        if locked.kind != before and locked.grants.exists():
            raise InvalidInput.at("/kind", _("What this reward gives cannot change: it was given already."))
        _check(locked)
        locked.save(update_fields=list(fields))
    return locked


def add_stock(reward: Reward, *, count: int) -> Reward:
    """Put more of a reward on the shelf. Raises InvalidInput for a reward without end or less than one."""
    if count < 1:
        raise InvalidInput.at("/count", _("Add at least one."))
    if not Reward.objects.filter(pk=reward.pk, stock__isnull=False).update(stock=F("stock") + count):
        raise InvalidInput.at("/count", _("There is no end to this reward: it has no stock."))
    reward.refresh_from_db(fields=["stock"])
    return reward


def _check(reward: Reward) -> None:
    mistakes = [*_mistakes(reward)]
    if mistakes:
        raise InvalidInput(details=mistakes)
    reward.traits = check_traits(reward.traits)
    reward.translations = check_translations(reward.translations, Reward.TRANSLATED)
    try:
        reward.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{name}", message)
                for name, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error


def _mistakes(reward: Reward) -> list[Mistake]:
    found = []
    needed = NEEDED.get(reward.kind, "")
    if needed and getattr(reward, needed) is None:
        found.append(Mistake(f"/{needed}", _("Say what the reward gives.")))
    for name in GIVEN:
        if name != needed and getattr(reward, name) is not None:
            found.append(Mistake(f"/{name}", _("A reward of this kind does not give this.")))
    for name in ("amount", "points_given", "cost_points", "valid_days", "per_customer"):
        value = getattr(reward, name)
        if value is not None and value < 1:
            found.append(Mistake(f"/{name}", _("At least one.")))
    if reward.valid_days and reward.kind not in LASTING:
        found.append(Mistake("/valid_days", _("Only gift cards and points have days of their own.")))
    if reward.promotion and reward.promotion.trigger == Promotion.Trigger.AUTOMATIC:
        found.append(Mistake("/promotion", str(PromotionHasNoCoupon.message)))
    if reward.stock is not None and reward.stock < reward.taken:
        message = _("%(taken)s were given already; the stock cannot lie below.") % {"taken": reward.taken}
        found.append(Mistake("/stock", message))
    ends = reward.available_until
    if reward.available_from and ends and ends <= reward.available_from:
        found.append(Mistake("/available_until", _("A reward ends after it starts.")))
    return found
