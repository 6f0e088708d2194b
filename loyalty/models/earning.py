"""What every order and event earned by which version of a rule, and what returns could not take back."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models.rule import EarningRule, EarningRuleVersion


class PointsAccrual(models.Model):
    """What one order or event earned by one rule, once, however often it is heard of; maybe nothing.

    `amount` and `quantity` are what the points were counted on, `line_ids` the lines of the order that count
    (none: all of them), `factor` what its multipliers came to. `clawed_back_points` is how many of `points`
    returns have taken away so far, those already spent included. `draw_entries` were given instead of points.
    """

    rule = models.ForeignKey(EarningRule, on_delete=models.PROTECT, related_name="accruals", db_index=False)
    version = models.ForeignKey(EarningRuleVersion, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(
        "customers.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    event = models.ForeignKey(  # Retention may have dropped its month.
        "customers.Event",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    entry = models.OneToOneField(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.BigIntegerField(_("amount"))
    quantity = models.DecimalField(_("pieces"), max_digits=15, decimal_places=3, null=True, blank=True)
    line_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    factor = models.DecimalField(_("factor"), max_digits=10, decimal_places=6)
    points = models.PositiveBigIntegerField(_("points"))
    clawed_back_points = models.PositiveBigIntegerField(_("clawed back"), default=0)
    draw_entries = models.PositiveIntegerField(_("entries in a draw"), default=0)
    occurred_at = models.DateTimeField(_("at"), null=True, blank=True)

    class Meta:
        verbose_name = _("points earned")
        verbose_name_plural = _("points earned")
        permissions = [("adjust_points", "Can give and take points by hand")]
        constraints = [
            models.UniqueConstraint(fields=["rule", "order"], name="an_order_earns_once_by_a_rule"),
            models.UniqueConstraint(fields=["rule", "event"], name="an_event_earns_once_by_a_rule"),
            models.CheckConstraint(
                condition=models.Q(clawed_back_points__lte=models.F("points")),
                name="no_more_clawed_back_than_earned",
            ),
            models.CheckConstraint(
                condition=models.Q(points=0) ^ models.Q(entry__isnull=False),
                name="earned_points_stand_in_the_ledger",
            ),
            models.CheckConstraint(
                condition=models.Q(order__isnull=False) | models.Q(event__isnull=False),
                name="points_are_earned_by_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points} for {self.order_id or self.event_id}"


class PointsShortfall(models.Model):
    """Points that a return should have taken back and that had been spent: owed, or given up.

    A debt is taken from what its customer earns next, the oldest first.
    """

    class Policy(models.TextChoices):
        DEBT = "DEBT", _("Owed")
        WRITE_OFF = "WRITE_OFF", _("Written off")

    accrual = models.ForeignKey(
        PointsAccrual,
        on_delete=models.PROTECT,
        related_name="shortfalls",
        verbose_name=_("points of an order"),
    )
    policy = models.CharField(_("what becomes of it"), max_length=12, choices=Policy)
    points = models.PositiveBigIntegerField(_("points"))
    settled_points = models.PositiveBigIntegerField(_("settled"), default=0)
    occurred_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("missing points")
        verbose_name_plural = _("missing points")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(points__gt=0, settled_points__lte=models.F("points")),
                name="no_more_settled_than_missing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["accrual"],
                condition=models.Q(policy="DEBT", settled_points__lt=models.F("points")),
                name="points_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points} {self.get_policy_display()}"

    @property
    def left(self) -> int:
        return self.points - self.settled_points
