"""What a coupon of a campaign is good for where each person has articles of their own: their favourites."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import F, Sum

from campaigns.models import CampaignVersion, CouponScope
from customers.models import Customer, OrderLine, Trait
from customers.models.order import counts

# Scope -> the trait that says it, and how the articles of a coupon name it.
TRAITS = {
    CouponScope.FAVOURITE_CATEGORY: ("favourite_categories", "categories"),
    CouponScope.FAVOURITE_BRAND: ("favourite_brand", "brands"),
}
Each = TypeVar("Each")


def own_items(version: CampaignVersion, customer_ids: Iterable[int]) -> dict[int, dict[str, list[str]]]:
    """Return the articles that each person's coupon of a version is good for, by customer.

    Who has no favourites, or allows no profile, is left out: theirs is good for what the promotion is.
    """
    if not version.coupon_scope:
        return {}
    allowed = Customer.objects.filter(pk__in=set(customer_ids), profiling=Customer.Profiling.ALLOWED)
    ids = list(allowed.values_list("pk", flat=True))
    if version.coupon_scope == CouponScope.FAVOURITE_PRODUCT:
        return {pk: {"skus": [sku]} for pk, sku in _favourite_products(ids).items()}
    trait, named = TRAITS[CouponScope(version.coupon_scope)]
    said = Trait.objects.filter(code=trait, customer__in=ids).values_list("customer", "value")
    first = {pk: value[0] if isinstance(value, list) and value else value for pk, value in said}
    return {pk: {named: [value]} for pk, value in first.items() if value and isinstance(value, str)}


def by_items(
    people: Collection[Each], items: Mapping[int, dict[str, list[str]]], *, customer: Any
) -> list[tuple[dict[str, Any], list[Each]]]:
    """Return people in groups whose coupons are good for the same, with the fields of these coupons."""
    groups: dict[str, list[Each]] = defaultdict(list)
    for one in people:
        groups[json.dumps(items.get(customer(one)), sort_keys=True)].append(one)
    return [
        ({"items": json.loads(key)} if key != "null" else {}, members)
        for key, members in sorted(groups.items())
    ]


def _favourite_products(ids: Collection[int]) -> dict[int, str]:
    """Return the article that each person spent the most on."""
    lines = OrderLine.objects.filter(counts("order__"), order__customer__in=ids)
    paid = lines.values("order__customer", "product__sku").annotate(
        paid=Sum(F("amount") - F("discount_amount"))
    )
    favourites: dict[int, str] = {}
    for row in paid.filter(paid__gt=0).order_by("order__customer", "-paid", "product__sku"):
        favourites.setdefault(row["order__customer"], row["product__sku"])
    return favourites
