"""Paid memberships: the plans, who has which from when to when, and what was paid for it."""

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.promotion import programme_currency
from customers.models.asset import TimeRange
from loyalty.models.benefits import Beneficial


class MembershipPlan(Beneficial):
    """What a membership costs for how long; `period_days` only where the period is so many days."""

    class Period(models.TextChoices):
        MONTH = "MONTH", _("A month")
        YEAR = "YEAR", _("A year")
        DAYS = "DAYS", _("A number of days")

    period = models.CharField(_("period"), max_length=8, choices=Period, default=Period.YEAR)
    period_days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)
    price_amount = models.PositiveBigIntegerField(_("price"))
    currency = models.CharField(_("currency"), max_length=3, default=programme_currency)
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=7,
        help_text=_("So long after its period a membership goes on while a payment is late."),
    )
    welcome_reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("welcome reward"),
        help_text=_("Given once when a membership begins."),
    )

    class Meta(Beneficial.Meta):
        abstract = False
        verbose_name = _("membership plan")
        verbose_name_plural = _("membership plans")
        ordering = ["name"]
        constraints = [
            *Beneficial.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(period="DAYS", period_days__gte=1)
                | (~models.Q(period="DAYS") & models.Q(period_days__isnull=True)),
                name="a_plan_of_days_says_how_many",
                violation_error_message=_("Only a period of days says how many."),
            ),
        ]


class MembershipQuerySet(models.QuerySet["Membership"]):
    def at(self, instant: datetime) -> "MembershipQuerySet":
        """Return the memberships that give their benefits at an instant."""
        return self.filter(started_at__lte=instant, ends_at__gt=instant)


class Membership(models.Model):
    """A customer belongs to a plan from one instant until before another, as far as it is paid.

    `renews_on` is the first local day that is not paid. Until it is cancelled, `ends_at` is that day and the
    grace; then the day itself, or the instant of the cancellation.

    `owed_reward` is a welcome that could not be given when it began; `owed_because` is the key of what was in
    the way.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        CANCELLED = "CANCELLED", _("Runs out")
        ENDED = "ENDED", _("Ended")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="plan_memberships",
        verbose_name=_("customer"),
        db_index=False,
    )
    plan = models.ForeignKey(
        MembershipPlan, on_delete=models.PROTECT, related_name="memberships", verbose_name=_("plan")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ACTIVE)
    started_at = models.DateTimeField(_("started at"))
    started_on = models.DateField(_("first day"))
    renews_on = models.DateField(_("renews on"))
    ends_at = models.DateTimeField(_("ends at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    owed_reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("welcome reward"),
    )
    owed_because = models.CharField(_("what was in the way"), max_length=64, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("started_at")),
                name="a_membership_ends_after_its_start",
            ),
            models.CheckConstraint(
                condition=models.Q(owed_reward__isnull=True) ^ ~models.Q(owed_because=""),
                name="a_welcome_that_is_owed_says_why",
            ),
            ExclusionConstraint(
                name="one_membership_of_a_plan_at_a_time",
                expressions=[
                    ("customer", RangeOperators.EQUAL),
                    ("plan", RangeOperators.EQUAL),
                    (TimeRange("started_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                # What two records had at once is history when they turn out to be one person's.
                condition=~models.Q(status="ENDED"),
                violation_error_message=_("The customer has this membership already."),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-ends_at"], name="membership_customer"),
            models.Index(fields=["ends_at"], condition=~models.Q(status="ENDED"), name="membership_to_end"),
        ]

    def __str__(self) -> str:
        return str(self.plan)


class MembershipPayment(models.Model):
    """What was paid for which days of a membership, as the shop told it, once; and what went back of it.

    It covers the local days from `covers_from` until before `covers_until`.
    """

    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="payments", verbose_name=_("membership")
    )
    external_id = models.CharField(_("id in the shop"), max_length=128, unique=True)
    amount = models.PositiveBigIntegerField(_("amount"))
    refund_amount = models.PositiveBigIntegerField(_("to be refunded"), default=0)
    paid_at = models.DateTimeField(_("paid at"))
    covers_from = models.DateField(_("from"))
    covers_until = models.DateField(_("until before"))
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("payment of a membership")
        verbose_name_plural = _("payments of memberships")
        ordering = ["covers_from"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(covers_until__gt=models.F("covers_from")),
                name="a_payment_covers_a_day",
            ),
            models.CheckConstraint(
                condition=models.Q(refund_amount__lte=models.F("amount")),
                name="no_more_refunded_than_paid",
            ),
            models.UniqueConstraint(
                fields=["membership", "covers_from"], name="a_day_of_a_membership_is_paid_once"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id
