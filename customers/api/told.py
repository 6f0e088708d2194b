"""What a partner of the coalition is shown of a customer whom others know, too: what it told itself.

An address is all that one needs to tell of somebody: it must not open what everybody else knows of them.
"""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Sum
from rest_framework import serializers

from customers.models import Consent, Customer, Order, SourceProfile
from customers.survivorship import GOLDEN_FIELDS
from operations.models import ApiClient


class StatsOut(serializers.Serializer):
    """Purchases that count, in minor units of the programme's currency."""

    orders = serializers.IntegerField(default=0)
    net_amount = serializers.IntegerField(default=0)
    first_order_at = serializers.DateTimeField(default=None, allow_null=True)
    last_order_at = serializers.DateTimeField(default=None, allow_null=True)


# What the API calls a field, and what it is where nothing is said.
FIELDS = {"timezone" if name == "time_zone" else name: name for name in GOLDEN_FIELDS}
EMPTY = dict.fromkeys(FIELDS, "") | {"birth_date": None}
# What only the merchant works out.
CONCLUSIONS = {"tier": None, "points": 0, "segments": [], "rfm": {}}


def as_told(client: ApiClient, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return customers as this client may see them; the merchant's own clients see all of it."""
    if not client.partner_source or not shown:
        return shown
    people = Customer.objects.filter(public_id__in=[each["id"] for each in shown])
    ids = {str(public_id): pk for public_id, pk in people.values_list("public_id", "pk")}
    said, consents, stats = (
        about(client.partner_source, list(ids.values())) for about in (_profiles, _consents, _purchases)
    )
    return [
        _told(each, said[pk], consents[pk], stats.get(pk, {}))
        for each in shown
        for pk in [ids[str(each["id"])]]
    ]


def address_as_told(client: ApiClient, consent: Consent) -> str:
    """Return whose address a consent is about; nothing where a partner has not told it itself."""
    if client.partner_source:
        said = _profiles(client.partner_source, [consent.customer_id])[consent.customer_id]
        return consent.address if consent.address in said.values() else ""
    return consent.address


def _told(
    shown: dict[str, Any], said: dict[str, Any], consents: set[tuple], stats: dict[str, Any]
) -> dict[str, Any]:
    fields = {code: said.get(name) or EMPTY[code] for code, name in FIELDS.items()}
    lists = {
        "identities": [key for key in shown["identities"] if said.get(key["namespace"]) == key["value"]],
        "consents": [
            each
            for each in shown["consents"]
            if (each["channel"], each["purpose"], each["address"]) in consents
        ],
    }
    rest = {"attributes": said.get("attributes") or {}, "stats": StatsOut(stats).data, "merged_from": []}
    hidden = {name: value for name, value in CONCLUSIONS.items() if name in shown}
    return shown | fields | lists | rest | hidden


def _profiles(source: str, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return what a source says of each of these; the latest, where it knows somebody twice."""
    profiles = SourceProfile.objects.filter(source__code=source, customer__in=ids)
    said: dict[int, dict[str, Any]] = defaultdict(dict)
    for pk, data in profiles.order_by("observed_at", "pk").values_list("customer", "data"):
        said[pk] |= data
    return said


def _consents(source: str, ids: list[int]) -> dict[int, set[tuple]]:
    rows = Consent.objects.filter(record__source__code=source, customer__in=ids)
    told: dict[int, set[tuple]] = defaultdict(set)
    for pk, *point in rows.values_list("customer", "channel", "purpose", "address"):
        told[pk].add(tuple(point))
    return told


def _purchases(source: str, ids: list[int]) -> dict[int, dict[str, Any]]:
    counting = Order.objects.filter(
        source__code=source,
        customer__in=ids,
        status=Order.Status.PAID,
        currency=settings.PROGRAMME_CURRENCY,
    )
    figures = (
        counting.order_by()
        .values("customer")
        .annotate(
            orders=Count("pk"),
            net_amount=Sum("net_amount"),
            first_order_at=Min("ordered_at"),
            last_order_at=Max("ordered_at"),
        )
    )
    return {row["customer"]: row for row in figures}
