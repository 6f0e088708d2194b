"""What a promotion said and when, and what about it made somebody look."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PromotionVersion(models.Model):
    """What a promotion was from a moment on; rows are never changed. `definition` is api.md's, Promotions."""

    class Change(models.TextChoices):
        CREATED = "CREATED", _("Written")
        EDITED = "EDITED", _("Edited")
        ACTIVATED = "ACTIVATED", _("Activated")
        STOPPED = "STOPPED", _("Stopped")
        RESUMED = "RESUMED", _("Resumed")
        RESTORED = "RESTORED", _("Restored")

    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField(_("version"))
    change = models.CharField(_("what happened"), max_length=16, choices=Change)
    note = models.CharField(_("note"), max_length=300, blank=True)
    definition = models.JSONField(_("definition"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("by"),
    )
    client = models.ForeignKey("operations.ApiClient", on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("version of a promotion")
        verbose_name_plural = _("versions of promotions")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["promotion", "number"], name="one_promotion_version_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.promotion_id} v{self.number}"


class PromotionAlertQuerySet(models.QuerySet["PromotionAlert"]):
    def open(self) -> "PromotionAlertQuerySet":
        """Return the alerts that nobody has looked at yet."""
        return self.filter(seen_at__isnull=True)


class PromotionAlert(models.Model):
    """Something about a promotion that a person should look at; each is raised once.

    BUDGET: a budget's period passed `threshold` percent. SPEED: it is redeemed far faster than usual;
    `redemptions` in the last hour where `usual` were to be expected. NEWCOMER: of its public code's
    `redemptions` in the last hour `usual` are of people who never bought before, far more than is usual.
    REFERRER: a site never seen before (`host`) sent `redemptions` visitors to where its codes are given.
    """

    class Kind(models.TextChoices):
        BUDGET = "BUDGET", _("Budget")
        SPEED = "SPEED", _("Unusual speed")
        NEWCOMER = "NEWCOMER", _("Many first-time customers")
        REFERRER = "REFERRER", _("Unknown site")

    # What says that a code may have leaked.
    LEAKS = (Kind.SPEED, Kind.NEWCOMER, Kind.REFERRER)

    promotion = models.ForeignKey("coupons.Promotion", on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    period = models.ForeignKey(
        "coupons.BudgetPeriod", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    threshold = models.PositiveSmallIntegerField(_("threshold, percent"), null=True, blank=True)
    coupon = models.ForeignKey(
        "coupons.Coupon", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    redemptions = models.PositiveIntegerField(_("redemptions"), default=0)
    usual = models.PositiveIntegerField(_("usual"), default=0)
    host = models.CharField(_("site"), max_length=120, blank=True, db_default="")
    raised_on = models.DateField(_("on"))
    raised_at = models.DateTimeField(_("raised at"))
    mailed_at = models.DateTimeField(_("mailed at"), null=True, blank=True)
    seen_at = models.DateTimeField(_("seen at"), null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = PromotionAlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert of a promotion")
        verbose_name_plural = _("alerts of promotions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "threshold"],
                condition=models.Q(kind="BUDGET"),
                name="one_alert_per_budget_period_and_threshold",
            ),
            models.UniqueConstraint(
                fields=["promotion", "coupon", "raised_on"],
                condition=models.Q(kind="SPEED"),
                nulls_distinct=False,
                name="one_alert_of_speed_a_day",
            ),
            models.UniqueConstraint(
                fields=["promotion", "coupon", "kind", "host", "raised_on"],
                condition=models.Q(kind__in=["NEWCOMER", "REFERRER"]),
                nulls_distinct=False,
                name="one_alert_of_a_leak_a_day",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="BUDGET") | models.Q(period__isnull=False, threshold__isnull=False),
                name="an_alert_of_a_budget_names_its_period",
            ),
        ]
        indexes = [
            models.Index(fields=["raised_at"], condition=models.Q(seen_at=None), name="alert_open"),
        ]

    def __str__(self) -> str:
        return f"{self.promotion_id} {self.kind}"
