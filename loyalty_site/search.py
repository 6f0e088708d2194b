"""Find anything by one line of text: an exact code, number or address first, then names.

At most five of a kind, each query on an index, and only what the person may see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unicodedata import normalize
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from coupons.models import Coupon, Promotion
from coupons.services import find_gift_card
from customers.models import Customer, Order, Segment
from customers.rules import normalise_phone
from customers.services.references import customers_known_as
from loyalty_site.navigation import entries_for
from operations import formats
from operations.models import User

PER_KIND = 5
SHORTEST_NAME = 3  # Below three letters a trigram index does not help.


@dataclass(frozen=True)
class Hit:
    """One thing found; `exact` when the text is its code, number or address."""

    title: str
    description: str
    link: str
    icon: str
    exact: bool = False


def find(text: str, user: User) -> list[Hit]:
    """Return what the text may mean to this person, the exact matches first."""
    text = text.strip()[:200]
    if len(text) < 2:
        return []
    found: dict[str, Hit] = {}
    for provider in PROVIDERS:
        for hit in provider(text, user):
            if hit.link not in found or (hit.exact and not found[hit.link].exact):
                found[hit.link] = hit
    return sorted(found.values(), key=lambda hit: not hit.exact)


def find_pages(text: str, user: User) -> Iterator[Hit]:
    """Pages of the menu by their title."""
    for group, entries in entries_for(user):
        for entry in entries:
            if text.lower() in str(entry.title).lower():
                yield Hit(str(entry.title), str(group or _("Page")), entry.url, entry.icon)


def find_coupons(text: str, user: User) -> Iterator[Hit]:
    coupons = Coupon.objects.select_related("promotion", "holder").filter(code_canonical=_canonical(text))
    for coupon in _visible(coupons, user):
        whose = coupon.holder or (_("for everyone") if coupon.public else _("no holder"))
        what = f"{coupon.promotion.name} · {whose}"
        yield Hit(coupon.code, what, _link(coupon), "confirmation_number", exact=True)


def find_gift_cards(text: str, user: User) -> Iterator[Hit]:
    """A gift card by its whole code; what is on it stands on its page."""
    card = find_gift_card(text)
    if card and user.has_perm("coupons.view_giftcard"):
        title = _("Gift card %(card)s") % {"card": card}
        yield Hit(title, str(card.holder or _("no holder")), _link(card), "card_giftcard", exact=True)


def find_orders(text: str, user: User) -> Iterator[Hit]:
    orders = Order.objects.select_related("customer").filter(external_id=text)
    for order in _visible(orders, user):
        what = f"{formats.money(order.net_amount, order.currency)} · {formats.day(order.ordered_at)}"
        whose = order.customer or _("without a customer")
        title = _("Order %(number)s") % {"number": order}
        yield Hit(title, f"{whose} · {what}", _link(order), "receipt_long", exact=True)


def find_known_customers(text: str, user: User) -> Iterator[Hit]:
    """Customers by e-mail, phone, card, tax code, their id or a source's id for them."""
    compact = "".join(text.split()).replace("-", "")
    values = {text, text.lower(), text.upper(), compact, compact.upper(), *_phones(compact)}
    known = customers_known_as(values, source_id=text, public_id=_uuid(text))
    for customer in _visible(known, user):
        yield _customer_hit(customer, exact=True)


def find_customers_by_name(text: str, user: User) -> Iterator[Hit]:
    if len(text) < SHORTEST_NAME or "@" in text:
        return
    for customer in _visible(Customer.objects.present().search(text), user):
        yield _customer_hit(customer)


def find_configuration(text: str, user: User) -> Iterator[Hit]:
    """Campaigns, promotions and segments by name or code: short tables."""
    for model, icon in ((Campaign, "campaign"), (Promotion, "percent"), (Segment, "pie_chart")):
        named = model.objects.filter(Q(name__icontains=text) | Q(code__iexact=text)).order_by("-pk")
        for row in _visible(named, user):
            kind = str(model._meta.verbose_name).capitalize()
            yield Hit(row.name, f"{kind} · {row.code}", _link(row), icon, row.code.lower() == text.lower())


PROVIDERS: list[Callable[[str, User], Iterator[Hit]]] = [
    find_coupons,
    find_gift_cards,
    find_orders,
    find_known_customers,
    find_pages,
    find_configuration,
    find_customers_by_name,
]


def _visible(rows: QuerySet, user: User) -> list[Model]:
    meta = rows.model._meta
    may_see = user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
    if not may_see or not admin.site.is_registered(rows.model):
        return []
    return list(rows[:PER_KIND])


def _customer_hit(customer: Customer, *, exact: bool = False) -> Hit:
    place = customer.city or str(customer.country.name or "")
    what = str(customer.get_status_display())
    return Hit(str(customer), f"{what} · {place}" if place else what, _link(customer), "person", exact)


def _link(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _canonical(text: str) -> str:
    return normalize("NFKC", text).strip().upper()


def _phones(digits: str) -> set[str]:
    """Return the E.164 form of what looks like a telephone number of the programme's country."""
    if not digits.lstrip("+").isdigit():
        return set()
    try:
        return {normalise_phone(digits, settings.PROGRAMME_COUNTRY)}
    except ValueError:
        return set()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
