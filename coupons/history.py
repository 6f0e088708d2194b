"""The whole story of one code, newest first: made, handed out, sent, tried, spent, given back, switched.

Apps above contribute what they know by a function in settings.COUPON_HISTORY: (coupon) -> list of Chapter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.errors import REFUSALS
from coupons.models import CodeBatch, Coupon, CouponAttempt, Redemption, RedemptionReturn
from customers.models import Event
from operations.formats import moment, money
from operations.models import User

MOST = 200  # of each kind
# What happened -> its title, its symbol, its tone (good, bad, warn or empty).
KINDS = {
    "made": (gettext_lazy("Made"), "add_circle", ""),
    "imported": (gettext_lazy("Imported"), "upload_file", ""),
    "published": (gettext_lazy("Handed out"), "outgoing_mail", ""),
    "withdrawn": (gettext_lazy("Withdrawn"), "unsubscribe", "warn"),
    "sent": (gettext_lazy("Sent"), "mark_email_read", "good"),
    "not_sent": (gettext_lazy("Not sent"), "mail_off", "warn"),
    "reserved": (gettext_lazy("Reserved for a cart"), "timer", ""),
    "refused": (gettext_lazy("Refused"), "block", "bad"),
    "redeemed": (gettext_lazy("Redeemed"), "redeem", "good"),
    "returned": (gettext_lazy("Articles returned"), "assignment_return", "warn"),
    "rolled_back": (gettext_lazy("Rolled back"), "undo", "warn"),
    "switched_off": (gettext_lazy("Switched off"), "toggle_off", "bad"),
    "switched_on": (gettext_lazy("Switched on again"), "toggle_on", "good"),
    "extended": (gettext_lazy("Good for longer"), "event_repeat", "good"),
    "expired": (gettext_lazy("Expired"), "event_busy", "warn"),
}


@dataclass(frozen=True)
class Chapter:
    """One thing that happened to a code.

    `kind` is one of KINDS, `text` says it to a person of the staff; `facts` are what the API tells, without
    names of people.
    """

    at: datetime
    kind: str
    text: str = ""
    url: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(KINDS[self.kind][0])

    @property
    def icon(self) -> str:
        return KINDS[self.kind][1]

    @property
    def tone(self) -> str:
        return KINDS[self.kind][2]


def coupon_history(coupon: Coupon, *, at: datetime) -> list[Chapter]:
    """Return what happened to the code, the newest 200 of each kind of thing."""
    chapters = [
        _made(coupon),
        *_handed_out(coupon),
        *_tried(coupon),
        *_spent(coupon),
        *_returned(coupon),
        *_switched(coupon),
    ]
    for path in settings.COUPON_HISTORY:
        chapters += import_string(path)(coupon)
    if coupon.valid_until and coupon.valid_until <= at:
        chapters.append(Chapter(coupon.valid_until, "expired"))
    # Of what happened at the same instant, what stands further down in the list happened later.
    return sorted(chapters, key=lambda chapter: chapter.at)[::-1]


def _made(coupon: Coupon) -> Chapter:
    batch = coupon.batch
    by = coupon.issued_by or (batch.client if batch else None)
    parts = [_("by %(name)s") % {"name": by}] if by else []
    kind, facts, url = "made", {"by": str(by) if by else None}, ""
    if batch:
        kind = "imported" if batch.origin == CodeBatch.Origin.IMPORTED else "made"
        facts["batch"] = str(batch.pk)
        parts += [batch.file_name] if batch.file_name else []
        if batch.made > 1:
            parts.append(_("one of %(count)d") % {"count": batch.made})
            url = reverse("admin:coupons_codebatch_change", args=[batch.pk])
    made_at = min(coupon.created_at, coupon.published_at or coupon.created_at)
    return Chapter(made_at, kind, " · ".join(parts), url, facts)


def _handed_out(coupon: Coupon) -> Iterator[Chapter]:
    for one in coupon.publications.select_related("customer").order_by("-id")[:MOST]:
        to = one.customer or _("nobody in particular")
        text = _("to %(customer)s") % {"customer": to}
        if one.channel == "email":
            text += " · " + _("by e-mail")
        url = _customer_page(one.customer_id)
        facts = {"source_id": one.external_id, "channel": one.channel or None}
        yield Chapter(one.published_at, "published", text, url, facts | _who(one.customer))


def _tried(coupon: Coupon) -> Iterator[Chapter]:
    attempts = coupon.attempts.select_related("customer", "client").order_by("-tried_at")[:MOST]
    for one in attempts:
        parts = [_refused_text(one)] if one.refusal else []
        if one.held_until:
            parts.append(_("until %(time)s") % {"time": moment(one.held_until)})
        parts += [str(who) for who in (one.customer, one.client) if who]
        facts = {"key": one.refusal or None, "order": one.order_key or None, "held_until": one.held_until}
        facts = {name: value for name, value in facts.items() if value is not None}
        kind = "refused" if one.refusal else "reserved"
        text, url = " · ".join(parts), _customer_page(one.customer_id)
        yield Chapter(one.tried_at, kind, text, url, facts | _who(one.customer))


def _refused_text(attempt: CouponAttempt) -> str:
    error = REFUSALS.get(attempt.refusal)
    return str(error.message) if error else attempt.refusal


def _spent(coupon: Coupon) -> Iterator[Chapter]:
    redemptions = coupon.redemptions.select_related("stack", "customer").order_by("-redeemed_at")[:MOST]
    undone_by = _undone_by(coupon)
    for one in redemptions:
        url = reverse("admin:coupons_redemption_change", args=[one.pk])
        facts = {"redemption": str(one.stack_id), "order": one.stack.external_id or None}
        money_facts = {"amount": one.discount_amount, "currency": one.currency}
        yield Chapter(
            one.redeemed_at, "redeemed", _redeemed_text(one), url, facts | money_facts | _who(one.customer)
        )
        if one.stack.rolled_back_at:
            by, reason = undone_by.get(one.pk), one.stack.rollback_reason
            text = " · ".join(str(part) for part in (by, reason) if part)
            told = facts | {"by": str(by) if by else None, "reason": reason or None}
            yield Chapter(one.stack.rolled_back_at, "rolled_back", text, url, told)


def _undone_by(coupon: Coupon) -> dict[int, User]:
    """Return who of the staff rolled which redemption back."""
    events = Event.objects.filter(
        type="coupon.rolled_back", payload__coupon=coupon.pk, occurred_at__gte=coupon.created_at
    ).order_by("-id")[:MOST]
    by = {event.payload["redemption"]: event.payload.get("by") for event in events}
    people = User.objects.in_bulk(set(by.values()) - {None})
    return {redemption: people[pk] for redemption, pk in by.items() if pk in people}


def _redeemed_text(redemption: Redemption) -> str:
    words = {
        "amount": money(redemption.discount_amount, redemption.currency),
        "order": redemption.stack.external_id,
        "customer": redemption.customer or _("a customer not named"),
    }
    if words["order"]:
        return _("%(amount)s off the order %(order)s of %(customer)s") % words
    return _("%(amount)s off, by %(customer)s") % words


def _returned(coupon: Coupon) -> Iterator[Chapter]:
    stacks = coupon.redemptions.values("stack")
    for one in (
        RedemptionReturn.objects.filter(stack__in=stacks).select_related("stack").order_by("-id")[:MOST]
    ):
        refund = money(one.refund_amount, one.stack.currency)
        text = _("%(amount)s refunded") % {"amount": refund}
        if one.restores_usage:
            text += " · " + _("the use came back")
        facts = {
            "redemption": str(one.stack_id),
            "return": str(one.pk),
            "amount": one.refund_amount,
            "currency": one.stack.currency,
        }
        yield Chapter(one.returned_at, "returned", text, facts=facts)


def _switched(coupon: Coupon) -> Iterator[Chapter]:
    kinds = ["switched_off", "switched_on", "withdrawn", "extended"]
    events = list(
        Event.objects.filter(
            type__in=[f"coupon.{kind}" for kind in kinds],
            payload__coupon=coupon.pk,
            occurred_at__gte=coupon.created_at,
        ).order_by("-id")[:MOST]
    )
    people = User.objects.in_bulk({event.payload.get("by") for event in events} - {None})
    for event in events:
        by, reason = people.get(event.payload.get("by")), event.payload.get("reason")
        text = " · ".join(str(part) for part in (by, reason) if part)
        facts = {"by": str(by) if by else None, "reason": reason or None}
        yield Chapter(event.occurred_at, event.type.partition(".")[2], text, facts=facts)


def _who(customer: Any) -> dict[str, str]:
    return {"customer": str(customer.public_id)} if customer else {}


def _customer_page(customer_id: int | None) -> str:
    return reverse("admin:customers_customer_change", args=[customer_id]) if customer_id else ""
