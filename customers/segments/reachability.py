"""How many of some customers may be written to through a channel, and why the rest may not."""

from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, QuerySet
from django.db.models.expressions import RawSQL

from customers.models import Channel, Consent, Customer, Purpose
from customers.models.consent import ConsentState


@dataclass(frozen=True)
class Reachability:
    """`total` = `reachable` + `no_consent` + `suppressed`: nobody is counted twice."""

    total: int
    reachable: int
    no_consent: int
    suppressed: int


def reachability_of(customers: QuerySet, channels: list[str] = Channel.values) -> dict[str, Reachability]:
    """Return for each channel how many of these customers allow marketing there and are not suppressed."""
    customers = customers.order_by()
    total = customers.count()
    grants = Consent.objects.filter(
        channel__in=channels, purpose=Purpose.MARKETING, state=ConsentState.GRANTED,
        customer__in=customers.values("pk"),
    )  # fmt: skip
    granted, reachable = _people(grants), _people(grants.unsuppressed())
    return {
        channel: Reachability(
            total,
            reachable.get(channel, 0),
            total - granted.get(channel, 0),
            granted.get(channel, 0) - reachable.get(channel, 0),
        )
        for channel in channels
    }


def _people(consents: QuerySet[Consent]) -> dict[str, int]:
    """Return by channel how many customers these consents are of."""
    counted = consents.order_by().values("channel").annotate(people=Count("customer", distinct=True))
    return dict(counted.values_list("channel", "people"))


def evaluated_once(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Return the same customers from a temporary table: several questions about them cost one evaluation.

    Works in the caller's transaction, with which the table goes.
    """
    try:
        sql, values = customers.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return customers.none()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.evaluated_customers")
        cursor.execute(f"CREATE TEMP TABLE evaluated_customers (id) ON COMMIT DROP AS {sql}", values)
        cursor.execute("ANALYZE evaluated_customers")
    return Customer.objects.filter(pk__in=RawSQL("SELECT id FROM pg_temp.evaluated_customers", []))
