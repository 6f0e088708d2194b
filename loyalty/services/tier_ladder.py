"""The ladder of tiers as the merchant sets it: its steps, their benefits, its rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from customers.services.segments import edit_segment
from loyalty.errors import TierTaken
from loyalty.models import Tier, TierLadder, TierPeriod
from loyalty.services.plans import check_benefits, give_segment, keep_shipping, segment_name
from loyalty.services.tier_values import local_day
from loyalty.services.tiers import Cause, the_ladder
from operations.errors import InvalidInput, Mistake
from operations.models import User

LONGEST_WINDOW = 120
CALENDAR_MONTHS = (1, 3, 6, 12)


def create_tier(
    *,
    code: str,
    name: str,
    threshold: int,
    at: datetime,
    by: User | None = None,
    metric: str | None = None,
    window_days: int | None = None,
    **fields: Any,
) -> Tier:
    """Write down a step of the ladder with its segment; with `free_shipping` also that promotion.

    `metric` is what the threshold counts: the first step makes the ladder measure so, in a rolling window of
    the whole months nearest to `window_days`; on the others' ladder it has to be what is measured already.
    Nobody stands on it until something happens to them, or `review_tiers` is run. Raises InvalidInput,
    TierTaken when the code or the threshold is in use.
    """
    tier = Tier(code=code, name=name, threshold=threshold, **fields)
    check_benefits(tier)
    try:
        with transaction.atomic():
            if metric:
                _measure_by(metric, window_days, at=at)
            give_segment(tier)
            tier.save()
            keep_shipping(tier, at=at, by=by)
    except IntegrityError as error:
        raise TierTaken from error
    return tier


def not_a_choice(value: object, known: object) -> str:
    """Return the words that refuse a value where another one holds."""
    return _("%(value)s is not one of the choices: %(known)s.") % {"value": value, "known": known}


def _measure_by(metric: str, window_days: int | None, *, at: datetime) -> None:
    """Have the ladder measure so where it has no steps; with steps, refuse another measure."""
    TierLadder.objects.get_or_create(pk=1)
    standing = TierLadder.objects.select_for_update().get(pk=1)
    rules: dict[str, Any] = {"metric": metric}
    if window_days is not None:
        months = max(round(window_days * 12 / 365), 1)
        rules |= {"window": TierLadder.Window.ROLLING, "months": months}
    if not Tier.objects.steps().exists():
        adopt_ladder(rules=rules, thresholds={}, at=at)
        return
    if metric != standing.metric:
        raise InvalidInput.at(f"/from_{metric.lower()}", not_a_choice(metric, standing.metric))
    if any(getattr(standing, name) != value for name, value in rules.items()):
        rolls = standing.window == TierLadder.Window.ROLLING
        known = round(standing.months * 365 / 12) if rolls else standing.window
        raise InvalidInput.at("/window_days", not_a_choice(window_days, known))


def edit_tier(tier: Tier, *, at: datetime, by: User | None = None, **fields: Any) -> Tier:
    """Change a tier's words and benefits, which hold at once for everybody on it.

    Thresholds are changed by `adopt_ladder`. Raises InvalidInput.
    """
    if {"threshold", "years", "active"} & set(fields):
        raise ValueError("Thresholds are adopted together.")
    with transaction.atomic():
        tier = Tier.objects.select_for_update(of=["self"]).select_related("segment").get(pk=tier.pk)
        for name, value in fields.items():
            setattr(tier, name, value)
        check_benefits(tier)
        tier.save()
        edit_segment(tier.segment, name=segment_name(tier))
        keep_shipping(tier, at=at, by=by)
    return tier


@dataclass(frozen=True)
class Holders:
    """How many stand on a tier, how many of them without an end, and the last day of the others."""

    people: int
    for_good: int
    last_day: date | None


def holders_of(tier: Tier) -> Holders:
    """Return who would keep a tier that is retired now, and how long."""
    held = TierPeriod.objects.open().filter(tier=tier)
    return Holders(
        **held.aggregate(
            people=Count("pk"), for_good=Count("pk", filter=Q(kept_until=None)), last_day=Max("kept_until")
        )
    )


def retire_tier(tier: Tier, *, at: datetime) -> Tier:
    """Take a tier out of the ladder: nobody reaches it or is given it any more.

    Whoever stands on it keeps it, with what it gives, until their period and its grace end; then they stand
    where they deserve among the others (`review_tiers`). Retired again, it stays so.
    """
    return _put(tier, active=False, at=at)


def resume_tier(tier: Tier, *, at: datetime) -> Tier:
    """Put a retired tier back into the ladder. Raises TierTaken when another has its threshold by now."""
    try:
        return _put(tier, active=True, at=at)
    except IntegrityError as error:
        raise TierTaken from error


def _put(tier: Tier, *, active: bool, at: datetime) -> Tier:
    with transaction.atomic():
        tier = Tier.objects.select_for_update(of=["self"]).select_related("segment").get(pk=tier.pk)
        tier.active = active
        tier.save(update_fields=["active"])
        keep_shipping(tier, at=at)
    return tier


def proposed_ladder(rules: Mapping[str, Any]) -> TierLadder:
    """Return the ladder as it would be with these rules, unsaved. Raises InvalidInput."""
    ladder = the_ladder()
    for name, value in rules.items():
        setattr(ladder, name, value)
    mistakes = []
    if not 1 <= ladder.months <= LONGEST_WINDOW:
        mistakes.append(Mistake("/months", _("A window is 1 to 120 months long.")))
    if ladder.window == TierLadder.Window.CALENDAR and ladder.months not in CALENDAR_MONTHS:
        mistakes.append(Mistake("/months", _("A period of the calendar has 1, 3, 6 or 12 months.")))
    if not 1 <= ladder.first_month <= 12:
        mistakes.append(Mistake("/first_month", _("A month is 1 to 12.")))
    if mistakes:
        raise InvalidInput(details=mistakes)
    return ladder


def proposed_steps(thresholds: Mapping[int, tuple[int, int | None]]) -> list[Tier]:
    """Return the active tiers as they would be with these thresholds and years, unsaved, the lowest first.

    Raises InvalidInput where two would have the same threshold.
    """
    steps = []
    for tier in Tier.objects.steps():
        if tier.pk in thresholds:
            tier.threshold, tier.years = thresholds[tier.pk]
        steps.append(tier)
    if len({tier.threshold for tier in steps}) < len(steps):
        raise InvalidInput.at("/thresholds", _("Two tiers cannot have the same threshold."))
    return sorted(steps, key=lambda tier: tier.threshold)


def adopt_ladder(
    *, rules: Mapping[str, Any], thresholds: Mapping[int, tuple[int, int | None]], at: datetime
) -> TierLadder:
    """Make these rules and thresholds (by a tier's key: value, years) the programme's.

    Nobody falls by it before the end of their period; who rises does so with `review_tiers`. Periods that had
    no end get the one of the new rules, and lose it where nothing ends any more. Raises InvalidInput.
    """
    ladder = proposed_ladder(rules)
    with transaction.atomic():
        TierLadder.objects.get_or_create(pk=1)
        TierLadder.objects.select_for_update().get(pk=1)
        steps = proposed_steps(thresholds)
        # Two that change places would meet on the way.
        for tier in steps:
            Tier.objects.filter(pk=tier.pk).update(active=False)
        for tier in steps:
            Tier.objects.filter(pk=tier.pk).update(active=True, threshold=tier.threshold, years=tier.years)
        ladder.pk, ladder.changed_at = 1, at
        ladder.save(force_update=True)
        own = TierPeriod.objects.exclude(cause=Cause.BY_HAND)
        plain = ladder.rules(steps)
        if plain.ends:
            own.filter(kept_until__isnull=True).update(kept_until=plain.kept_until(local_day(at)))
        else:
            own.open().update(kept_until=None)
    return ladder
