"""What earns points: rules, each version of them, and what every order earned by which version."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EarningRuleQuerySet(models.QuerySet["EarningRule"]):
    def active_for(self, event_type: str) -> "EarningRuleQuerySet":
        """Return the rules that reward this type of event now."""
        return self.filter(active=True, event_type=event_type).select_related("current").order_by("pk")


class EarningRule(models.Model):
    """A promise of points: "one point per euro on paid orders". How many is the current version's."""

    class EventType(models.TextChoices):
        ORDER_RECORDED = "order.recorded", _("Paid order")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    event_type = models.CharField(
        _("rewards"), max_length=64, choices=EventType, default=EventType.ORDER_RECORDED
    )
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, it rewards nothing new; what was earned stays.")
    )
    current = models.OneToOneField(
        "loyalty.EarningRuleVersion",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("current version"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = EarningRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class EarningRuleVersion(models.Model):
    """The numbers of a rule from one edit to the next; never changed, because accruals point at them.

    `points` for every full `per_amount` (minor units of the programme's currency) of goods paid. Each of
    `multipliers` is `{"factor": "1.5", "sales_channels": [..], "stores": [..], "weekdays": [..], "segment"}`;
    those whose conditions all hold multiply each other.
    """

    rule = models.ForeignKey(
        EarningRule, on_delete=models.PROTECT, related_name="versions", verbose_name=_("rule")
    )
    number = models.PositiveIntegerField(_("version"))
    points = models.PositiveIntegerField(_("points"))
    per_amount = models.PositiveIntegerField(_("for every"), help_text=_("In minor units: 100 is 1.00."))
    multipliers = models.JSONField(_("multipliers"), default=list, blank=True)
    valid_months = models.PositiveSmallIntegerField(
        _("months until they expire"), null=True, blank=True, help_text=_("Empty: never.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("version of an earning rule")
        verbose_name_plural = _("versions of earning rules")
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_rule_version_per_number"),
            models.CheckConstraint(
                condition=models.Q(points__gt=0, per_amount__gt=0),
                name="a_rule_gives_points_for_an_amount",
                violation_error_message=_("A rule gives at least one point for an amount above zero."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.number}"


class PointsAccrual(models.Model):
    """What one order earned by one rule, once, however often its event is heard; without an entry: nothing.

    `amount` is what the points were counted on; `factor` what its multipliers came to. `clawed_back_points`
    is how many of `points` returns have taken away so far, those already spent included.
    """

    rule = models.ForeignKey(EarningRule, on_delete=models.PROTECT, related_name="accruals", db_index=False)
    version = models.ForeignKey(EarningRuleVersion, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey("customers.Order", on_delete=models.PROTECT, related_name="+")
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
    factor = models.DecimalField(_("factor"), max_digits=10, decimal_places=6)
    points = models.PositiveBigIntegerField(_("points"))
    clawed_back_points = models.PositiveBigIntegerField(_("clawed back"), default=0)

    class Meta:
        verbose_name = _("points of an order")
        verbose_name_plural = _("points of orders")
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
        ]

    def __str__(self) -> str:
        return f"{self.points} for {self.order_id}"


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
