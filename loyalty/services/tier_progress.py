"""How far somebody is: which tier they have, until when, and what is missing to keep it or to rise: reads."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from loyalty.models import Tier, TierPeriod
from loyalty.services.tier_values import Standing, local_day, standings_of, values_in
from loyalty.services.tiers import open_period, the_ladder
from loyalty.tiers import Ladder, Metric
from operations import formats


@dataclass(frozen=True)
class TierProgress:
    """Where one customer stands on the ladder. Values are of its metric: points, minor units or years.

    `value` counts in the window that ends now. `missing` is what leads to `next`, `years_missing` after how
    many more years it comes anyway (None: never). `missing_to_keep` is what the tier needs until
    `kept_until` to be kept for another period (None: it is never looked at again, given by hand or retired).
    """

    metric: Metric
    value: int
    tier: Tier | None = None
    since: datetime | None = None
    kept_until: date | None = None
    missing_to_keep: int | None = None
    next: Tier | None = None
    missing: int | None = None
    years_missing: int | None = None
    steps: tuple[Tier, ...] = ()

    @property
    def share(self) -> float:
        """Return which part of the way to the next tier is done, 0 to 1; 1 on the highest."""
        if self.next is None or not self.next.threshold:
            return 1.0
        return min(1.0, self.value / self.next.threshold)

    def in_words(self, value: int) -> str:
        """Return a value of the ladder's metric as people read it: `120 points`, `50.00`, `2 years`."""
        return measured(self.metric, value)


def measured(metric: str, value: int) -> str:
    """Return a value of a metric as people read it."""
    if metric == Metric.AMOUNT:
        return formats.money(value, settings.PROGRAMME_CURRENCY)
    words = (
        ngettext("%(value)s year", "%(value)s years", value)
        if metric == Metric.YEARS
        else ngettext("%(value)s point", "%(value)s points", value)
    )
    return words % {"value": formats.number(value)}


def progress_of(customer: Customer, *, at: datetime) -> TierProgress | None:
    """Return how far a customer is on the ladder; None while the programme has no tiers."""
    steps = tuple(Tier.objects.steps())
    if not steps:
        return None
    ladder, today = the_ladder().rules(steps), local_day(at)
    standing = standings_of([customer.pk], ladder, on=today).get(customer.pk) or Standing(customer.pk, 0, 0)
    held = open_period(customer)
    following = _following(steps, held)
    return TierProgress(
        metric=ladder.metric,
        value=standing.value,
        tier=held.tier if held else None,
        since=held.started_at if held else None,
        kept_until=held.kept_until if held else None,
        missing_to_keep=_missing_to_keep(held, ladder, standing, today) if held else None,
        next=following,
        missing=max(0, following.threshold - standing.value) if following else None,
        years_missing=_years_missing(following, standing),
        steps=steps,
    )


def _following(steps: tuple[Tier, ...], held: TierPeriod | None) -> Tier | None:
    threshold = held.tier.threshold if held else -1
    return next((step for step in steps if step.threshold > threshold), None)


def _years_missing(following: Tier | None, standing: Standing) -> int | None:
    if following is None or following.years is None:
        return None
    return max(0, following.years - standing.years)


def _missing_to_keep(held: TierPeriod, ladder: Ladder, standing: Standing, today: date) -> int | None:
    by_hand = held.cause == TierPeriod.Cause.BY_HAND
    if held.kept_until is None or by_hand or not ladder.ends or not held.tier.active:
        return None
    if held.tier.years is not None and standing.years >= held.tier.years:
        return 0
    first, _last = ladder.reviewed_window(held.kept_until)
    counted = values_in(ladder, [standing.customer], first=first, last=today)[standing.customer]
    return max(0, held.tier.threshold - counted)


def said_of(progress: TierProgress) -> str:
    """Return in one sentence what is missing, for mails and for the desk."""
    if progress.next is None:
        return _("The highest tier is reached.")
    return _("%(missing)s more and it is %(tier)s.") % {
        "missing": progress.in_words(progress.missing or 0),
        "tier": progress.next.name,
    }
