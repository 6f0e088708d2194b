"""The customers and orders that the benchmarks at size ask about."""

import sys
from functools import cache

from benchmarks.measurement import Size

SOURCE = "synthetic-pos"


def ensure_population(size: Size) -> None:
    """Load as many customers and orders as asked for, unless synthetic data are there already."""
    from django.utils import timezone

    from customers.models import Source
    from loyalty_site.demo.progress import TerminalProgress
    from loyalty_site.synthetic.loading import load_synthetic
    from loyalty_site.synthetic.plan import Plan

    if not Source.objects.filter(code=SOURCE).exists():
        plan = Plan(customers=size.customers, orders=size.orders, seed=1, until=timezone.now())
        load_synthetic(plan, progress=TerminalProgress(sys.stderr))


@cache
def buyers(count: int) -> list[int]:
    """Return ids of customers who ordered, all over the table."""
    from customers.models import Rollup

    first, last = Rollup.objects.order_by("pk").first(), Rollup.objects.order_by("-pk").first()
    step = max(1, (last.pk - first.pk) // (count * 2))
    places = range(first.pk, last.pk + 1, step)
    return list(Rollup.objects.filter(pk__in=places).values_list("customer", flat=True)[:count])


@cache
def known_profiles(count: int) -> list[str]:
    """Return ids in the tills' source."""
    from customers.models import SourceProfile

    profiles = SourceProfile.objects.filter(source__code=SOURCE, customer__in=buyers(count))
    return list(profiles.values_list("external_id", flat=True))


@cache
def skus() -> list[str]:
    from customers.models import Product

    return list(Product.objects.filter(sku__startswith="SYN-").values_list("sku", flat=True))


def population() -> str:
    """Return how many there are, for a note."""
    from customers.models import Customer, Order

    return f"{Customer.objects.count():,} customers, {Order.objects.count():,} orders"
