"""What earns points: rules, each version of them, and the counters of their caps."""

from datetime import datetime
from functools import cached_property

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.rules import FOREVER
from loyalty.rules import ORDER, CapPeriod, Gives, Holding, Kind, Terms, read_terms


class EarningRuleQuerySet(models.QuerySet["EarningRule"]):
    def active_for(self, event_type: str, *, at: datetime | None = None) -> "EarningRuleQuerySet":
        """Return the rules that reward this type of event; with an instant, those that were valid then."""
        rules = self.filter(active=True, event_type=event_type)
        if at is not None:
            rules = rules.filter(
                models.Q(starts_at__isnull=True) | models.Q(starts_at__lte=at),
                models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=at),
            )
        return rules.select_related("current__rule").order_by("pk")


class EarningRule(models.Model):
    """A promise: "one point per euro on paid orders". How many, and under which terms, is its version's.

    All rules that apply add up, but where an `exclusive` one gives something no other does; of several
    exclusive ones the highest `priority` counts. Valid from `starts_at` until `ends_at`, exclusive.
    """

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    event_type = models.CharField(_("rewards"), max_length=64, default=ORDER)
    kind = models.CharField(_("counts"), max_length=12, choices=Kind, default=Kind.PER_AMOUNT)
    gives = models.CharField(_("gives"), max_length=12, choices=Gives, default=Gives.POINTS)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, it rewards nothing new; what was earned stays.")
    )
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    exclusive = models.BooleanField(
        _("exclusive"), default=False, help_text=_("Where it gives something, no other rule does.")
    )
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
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
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_at__isnull=True)
                | models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="a_rule_ends_after_it_starts",
                violation_error_message=_("A rule ends after it starts."),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="PER_EVENT") | models.Q(event_type=ORDER),
                name="only_orders_have_amounts_and_pieces",
                violation_error_message=_("Only orders have an amount and pieces to count."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_for_orders(self) -> bool:
        return self.event_type == ORDER


class EarningRuleVersion(models.Model):
    """The terms of a rule from one edit to the next; never changed, because accruals point at them.

    `points` (or entries) for every full `per_amount` (minor units of the programme's currency) of goods paid,
    for every full `per_quantity` of pieces, or for each event. The JSON fields are read by
    `loyalty.rules.reading`; points are pending for `holding_days` or until the return window closes.
    """

    rule = models.ForeignKey(
        EarningRule, on_delete=models.PROTECT, related_name="versions", verbose_name=_("rule")
    )
    number = models.PositiveIntegerField(_("version"))
    points = models.PositiveIntegerField(_("points"))
    per_amount = models.PositiveIntegerField(
        _("for every"), null=True, blank=True, help_text=_("In minor units: 100 is 1.00.")
    )
    per_quantity = models.PositiveIntegerField(_("for every so many pieces"), null=True, blank=True)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    multipliers = models.JSONField(_("multipliers"), default=list, blank=True)
    benefits = models.BooleanField(_("multiplied by tier and membership"), default=True)
    caps = models.JSONField(_("caps"), default=list, blank=True)
    expiry = models.JSONField(_("expiry"), default=dict, blank=True)
    holding = models.CharField(_("spendable"), max_length=16, choices=Holding, default=Holding.NONE)
    holding_days = models.PositiveSmallIntegerField(_("days pending"), default=0)
    draw = models.CharField(_("prize draw"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("version of an earning rule")
        verbose_name_plural = _("versions of earning rules")
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_rule_version_per_number"),
            models.CheckConstraint(
                condition=models.Q(points__gt=0)
                & (models.Q(per_amount__isnull=True) | models.Q(per_amount__gt=0))
                & (models.Q(per_quantity__isnull=True) | models.Q(per_quantity__gt=0)),
                name="a_rule_gives_points_for_something",
                violation_error_message=_("A rule gives at least one point for an amount above zero."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.number}"

    @cached_property
    def terms(self) -> Terms:
        """Return what the version says, as plain values."""
        return read_terms(self.rule.kind, vars(self))

    @property
    def valid_months(self) -> int | None:
        """Return after how many months points expire, where they expire by months."""
        return self.expiry.get("months") if self.expiry.get("kind") == "MONTHS" else None


class EarningCounter(models.Model):
    """What a rule gave in one period, to one customer or (without one) to everybody, for its caps.

    A cap counts from when it is written down. What returns take back is counted back.
    """

    rule = models.ForeignKey(EarningRule, on_delete=models.PROTECT, related_name="counters", db_index=False)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    period = models.CharField(_("period"), max_length=8, choices=CapPeriod)
    starts_on = models.DateField(_("from"), default=FOREVER)
    units = models.PositiveBigIntegerField(_("points or entries"), default=0)
    times = models.PositiveIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("counter of an earning rule")
        verbose_name_plural = _("counters of earning rules")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "customer", "period", "starts_on"],
                nulls_distinct=False,
                name="one_earning_counter_per_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.period}: {self.units}"
