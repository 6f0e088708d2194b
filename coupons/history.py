"""The story of one code, newest first: made, handed out, spent, given back, switched."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from coupons.models import Coupon, Redemption
from customers.models import Event
from operations.formats import money
from operations.models import User

MOST = 200


@dataclass(frozen=True)
class Chapter:
    """One thing that happened to a code; tone is good, bad, warn or empty."""

    at: datetime
    icon: str
    title: str
    text: str = ""
    url: str = ""
    tone: str = ""


def coupon_history(coupon: Coupon) -> list[Chapter]:
    """Return what happened to the code; `promotion`, `holder` and `issued_by` should be loaded."""
    chapters = [_made(coupon), *_handed_out(coupon), *_spent(coupon), *_switched(coupon)]
    return sorted(chapters, key=lambda chapter: chapter.at, reverse=True)


def _made(coupon: Coupon) -> Chapter:
    by = _("by %(name)s") % {"name": coupon.issued_by} if coupon.issued_by else ""
    return Chapter(coupon.created_at, "add_circle", _("Made"), by)


def _handed_out(coupon: Coupon) -> list[Chapter]:
    publications = coupon.publications.select_related("customer").order_by("-id")[:MOST]
    return [
        Chapter(
            one.published_at,
            "outgoing_mail",
            _("Given to %(customer)s") % {"customer": one.customer or _("nobody in particular")},
            str(_("by e-mail")) if one.channel == "email" else "",
            reverse("admin:customers_customer_change", args=[one.customer_id]) if one.customer_id else "",
        )
        for one in publications
    ]


def _spent(coupon: Coupon) -> list[Chapter]:
    chapters = []
    redemptions = coupon.redemptions.select_related("stack", "customer").order_by("-redeemed_at")[:MOST]
    for one in redemptions:
        url = reverse("admin:coupons_redemption_change", args=[one.pk])
        chapters.append(Chapter(one.redeemed_at, "redeem", _("Redeemed"), _redeemed_text(one), url, "good"))
        if one.stack.rolled_back_at:
            reason = one.stack.rollback_reason
            chapters.append(Chapter(one.stack.rolled_back_at, "undo", _("Rolled back"), reason, url, "warn"))
    return chapters


def _redeemed_text(redemption: Redemption) -> str:
    words = {
        "amount": money(redemption.discount_amount, redemption.currency),
        "order": redemption.stack.external_id,
        "customer": redemption.customer or _("a customer not named"),
    }
    if words["order"]:
        return _("%(amount)s off the order %(order)s of %(customer)s") % words
    return _("%(amount)s off, by %(customer)s") % words


def _switched(coupon: Coupon) -> list[Chapter]:
    events = list(
        Event.objects.filter(
            type__in=["coupon.switched_off", "coupon.switched_on", "coupon.withdrawn"],
            payload__coupon=coupon.pk,
            occurred_at__gte=coupon.created_at,
        ).order_by("-id")[:MOST]
    )
    people = User.objects.in_bulk({event.payload.get("by") for event in events} - {None})
    titles = {
        "coupon.switched_off": (_("Switched off"), "toggle_off", "bad"),
        "coupon.switched_on": (_("Switched on again"), "toggle_on", "good"),
        "coupon.withdrawn": (_("Withdrawn: its message was never accepted"), "unsubscribe", "warn"),
    }
    chapters = []
    for event in events:
        title, icon, tone = titles[event.type]
        by = people.get(event.payload.get("by"))
        text = " · ".join(str(part) for part in (by, event.payload.get("reason")) if part)
        chapters.append(Chapter(event.occurred_at, icon, title, text, tone=tone))
    return chapters
