"""Owned products: who owned which serial number when, and whose the messages of a product are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from customers.errors import OwnedAlready
from customers.models import Asset, AssetOwnership, Customer, Event, Product, Source
from customers.rules import normalise_serial
from customers.services.events import new_event, record_events
from customers.services.locks import lock_live_customers
from operations.inserts import insert_missing
from operations.outcomes import Outcome


@dataclass(frozen=True)
class Owners:
    """The assets under some serial numbers, and who owned each when."""

    assets: dict[str, Asset]
    created: frozenset[str]
    spans: dict[int, list[tuple[datetime, datetime | None, Customer]]]

    def owner_at(self, asset: Asset, instant: datetime) -> Customer | None:
        """Return who owned the asset at that instant; the customers are locked against merges."""
        for begins, ends, customer in self.spans.get(asset.pk, ()):
            if begins <= instant and (ends is None or instant < ends):
                return customer
        return None


def ensure_assets(serials: Iterable[str]) -> tuple[dict[str, Asset], frozenset[str]]:
    """Return the assets under these normalised serial numbers; unknown ones are created and named."""
    wanted = set(serials)
    if not wanted:
        return {}, frozenset()
    assets = Asset.objects.in_bulk(wanted, field_name="serial")
    missing = sorted(wanted - assets.keys())
    created: frozenset[str] = frozenset()
    if missing:
        new = insert_missing([Asset(serial=serial) for serial in missing], unique=["serial"])
        created = frozenset(asset.serial for asset in new)
        assets |= Asset.objects.in_bulk(missing, field_name="serial")
    return assets, created


def find_owners(serials: Iterable[str]) -> Owners:
    """Return the assets under these normalised serial numbers with all their owners, these held for now."""
    assets, created = ensure_assets(serials)
    known = [asset.pk for serial, asset in assets.items() if serial not in created]
    ownerships = list(AssetOwnership.objects.filter(asset__in=known)) if known else []
    live = lock_live_customers({each.customer_id for each in ownerships}, shared=True)
    spans: dict[int, list] = {}
    for each in ownerships:
        span = (each.owned_from, each.owned_until, live[each.customer_id])
        spans.setdefault(each.asset_id, []).append(span)
    return Owners(assets, created, spans)


def owner_ids(serials: Iterable[str]) -> set[int]:
    """Return the customers who own or owned an article under these normalised serial numbers."""
    wanted = set(serials)
    if not wanted:
        return set()
    return set(AssetOwnership.objects.filter(asset__serial__in=wanted).values_list("customer", flat=True))


def register_asset(
    serial: str,
    *,
    owner: Customer | None,
    owned_from: datetime,
    product: Product | None = None,
    name: str = "",
    attributes: dict[str, Any] | None = None,
    source: Source | None = None,
    at: datetime,
) -> Outcome:
    """Note who owns an article from an instant on, until whoever owned it later; None for nobody any more.

    Whoever owned it before did until then. What the product told since `owned_from` becomes the new owner's.
    The same again changes nothing. Told to both as `asset.assigned` and `asset.released`.

    Raises OwnedAlready where another owner began at that very instant, InvalidInput for an empty serial.
    """
    with transaction.atomic():
        assets, created = ensure_assets([normalise_serial(serial)])
        (asset,) = assets.values()
        asset = Asset.objects.select_for_update().get(pk=asset.pk)
        _describe(asset, product=product, name=name, attributes=attributes)
        owner = lock_live_customers([owner.pk], shared=True)[owner.pk] if owner else None
        before = asset.ownerships.at(owned_from).select_related("customer").first()
        if (before.customer if before else None) != owner:
            _hand_over(asset, before, owner, owned_from=owned_from, source=source)
    return Outcome(row=asset, created=bool(created))


def _describe(asset: Asset, *, product: Product | None, name: str, attributes: dict[str, Any] | None) -> None:
    asset.product, asset.name = product or asset.product, name or asset.name
    asset.attributes |= attributes or {}
    asset.save(update_fields=["product", "name", "attributes"])


def _hand_over(
    asset: Asset,
    before: AssetOwnership | None,
    owner: Customer | None,
    *,
    owned_from: datetime,
    source: Source | None,
) -> None:
    until = None
    if before:
        if before.owned_from == owned_from:
            raise OwnedAlready
        until = before.owned_until
        before.owned_until = owned_from
        before.save(update_fields=["owned_until"])
    else:
        later = asset.ownerships.filter(owned_from__gt=owned_from).order_by("owned_from").first()
        until = later.owned_from if later else None
        if later and owner and later.customer_id == owner.pk:
            # The same owner, known from an earlier day than before.
            until = later.owned_until
            later.delete()
    if owner:
        AssetOwnership.objects.create(
            asset=asset, customer=owner, source=source, owned_from=owned_from, owned_until=until
        )
    _attribute(asset, owner, begins=owned_from, ends=until)
    _tell(asset, before.customer if before else None, owner, at=owned_from)


def _attribute(asset: Asset, owner: Customer | None, *, begins: datetime, ends: datetime | None) -> None:
    """Give what the product told in that time to its owner, through the door of append-only tables."""
    events = Event.objects.filter(asset=asset, type__startswith="iot.", occurred_at__gte=begins)
    if ends:
        events = events.filter(occurred_at__lt=ends)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'on'")
        events.update(customer=owner)
        cursor.execute("SET LOCAL fidelio.merging = 'off'")


def _tell(asset: Asset, before: Customer | None, owner: Customer | None, *, at: datetime) -> None:
    told = [("asset.released", before), ("asset.assigned", owner)]
    record_events(
        [
            new_event(
                type,
                external_id=f"asset:{asset.pk}:{type.partition('.')[2]}:{customer.pk}:{at.isoformat()}",
                customer=customer,
                product=asset.product,
                asset=asset,
                occurred_at=at,
                payload={"serial": asset.serial},
            )
            for type, customer in told
            if customer
        ]
    )
