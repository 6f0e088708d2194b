"""Every kind of event that a source may send."""

from django.utils.translation import gettext_lazy as _

from customers.event_types.schema import (
    CODE,
    LONG,
    EventType,
    choice,
    flag,
    listing,
    number,
    structure,
    text,
    whole,
)

URL = text(2000)
PAGE = {"page": text(2000), "url": URL, "referrer": URL, "title": text()}
ARTICLES = listing(
    structure(
        ("sku",),
        sku=text(64, minLength=1),
        name=text(),
        quantity=number(0),
        price=whole(0, 10**12),
        url=URL,
        image_url=URL,
    )
)
CART = {"cart": text(CODE, minLength=1), "items": ARTICLES, "url": URL, "coupon": text(CODE)}
TOLD = {"text": text(LONG), "language": text(16), "url": URL}
REVIEW = TOLD | {"title": text(), "verified": flag(), "photos": whole(0, 1000)}
SERIAL = {"serial": text(120, minLength=1)}
READING = {"metric": text(CODE), "value": number(), "unit": text(32)}
NETWORK = {
    "network": text(64),
    "post": text(CODE),
    "url": URL,
    "text": text(LONG),
    "followers": whole(0, 10**10),
}
TICKET = {"ticket": text(CODE, minLength=1), "subject": text(), "channel": text(64)}

VISITS = [
    EventType(
        "visit.recorded",
        _("A visit of the site, the app or, with a store, of a shop."),
        PAGE
        | {
            "pages": whole(0, 100_000),
            "seconds": whole(0, 10_000_000),
            "campaign": text(),
            "app": flag(),
        },
        uses=("store", "sales_channel"),
        example={"url": "https://shop.example/tyres", "pages": 4, "seconds": 180, "campaign": "newsletter"},
    ),
    EventType(
        "product.viewed",
        _("Looked at an article."),
        PAGE | {"product": text(), "list": text()},
        uses=("sku",),
        example={"url": "https://shop.example/p/4711"},
    ),
    EventType(
        "product.configured",
        _("Put together an article in a configurator."),
        {
            "product": text(),
            "configuration": {"type": "object"},
            "options": listing(text()),
            "configuration_id": text(CODE),
            "completed": flag(),
            "url": URL,
        },
        uses=("sku", "amount", "currency"),
        example={"configuration": {"colour": "red", "size": "M"}, "completed": True},
    ),
    EventType(
        "product.tried",
        _("Tried an article in a shop: a fitting, a test drive, a tasting."),
        {
            "product": text(),
            "adviser": text(),
            "outcome": choice("bought", "undecided", "rejected"),
            "rating": whole(1, 5),
            "comment": text(LONG),
            "minutes": number(0),
        },
        uses=("sku", "store"),
        example={"outcome": "undecided", "adviser": "Anna", "minutes": 20},
    ),
    EventType(
        "product.registered",
        _("Registered an article they own by its serial number: from then on its messages are theirs."),
        SERIAL | {"product": text(), "warranty_until": text(32), "bought_at": text()},
        required=("serial",),
        uses=("sku",),
        example={"serial": "WM-2026-000117"},
    ),
    EventType(
        "cart.updated",
        _("Changed the cart; `items` is what is in it now, an empty list an emptied cart."),
        CART,
        uses=("amount", "currency", "sales_channel"),
        example={"cart": "c-981", "items": [{"sku": "4711", "quantity": 2, "price": 1990}]},
    ),
    EventType(
        "cart.abandoned",
        _("Left a cart behind. We tell it too, some hours after the last change without an order."),
        CART,
        uses=("amount", "currency", "sales_channel"),
        example={"cart": "c-981", "items": [{"sku": "4711", "quantity": 2}]},
    ),
]
VOICES = [
    EventType(
        "review.written",
        _("Reviewed an article, a shop or the company."),
        {"rating": whole(1, 5), "about": choice("product", "store", "service", "company")} | REVIEW,
        required=("rating",),
        uses=("sku", "store"),
        example={"rating": 4, "title": "Quiet", "text": "Quiet and well made."},
    ),
    EventType(
        "nps.answered",
        _("Said how likely they are to recommend us, 0 to 10; the NPS is counted from these."),
        {"score": whole(0, 10), "comment": text(LONG), "survey": text(CODE), "touchpoint": text()},
        required=("score",),
        example={"score": 9, "comment": "Quick delivery."},
    ),
    EventType(
        "survey.answered",
        _("Answered a survey."),
        {
            "survey": text(CODE),
            "name": text(),
            "answers": {"type": "object"},
            "score": number(),
            "comment": text(LONG),
        },
        example={"survey": "delivery-2026", "answers": {"speed": 5, "packaging": "good"}},
    ),
    EventType(
        "complaint.made",
        _("Complained."),
        {
            "reason": text(),
            "text": text(LONG),
            "channel": text(64),
            "severity": choice("low", "medium", "high"),
            "order_id": text(CODE),
        },
        uses=("sku", "store"),
        example={"reason": "late delivery", "severity": "medium", "order_id": "2026-118"},
    ),
    EventType(
        "defect.reported",
        _("Reported a defect of an article."),
        {"serial": text(120), "product": text(), "text": text(LONG), "part": text(), "warranty": flag()},
        uses=("sku",),
        example={"serial": "WM-2026-000117", "text": "The door does not close.", "warranty": True},
    ),
    EventType(
        "packaging.returned",
        _("Brought packaging back: bottles, boxes, capsules."),
        {"kind": text(64), "pieces": whole(0, 1000)},
        uses=("sku", "store"),
        example={"kind": "bottle", "pieces": 6},
    ),
    EventType(
        "ticket.opened",
        _("Opened a case at the help desk."),
        TICKET | {"priority": choice("low", "normal", "high", "urgent"), "topic": text()},
        example={"ticket": "T-5521", "subject": "Where is my order?", "priority": "normal"},
    ),
    EventType(
        "ticket.closed",
        _("A case at the help desk was closed."),
        TICKET | {"resolution": text(), "satisfaction": whole(1, 5), "hours": number(0)},
        example={"ticket": "T-5521", "resolution": "answered", "satisfaction": 5},
    ),
    EventType(
        "social.mentioned",
        _("Wrote about us on a social network."),
        NETWORK | {"sentiment": choice("positive", "neutral", "negative")},
        example={"network": "instagram", "text": "Love my new bike", "sentiment": "positive"},
    ),
    EventType(
        "social.commented",
        _("Commented on something of ours."),
        NETWORK,
        example={"network": "facebook", "text": "Do you ship to France?"},
    ),
    EventType("social.shared", _("Shared something of ours."), NETWORK, example={"network": "facebook"}),
    EventType("social.liked", _("Liked something of ours."), NETWORK, example={"network": "instagram"}),
    EventType("social.followed", _("Began to follow us."), NETWORK, example={"network": "instagram"}),
    EventType("social.*", _("Anything else on a social network."), NETWORK, example={"network": "tiktok"}),
]
PRODUCTS_SPEAK = [
    EventType(
        "iot.activated",
        _("A connected product was switched on for the first time."),
        SERIAL | {"firmware": text(64)},
        uses=("sku",),
        example={"serial": "WM-2026-000117"},
    ),
    EventType(
        "iot.measured",
        _("A connected product measured something."),
        SERIAL | READING,
        example={"serial": "WM-2026-000117", "metric": "cycles", "value": 412},
    ),
    EventType(
        "iot.alarm_raised",
        _("A connected product reported a fault."),
        SERIAL
        | READING
        | {"code": text(64), "text": text(LONG), "severity": choice("low", "medium", "high")},
        example={"serial": "WM-2026-000117", "code": "E18", "severity": "high"},
    ),
    EventType(
        "iot.consumable_low",
        _("Something in a connected product runs out: a filter, ink, detergent."),
        SERIAL | READING | {"part": text(), "percent_left": number(0), "days_left": number(0)},
        uses=("sku",),
        example={"serial": "WM-2026-000117", "part": "filter", "percent_left": 8},
    ),
    EventType(
        "iot.service_due",
        _("A connected product asks for maintenance."),
        SERIAL | READING | {"part": text(), "due_on": text(32)},
        example={"serial": "WM-2026-000117", "part": "descaling"},
    ),
    EventType(
        "iot.*",
        _("Anything else a connected product tells; by its serial it belongs to the owner at that instant."),
        SERIAL | READING,
        example={"serial": "WM-2026-000117"},
    ),
]
REPORTED = [
    EventType(code, description, told_by_sources=False)
    for code, description in [
        ("message.*", _("What a source reports of messages it sent itself.")),
        ("coupon.*", _("What a source reports of coupons of its own.")),
        ("points.*", _("What a source reports of points of its own.")),
        ("tier.*", _("What a source reports of tiers of its own.")),
        ("referral.*", _("What a source reports of referrals of its own.")),
        ("order.*", _("What a source reports of orders; POST /orders is what counts.")),
        ("consent.changed", _("What a source reports of consents; POST /consents is what counts.")),
    ]
]
TYPES: list[EventType] = [*VISITS, *VOICES, *PRODUCTS_SPEAK, *REPORTED]
