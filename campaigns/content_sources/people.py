"""What mails may say of a person whatever the occasion: favourites, nearest store, points, friends."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from campaigns.content_sources.source import Source, Subject
from campaigns.nearest import nearest_store_of
from coupons.models import Account, Lot
from customers.models import OrderLine, Store
from customers.models.order import counts
from loyalty.card_numbers import written
from loyalty.services.cards import card_number
from loyalty.services.member_links import member_url
from operations.formats import number
from referrals.services import code_of, programme_for
from referrals.services.copies import shares_of
from referrals.words import referee_words, referrer_words


def _favourite(subject: Subject) -> Mapping[str, Any]:
    """The article somebody spent the most on, and its category and brand."""
    lines = OrderLine.objects.filter(counts("order__"), order__customer=subject.customer)
    paid = lines.values("product__name", "product__sku", "product__category", "product__brand").annotate(
        paid=Sum(F("amount") - F("discount_amount"))
    )
    most = paid.order_by("-paid", "product__sku").first()
    if most is None:
        return {}
    return {
        "product": most["product__name"] or most["product__sku"],
        "category": most["product__category"],
        "brand": most["product__brand"],
    }


def _nearest(subject: Subject) -> Mapping[str, Any]:
    near = nearest_store_of(subject.customer)
    if near is None:
        return {}
    return store_values(near.store) | {"distance": distance(near.distance_km)}


def store_values(store: Store) -> dict[str, str]:
    """Return what a mail says of a store."""
    where = " ".join(part for part in (store.postcode, store.city) if part)
    return {"name": str(store), "address": where or store.region, "city": store.city}


def distance(kilometres: float | None) -> str:
    """Return a distance as one says it: nobody measures from their door."""
    if kilometres is None:
        return ""
    return f"{number(kilometres, 1)} km" if kilometres < 10 else f"{number(kilometres)} km"


def _points(subject: Subject) -> Mapping[str, Any]:
    lots = Lot.objects.spendable(subject.at).filter(
        account__customer=subject.customer, account__kind=Account.Kind.POINTS
    )
    balance = lots.units()
    soonest = lots.filter(expires_at__isnull=False).values_list("expires_at", flat=True).first()
    if soonest is None:
        return {"balance": number(balance)}
    last_day = (soonest - timedelta(microseconds=1)).astimezone(_zone(subject)).date()
    return {
        "balance": number(balance),
        "expiring": number(lots.filter(expires_at__lte=soonest).units()),
        "expires_on": date_format(last_day, "SHORT_DATE_FORMAT"),
    }


def _zone(subject: Subject) -> Any:
    from zoneinfo import ZoneInfo

    from campaigns.triggers.local_time import known_zone

    return ZoneInfo(known_zone(subject.customer.time_zone, settings.PROGRAMME_TIME_ZONE))


def _referral(subject: Subject) -> Mapping[str, Any]:
    """The link of the oldest programme for them that is on, with its words; made when first asked for."""
    programme = programme_for(subject.customer)
    if programme is None:
        return {}
    code = code_of(subject.customer, programme)
    shares = shares_of(code, subject.customer.written_language)
    return {
        "friend_gets": referee_words(code.offer),
        "you_get": referrer_words(code.offer),
        "code": code.code,
        "url": code.shared_by("email"),
        "programme": programme.name,
        "message": shares["link"].text,
        "whatsapp": shares["whatsapp"].url,
    }


def _member(subject: Subject) -> Mapping[str, Any]:
    return {
        "url": member_url(subject.customer, at=subject.at),
        "card": written(card_number(subject.customer)),
    }


FAVOURITE = Source(
    "favourite",
    {
        "product": _("The article they spent the most on"),
        "category": _("Its category"),
        "brand": _("Its brand"),
    },
    {"product": "Stivali Alpini", "category": "Scarpe", "brand": "Montana"},
    _favourite,
    previews=True,
)
NEAREST_STORE = Source(
    "nearest_store",
    {
        "name": _("The nearest store"),
        "address": _("Its postcode and city"),
        "city": _("Its city"),
        "distance": _("How far it is, with the unit; empty where that is not known"),
    },
    {"name": "Milano Duomo", "address": "20121 Milano", "city": "Milano", "distance": "2,4 km"},
    _nearest,
    previews=True,
)
POINTS = Source(
    "points",
    {
        "balance": _("Points they can spend"),
        "expiring": _("Points that expire next; empty when none do"),
        "expires_on": _("Last day of these points"),
    },
    {"balance": "1.250", "expiring": "300", "expires_on": "31/12/2026"},
    _points,
    previews=True,
)
REFERRAL = Source(
    "referral",
    {
        "code": _("Their code to bring friends"),
        "url": _("Their link to bring friends"),
        "programme": _("Name of the referral programme"),
        "friend_gets": _("What their friend gets"),
        "you_get": _("What they get for a friend"),
        "message": _("The words they can pass on, with their link"),
        "whatsapp": _("Address that opens WhatsApp with these words"),
    },
    {
        "code": "AMICI-2345",
        "url": "https://example.org/r/AMICI-2345",
        "programme": "Porta un amico",
        "friend_gets": "5 € di sconto",
        "you_get": "5 € di sconto",
        "message": "Con il mio codice AMICI-2345 ricevi: 5 € di sconto. https://example.org/r/AMICI-2345",
        "whatsapp": "https://wa.me/?text=AMICI-2345",
    },
    _referral,
)
MEMBER = Source(
    "member",
    {"url": _("The link to their own page, with card and points"), "card": _("The number of their card")},
    {"url": "https://example.org/m/preview/", "card": "2900 0000 0000 0000"},
    _member,
)
SOURCES = [MEMBER, FAVOURITE, NEAREST_STORE, POINTS, REFERRAL]
