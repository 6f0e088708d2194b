"""Tiers: the ladder, its steps, and who stood on which of them from when to when."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.asset import TimeRange
from loyalty import tiers
from loyalty.models.benefits import Beneficial


class TierLadder(models.Model):
    """How tiers are reached and kept: one row, the programme's.

    What purchases and events earn always qualifies; what else does is said by the three switches.
    """

    class Metric(models.TextChoices):
        POINTS = "POINTS", _("Points earned")
        AMOUNT = "AMOUNT", _("Amount spent")
        YEARS = "YEARS", _("Years as a customer")

    class Window(models.TextChoices):
        ROLLING = "ROLLING", _("The last months, counted from each day")
        CALENDAR = "CALENDAR", _("A period of the calendar")
        LIFETIME = "LIFETIME", _("From the beginning")

    metric = models.CharField(_("measured by"), max_length=8, choices=Metric, default=Metric.POINTS)
    window = models.CharField(_("counted over"), max_length=8, choices=Window, default=Window.ROLLING)
    months = models.PositiveSmallIntegerField(_("months"), default=12)
    first_month = models.PositiveSmallIntegerField(_("first month of a period"), default=1)
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=0,
        help_text=_("So long after its period a tier can still be kept; what is earned then counts."),
    )
    soft_landing = models.BooleanField(_("at most one step down at a time"), default=False)
    partner_points_qualify = models.BooleanField(_("points earned at partners count"), default=True)
    given_points_qualify = models.BooleanField(_("points given by hand count"), default=False)
    referral_points_qualify = models.BooleanField(_("points for friends brought count"), default=False)
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("ladder of tiers")
        verbose_name_plural = _("ladder of tiers")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_ladder_of_tiers"),
            models.CheckConstraint(
                condition=models.Q(months__gte=1, months__lte=120),
                name="a_tier_window_is_a_month_to_ten_years",
                violation_error_message=_("A window is 1 to 120 months long."),
            ),
            models.CheckConstraint(
                condition=~models.Q(window="CALENDAR") | models.Q(months__in=[1, 3, 6, 12]),
                name="a_calendar_window_divides_the_year",
                violation_error_message=_("A period of the calendar has 1, 3, 6 or 12 months."),
            ),
            models.CheckConstraint(
                condition=models.Q(first_month__gte=1, first_month__lte=12),
                name="a_tier_period_begins_in_a_month",
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_metric_display())

    def rules(self, steps: Iterable["Tier"]) -> tiers.Ladder:
        """Return the ladder as plain values, with these tiers as its steps."""
        return tiers.Ladder(
            metric=tiers.Metric(self.metric),
            window=tiers.Window(self.window),
            steps=tiers.steps_of((tier.pk, tier.threshold, tier.years, not tier.active) for tier in steps),
            months=self.months,
            first_month=self.first_month,
            grace_days=self.grace_days,
            soft_landing=self.soft_landing,
            qualifying=self.qualifying,
        )

    @property
    def qualifying(self) -> frozenset[tiers.Source]:
        """Return which points count beside those that purchases and events earn."""
        switches = {
            tiers.Source.PARTNERS: self.partner_points_qualify,
            tiers.Source.BY_HAND: self.given_points_qualify,
            tiers.Source.REFERRALS: self.referral_points_qualify,
        }
        return frozenset(source for source, counts in switches.items() if counts)


class TierQuerySet(models.QuerySet["Tier"]):
    def ladder(self) -> "TierQuerySet":
        """Return the tiers on which people can stand: what can be reached, and what is retired but held."""
        held = TierPeriod.objects.open().filter(tier=models.OuterRef("pk"))
        return self.filter(models.Q(active=True) | models.Exists(held)).order_by("threshold", "active")

    def steps(self) -> "TierQuerySet":
        """Return the tiers that can be reached, the lowest first."""
        return self.filter(active=True).order_by("threshold")


class Tier(Beneficial):
    """One step of the ladder; the threshold is in the ladder's metric, and also says which tier is higher."""

    class Colour(models.TextChoices):
        BRONZE = "BRONZE", _("Bronze")
        SILVER = "SILVER", _("Silver")
        GOLD = "GOLD", _("Gold")
        PLATINUM = "PLATINUM", _("Platinum")
        BLACK = "BLACK", _("Black")

    threshold = models.PositiveBigIntegerField(
        _("from"), help_text=_("In the metric of the ladder; amounts in minor units.")
    )
    years = models.PositiveSmallIntegerField(
        _("or after years"), null=True, blank=True, help_text=_("So long a customer has it anyway.")
    )
    colour = models.CharField(_("colour"), max_length=8, choices=Colour, default=Colour.SILVER)

    objects = TierQuerySet.as_manager()

    class Meta(Beneficial.Meta):
        abstract = False
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["threshold"]
        permissions = [("grant_tier", "Can give a tier by hand")]
        constraints = [
            *Beneficial.Meta.constraints,
            models.UniqueConstraint(
                fields=["threshold"],
                condition=models.Q(active=True),
                name="one_tier_per_threshold",
                violation_error_message=_("Another tier has this threshold."),
            ),
        ]


class TierPeriodQuerySet(models.QuerySet["TierPeriod"]):
    def at(self, instant: datetime) -> "TierPeriodQuerySet":
        """Return who stood on which step at an instant."""
        return self.filter(
            models.Q(ended_at__isnull=True) | models.Q(ended_at__gt=instant), started_at__lte=instant
        )

    def open(self) -> "TierPeriodQuerySet":
        """Return the periods that have not ended."""
        return self.filter(ended_at__isnull=True)


class TierPeriod(models.Model):
    """A customer stood on a step of the ladder from one instant until before another.

    `kept_until` is the last local day for which it was promised (None: for ever); after it, and the grace,
    it is looked at again. A period that was renewed goes on with a later day.
    """

    class Cause(models.TextChoices):
        REACHED = "REACHED", _("Reached")
        LOWERED = "LOWERED", _("Not reached again")
        BY_HAND = "BY_HAND", _("Given by hand")
        MERGED = "MERGED", _("Merged with another member")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="tier_periods",
        verbose_name=_("customer"),
        db_index=False,
    )
    tier = models.ForeignKey(
        Tier, on_delete=models.PROTECT, related_name="periods", verbose_name=_("tier"), db_index=False
    )
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    cause = models.CharField(_("because"), max_length=8, choices=Cause)
    kept_until = models.DateField(_("kept until"), null=True, blank=True)
    value = models.BigIntegerField(
        _("reached with"), null=True, blank=True, help_text=_("What had been earned or spent then.")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("given by"),
    )

    objects = TierPeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("period in a tier")
        verbose_name_plural = _("periods in tiers")
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
                name="a_tier_period_ends_after_its_start",
            ),
            ExclusionConstraint(
                name="one_tier_at_a_time",
                expressions=[
                    ("customer", RangeOperators.EQUAL),
                    (TimeRange("started_at", "ended_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The customer has another tier at that time."),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-started_at"], name="tier_period_customer"),
            models.Index(
                fields=["tier", "kept_until"],
                condition=models.Q(ended_at__isnull=True),
                name="tier_period_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.tier}"
