"""Running totals of purchases, kept in the order's own transaction."""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _


class RollupScope(models.TextChoices):
    """Over which part of the purchases a rollup runs; its value is that part's code.

    A country is that of the store.
    """

    ALL = "ALL", _("All orders")
    PRODUCT_LINE = "PRODUCT_LINE", _("Product line")
    BUSINESS_UNIT = "BUSINESS_UNIT", _("Business unit")
    CHANNEL = "CHANNEL", _("Sales channel")
    STORE = "STORE", _("Store")
    COUNTRY = "COUNTRY", _("Country")


class AbstractRollup(models.Model):
    """Counting orders and their net amount (minor units of the programme's currency)."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="%(class)ss", db_index=False
    )
    scope = models.CharField(max_length=16, choices=RollupScope, default=RollupScope.ALL)
    scope_value = models.CharField(max_length=120, blank=True)
    orders = models.PositiveIntegerField()
    net_amount = models.BigIntegerField()
    first_order_at = models.DateTimeField()
    last_order_at = models.DateTimeField()

    class Meta:
        abstract = True


class Rollup(AbstractRollup):
    """A customer's purchases over their lifetime; no row without a counting order."""

    class Meta:
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")
        constraints = [
            models.UniqueConstraint(fields=["customer", "scope", "scope_value"], name="one_rollup_per_scope"),
        ]
        indexes = [
            # New customers and cohorts; a first order seldom changes, so that other updates do not touch it.
            models.Index(fields=["first_order_at"], include=["customer"], name="rollup_first_order"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.scope} {self.scope_value}"


class MonthlyRollup(AbstractRollup):
    """A customer's purchases in one month of the programme's time zone (`month` is its first day)."""

    month = models.DateField()

    class Meta:
        verbose_name = _("monthly rollup")
        verbose_name_plural = _("monthly rollups")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "scope", "scope_value", "month"], name="one_rollup_per_scope_and_month"
            ),
        ]
        indexes = [
            models.Index(
                fields=["scope", "scope_value", "month"],
                include=["customer", "orders", "net_amount"],
                name="monthly_rollup_month",
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.scope} {self.scope_value} {self.month}"


class ScopedRollup(models.Model):
    """A customer's purchases over their lifetime in one scope; no row without a counting order.

    `orders` are those with something of the scope. `net_amount` is what they came to after refunds; of a
    product line, what its articles alone came to. Articles and orders outside of every value have no row.
    """

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    scope = models.CharField(max_length=16, choices=RollupScope)
    scope_value = models.CharField(max_length=120)
    orders = models.PositiveIntegerField()
    net_amount = models.BigIntegerField()
    first_order_at = models.DateTimeField()
    last_order_at = models.DateTimeField()

    class Meta:
        verbose_name = _("rollup by scope")
        verbose_name_plural = _("rollups by scope")
        constraints = [
            # What an order changes stands together: all rows of one customer.
            models.UniqueConstraint(
                fields=["customer", "scope", "scope_value"], name="one_rollup_per_customer_and_scope"
            ),
        ]
        indexes = [
            # "Never bought tyres" asks for one product line of many customers.
            models.Index(
                fields=["scope_value", "customer"],
                include=["first_order_at"],
                condition=models.Q(scope="PRODUCT_LINE"),
                name="scoped_rollup_product_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.scope} {self.scope_value}"


class StaleScopeQuerySet(models.QuerySet["StaleScope"]):
    def concerning(self, scope: str, values: Iterable[str]) -> "StaleScopeQuerySet":
        """Return what makes the rollups of one of these values stale."""
        return self.filter(scope=scope, scope_value__in=["", *values])


class StaleScope(models.Model):
    """A value of a scope whose rollups are to be counted again; the empty value stands for all of them.

    Written by a trigger where an article moves to another product line or a store to another country, in the
    same transaction. Until the count is over, whoever needs these rollups reads the orders.
    """

    scope = models.CharField(max_length=16, choices=RollupScope)
    scope_value = models.CharField(max_length=120, blank=True)

    objects = StaleScopeQuerySet.as_manager()

    class Meta:
        verbose_name = _("scope to be counted again")
        verbose_name_plural = _("scopes to be counted again")

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_value}"
