"""What mails may say of what they are about: an order, a product, a cart, a coupon, a local event."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from campaigns.content_sources.people import store_values
from campaigns.content_sources.source import Source, Subject
from campaigns.models import LocalEvent
from coupons.models import Coupon
from customers.models import Asset, Event, EventKey, Order, OrderLine, Product
from customers.models.order import counts
from operations.formats import money

MOST_ITEMS = 20


def _order(subject: Subject) -> Mapping[str, Any]:
    order = Order.objects.filter(pk=subject.about.get("order")).select_related("store").first()
    if order is None:
        return {}
    lines = order.lines.select_related("product").order_by("pk")[:MOST_ITEMS]
    return {
        "number": order.external_id,
        "day": date_format(order.ordered_at, "SHORT_DATE_FORMAT"),
        "amount": money(order.total_amount, order.currency),
        "store": str(order.store) if order.store else "",
        "items": [_item(line) for line in lines],
    }


def _item(line: OrderLine) -> dict[str, str]:
    return {"name": str(line.product), "quantity": f"{line.quantity.normalize():f}"}


def _product(subject: Subject) -> Mapping[str, Any]:
    about = subject.about
    product = Product.objects.filter(pk=about.get("product")).first()
    asset = Asset.objects.filter(pk=about.get("asset")).select_related("product").first()
    if asset is not None:
        product = product or asset.product
    name = (asset.name if asset else "") or (str(product) if product else "")
    return {
        "name": name or (asset.serial if asset else ""),
        "sku": product.sku if product else "",
        "brand": product.brand if product else "",
        "category": product.category if product else "",
        "serial": asset.serial if asset else "",
    }


def _cart(subject: Subject) -> Mapping[str, Any]:
    event = _event(subject.about.get("event"))
    items = event.payload.get("items") if event else None
    if not isinstance(items, Sequence):
        return {}
    skus = {item.get("sku") for item in items}
    names = {product.sku: str(product) for product in Product.objects.filter(sku__in=skus)}
    shown = [_cart_item(item, names) for item in items[:MOST_ITEMS]]
    return {
        "items": shown,
        "count": str(len(items)),
        "url": event.payload.get("url", "") if event else "",
        "amount": money(event.amount, event.currency) if event and event.amount is not None else "",
    }


def _cart_item(item: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    quantity = item.get("quantity", 1)
    return {
        "name": item.get("name") or names.get(item.get("sku", ""), "") or item.get("sku", ""),
        "quantity": f"{quantity:g}",
        "url": item.get("url", ""),
        "image_url": item.get("image_url", ""),
    }


def _event(pk: int | None) -> Event | None:
    return Event.objects.found_by(EventKey.objects.filter(pk=pk)).first() if pk else None


def _collection(subject: Subject) -> Mapping[str, Any]:
    name = subject.about.get("collection")
    if not name:
        return {}
    mine = OrderLine.objects.filter(counts("order__"), order__customer=subject.customer).values("product")
    missing = Product.objects.filter(collection=name).exclude(pk__in=mine).order_by("name", "sku")
    return {"name": name, "missing": ", ".join(str(product) for product in missing[:MOST_ITEMS])}


def _expiring_coupon(subject: Subject) -> Mapping[str, Any]:
    from campaigns.services.recipients import NO_TOKEN, coupon_values

    found = Coupon.objects.filter(pk=subject.about.get("coupon"), holder=subject.customer)
    coupon = found.select_related("promotion").first()
    if coupon is None:
        return {}
    values = coupon_values(coupon, language=subject.customer.written_language, token=NO_TOKEN)
    return {name: values[name] for name in ("code", "value", "valid_until")}


def _local_event(subject: Subject) -> Mapping[str, Any]:
    event = LocalEvent.objects.filter(pk=subject.about.get("local_event")).first()
    if event is None:
        return {}
    stores = [store_values(store) for store in event.stores.order_by("code")[:3]]
    places = [", ".join(part for part in (store["name"], store["address"]) if part) for store in stores]
    return {
        "name": event.name,
        "day": date_format(event.on, "SHORT_DATE_FORMAT"),
        "last_day": date_format(event.ends_on or event.on, "SHORT_DATE_FORMAT"),
        "description": event.description,
        "place": "; ".join(places) or event.city or event.region,
        "url": event.url,
    }


ORDER = Source(
    "order",
    {
        "number": _("Number of the order that the message is about"),
        "day": _("Its day"),
        "amount": _("What it came to"),
        "store": _("Where it was placed"),
        "items": _("Its articles, for a loop: item.name, item.quantity"),
    },
    {
        "number": "2026-118",
        "day": "22/11/2026",
        "amount": "120,00 €",
        "store": "Milano Duomo",
        "items": [{"name": "Stivali Alpini", "quantity": "1"}],
    },
    _order,
)
PRODUCT = Source(
    "product",
    {
        "name": _("The article that the message is about"),
        "sku": _("Its SKU"),
        "brand": _("Its brand"),
        "category": _("Its category"),
        "serial": _("Its serial number, of an owned product"),
    },
    {"name": "Stivali Alpini", "sku": "4711", "brand": "Montana", "category": "Scarpe", "serial": "WM-117"},
    _product,
)
CART = Source(
    "cart",
    {
        "items": _(
            "Articles left in the cart, for a loop: item.name, item.quantity, item.url, item.image_url"
        ),
        "count": _("How many different articles"),
        "url": _("Address of the cart, where the shop told it"),
        "amount": _("What the cart comes to"),
    },
    {
        "items": [
            {
                "name": "Stivali Alpini",
                "quantity": "1",
                "url": "https://example.org/p/4711",
                "image_url": "https://example.org/p/4711.jpg",
            }
        ],
        "count": "1",
        "url": "https://example.org/cart",
        "amount": "120,00 €",
    },
    _cart,
)
COLLECTION = Source(
    "collection",
    {"name": _("The collection that is almost complete"), "missing": _("Which articles are missing")},
    {"name": "Alpi", "missing": "Zaino Alpi, Borraccia Alpi"},
    _collection,
)
EXPIRING_COUPON = Source(
    "expiring_coupon",
    {
        "code": _("The code of the coupon that ends soon"),
        "value": _("What it is worth"),
        "valid_until": _("Its last day"),
    },
    {"code": "TEST-NOT-VALID", "value": "10 %", "valid_until": "31/12/2026"},
    _expiring_coupon,
)
LOCAL_EVENT = Source(
    "local_event",
    {
        "name": _("Name of the local event"),
        "day": _("Its day"),
        "last_day": _("Its last day"),
        "description": _("What is said of it"),
        "place": _("Where it is"),
        "url": _("Its page"),
    },
    {
        "name": "Notte bianca",
        "day": "12/12/2026",
        "last_day": "12/12/2026",
        "description": "Negozi aperti fino a mezzanotte, con musica e assaggi.",
        "place": "Milano Duomo, 20121 Milano",
        "url": "https://example.org/notte-bianca",
    },
    _local_event,
)
SOURCES = [ORDER, PRODUCT, CART, COLLECTION, EXPIRING_COUPON, LOCAL_EVENT]
