"""What a promotion may spend, and how often it may be used: the counters that redemptions contend for."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.promotion import Period
from coupons.rules import FOREVER


class Budget(models.Model):
    """A cap on a promotion. Amounts are minor units of its currency; what was used stands per period.

    GIFT_AMOUNT counts what was given as a gift in its name: free articles, and money put on gift cards.
    POINTS counts the points handed out in its name.
    """

    class Metric(models.TextChoices):
        DISCOUNT_AMOUNT = "DISCOUNT_AMOUNT", _("Discount given")
        REDEMPTIONS = "REDEMPTIONS", _("Redemptions")
        GIFT_AMOUNT = "GIFT_AMOUNT", _("Gifts given")
        POINTS = "POINTS", _("Points given")

    class OnInsufficient(models.TextChoices):
        REJECT = "REJECT", _("Refuse")
        PARTIAL = "PARTIAL", _("Give what is left")

    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.CASCADE, related_name="budgets", verbose_name=_("promotion")
    )
    metric = models.CharField(_("what is counted"), max_length=16, choices=Metric)
    period = models.CharField(_("period"), max_length=8, choices=Period, default=Period.TOTAL)
    cap = models.PositiveBigIntegerField(_("cap"))
    on_insufficient = models.CharField(
        _("when too little is left"), max_length=8, choices=OnInsufficient, default=OnInsufficient.REJECT
    )

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "metric", "period"],
                name="one_budget_per_metric_and_period",
                violation_error_message=_("The promotion has a budget of this kind already."),
            ),
            models.CheckConstraint(
                condition=~models.Q(metric="REDEMPTIONS") | models.Q(on_insufficient="REJECT"),
                name="only_an_amount_can_be_given_in_part",
                violation_error_message=_("A number of redemptions cannot be given in part."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.get_period_display()}: {self.cap}"

    @property
    def counts_money(self) -> bool:
        """Return whether cap and use are amounts in minor units."""
        return self.metric in (self.Metric.DISCOUNT_AMOUNT, self.Metric.GIFT_AMOUNT)


class BudgetPeriod(models.Model):
    """What a budget has spent in one period: always the sum of what was not rolled back."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="periods", db_index=False)
    starts_on = models.DateField(_("from"), default=FOREVER)
    cap = models.PositiveBigIntegerField(_("cap"))
    used = models.PositiveBigIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("period of a budget")
        verbose_name_plural = _("periods of budgets")
        constraints = [
            models.UniqueConstraint(fields=["budget", "starts_on"], name="one_row_per_budget_and_period"),
            models.CheckConstraint(
                condition=models.Q(used__lte=models.F("cap")),
                name="a_budget_within_its_cap",
                violation_error_message=_("The cap cannot lie below what was used."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} / {self.cap}"


class PromotionGrant(models.Model):
    """What was given in a promotion's name without a redemption: money on a gift card, or points.

    `units` are minor units or points, by the `metric` they count for; `budgets` names the budgets it took
    from, each as [budget, first day of the period, units]. One cause gives once.
    """

    promotion = models.ForeignKey("coupons.Promotion", on_delete=models.PROTECT, related_name="grants")
    metric = models.CharField(_("what is counted"), max_length=16, choices=Budget.Metric)
    units = models.PositiveBigIntegerField(_("units"))
    source_key = models.CharField(max_length=160)
    budgets = models.JSONField(default=list, editable=False)
    granted_at = models.DateTimeField(_("given at"))

    class Meta:
        verbose_name = _("gift in a promotion's name")
        verbose_name_plural = _("gifts in promotions' names")
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "metric", "source_key"], name="one_grant_per_promotion_and_cause"
            ),
            models.CheckConstraint(condition=models.Q(units__gt=0), name="a_grant_is_worth_something"),
            models.CheckConstraint(
                condition=models.Q(metric__in=["GIFT_AMOUNT", "POINTS"]), name="a_grant_is_a_gift_or_points"
            ),
        ]
        indexes = [models.Index(fields=["promotion", "granted_at"], name="grant_of_promotion")]

    def __str__(self) -> str:
        return f"{self.promotion_id} {self.metric}: {self.units}"


class LimitCounter(models.Model):
    """How often a limit's subject used a promotion in one period.

    The subject is the promotion alone, a coupon of it, a customer, or an e-mail by its hash: a person counts
    by customer and by e-mail, so that signing up again does not start at zero.
    """

    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    coupon = models.ForeignKey(
        "coupons.Coupon", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    email_hash = models.CharField(max_length=64, blank=True)
    period = models.CharField(_("period"), max_length=8, choices=Period)
    starts_on = models.DateField(_("from"), default=FOREVER)
    used = models.PositiveIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("counter of a limit")
        verbose_name_plural = _("counters of limits")
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "coupon", "customer", "email_hash", "period", "starts_on"],
                nulls_distinct=False,
                name="one_counter_per_subject_and_period",
            ),
            models.CheckConstraint(
                condition=models.Q(customer__isnull=True) | models.Q(email_hash=""),
                name="a_counter_has_one_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.promotion_id} {self.period}: {self.used}"
