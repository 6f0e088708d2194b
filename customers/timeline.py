"""What happened to a customer, page by page, each event with a sentence and an icon for a person to read."""

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Func, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, Customer, Event, Purpose
from customers.models.consent import ConsentState
from customers.models.event import EventQuerySet
from customers.services.events import own_source
from operations.formats import money, number
from operations.instants import parse_instant


@dataclass(frozen=True)
class Position:
    """A place in a timeline: strictly before this instant, or at it but before this event."""

    occurred_at: datetime
    event_id: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position that `str` gave, or that an instant alone names. Raises ValueError."""
        # A plus sign that nobody escaped in an address arrives as a space.
        instant, _, event_id = text.replace(" ", "+").partition("_")
        occurred_at = parse_instant(instant)
        if event_id and not (event_id.isascii() and event_id.isdigit() and len(event_id) < 19):
            raise ValueError(text)
        return cls(occurred_at, int(event_id) if event_id else None)

    def __str__(self) -> str:
        return (
            f"{self.occurred_at.isoformat()}_{self.event_id}"
            if self.event_id
            else self.occurred_at.isoformat()
        )


@dataclass(frozen=True)
class Page:
    events: list[Event]
    next: Position | None


def timeline_page(
    customer: Customer,
    *,
    kind: str = "",
    before: Position | None = None,
    limit: int = 50,
    among: EventQuerySet | None = None,
) -> Page:
    """Return up to `limit` events of a customer, newest first, and where the next page begins.

    `kind` is a type (`order.recorded`) or a family (`order`); `among` are the events to choose from, all when
    None.
    """
    events = (customer.events.all() if among is None else among).timeline().of_kind(kind)
    if before and before.event_id is None:
        events = events.filter(occurred_at__lt=before.occurred_at)
    elif before:
        events = events.filter(
            Q(occurred_at__lt=before.occurred_at) | Q(occurred_at=before.occurred_at, pk__lt=before.event_id),
            occurred_at__lte=before.occurred_at,
        )
    rows = list(events[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Position(last.occurred_at, last.pk) if last else None)


@dataclass(frozen=True)
class Sentence:
    """An event as a person reads it: what happened, what else is known, an icon, a tone and a link."""

    title: str
    detail: str = ""
    icon: str = "circle"
    tone: str = ""
    url: str = ""


@dataclass(frozen=True)
class Wording:
    """How a type of event is told; names in braces are the event's fields and its payload's."""

    title: Promise
    icon: str
    tone: str = ""
    detail: str = ""


FAMILIES = {
    "order": _("Orders"),
    "coupon": _("Coupons"),
    "gift_card": _("Gift cards"),
    "points": _("Points"),
    "promotion": _("Promotions"),
    "redemption": _("Redemptions"),
    "apology": _("Apologies"),
    "message": _("Messages"),
    "consent": _("Consents"),
    "segment": _("Segments"),
    "referral": _("Referrals"),
    "customer": _("Record"),
    "visit": _("Visits"),
    "product": _("Articles"),
    "packaging": _("Packaging brought back"),
    "cart": _("Carts"),
    "review": _("Reviews"),
    "nps": _("Surveys"),
    "survey": _("Surveys"),
    "complaint": _("Complaints"),
    "defect": _("Defects"),
    "ticket": _("Tickets"),
    "social": _("Social networks"),
    "iot": _("Connected products"),
    "tier": _("Tiers"),
    "reward": _("Rewards"),
    "asset": _("Owned products"),
    "lead": _("Prospects"),
    "member": _("Membership"),
    "membership": _("Paid memberships"),
    "card": _("Member cards"),
    "milestone": _("Milestones"),
    "challenge": _("Challenges"),
    "badge": _("Badges"),
    "prize": _("Prizes"),
    "draw": _("Prize draws"),
    "landing_page": _("Landing pages"),
    "campaign": _("Campaigns"),
    "budget": _("Budgets"),
    "ledger": _("Ledger"),
    "profile": _("Record"),
    "email": _("Messages"),
}
WORDINGS = {
    "order.recorded": Wording(_("Bought for {amount}"), "shopping_bag", "good", "{place}"),
    "order.returned": Wording(_("Returned goods for {amount}"), "undo", "warn", "{place}"),
    "order.cancelled": Wording(_("Cancelled an order of {amount}"), "cancel", "bad", "{place}"),
    "customer.created": Wording(_("Became known"), "person_add", "info", "{source}"),
    "customer.restricted": Wording(_("Processing restricted"), "lock", "warn"),
    "customer.released": Wording(_("Restriction of processing ended"), "lock_open", "good"),
    "customer.birthday": Wording(_("Had their birthday"), "cake", "info"),
    "customer.erased": Wording(_("Personal data erased"), "person_off", "warn"),
    "profile.completed": Wording(_("Completed their profile"), "badge", "good"),
    "customer.merged": Wording(_("Merged with another record"), "merge", "info"),
    "customer.unmerged": Wording(_("Taken apart again from another record"), "call_split", "info"),
    "coupon.published": Wording(_("Received the coupon {code}"), "confirmation_number", "", "{promotion}"),
    "coupon.redeemed": Wording(_("Redeemed the coupon {code}"), "redeem", "good", "{amount} {promotion}"),
    "coupon.rolled_back": Wording(_("Redemption of {code} undone"), "history", "warn", "{promotion}"),
    "redemption.returned": Wording(_("Refunded {amount} of a redeemed cart"), "undo", "warn"),
    "coupon.withdrawn": Wording(_("Coupon {code} withdrawn"), "block", "warn", "{reason}"),
    "coupon.switched_off": Wording(_("Coupon {code} switched off"), "block", "warn", "{reason}"),
    "coupon.switched_on": Wording(_("Coupon {code} switched on"), "check_circle", "", "{reason}"),
    "coupon.extended": Wording(_("Coupon {code} made good for longer"), "event_repeat", "good", "{reason}"),
    "gift_card.issued": Wording(
        _("Received a gift card of {amount}"), "card_giftcard", "good", "···· {last4}"
    ),
    "gift_card.activated": Wording(
        _("Gift card of {amount} activated"), "card_giftcard", "good", "···· {last4}"
    ),
    "gift_card.topped_up": Wording(
        _("Gift card topped up with {amount}"), "add_card", "good", "···· {last4}"
    ),
    "gift_card.disabled": Wording(
        _("Gift card switched off"), "credit_card_off", "bad", "···· {last4} {reason}"
    ),
    "gift_card.enabled": Wording(_("Gift card switched on"), "credit_card", "", "···· {last4} {reason}"),
    "gift_card.extended": Wording(
        _("Gift card made good for longer"), "event_repeat", "good", "···· {last4} {reason}"
    ),
    "gift_card.renewed": Wording(_("Gift card with a new code"), "password", "info", "···· {last4} {reason}"),
    "gift_card.redeemed": Wording(_("Paid {amount} with a gift card"), "credit_score", "good"),
    "gift_card.rolled_back": Wording(_("Payment with a gift card undone"), "history", "warn", "{amount}"),
    "points.redeemed": Wording(_("Paid {amount} with points"), "toll", "good"),
    "points.rolled_back": Wording(_("Payment with points undone"), "history", "warn", "{amount}"),
    "points.transfers_allowed": Wording(
        _("Lets points move within the household"), "family_restroom", "good"
    ),
    "points.transfers_forbidden": Wording(
        _("No longer lets points move within the household"), "family_restroom", "warn"
    ),
    "promotion.redeemed": Wording(_("Saved {amount} with a promotion"), "redeem", "good", "{promotion}"),
    "promotion.rolled_back": Wording(_("Use of a promotion undone"), "history", "warn", "{promotion}"),
    "apology.issued": Wording(_("We apologised"), "sentiment_satisfied", "info", "{reason}"),
    "apology.requested": Wording(_("An apology waits for approval"), "hourglass_top", "warn", "{reason}"),
    "message.sent": Wording(_("We wrote by {channel}"), "mail", "info", "{campaign}"),
    "message.delivered": Wording(_("Our message arrived"), "mark_email_read", "good", "{campaign}"),
    "message.opened": Wording(_("Opened our message"), "drafts", "good", "{campaign}"),
    "message.clicked": Wording(_("Clicked in our message"), "ads_click", "good", "{campaign}"),
    "message.bounced": Wording(_("Our message came back"), "unsubscribe", "bad", "{campaign}"),
    "message.complained": Wording(_("Called our message spam"), "report", "bad", "{campaign}"),
    "message.unsubscribed": Wording(_("Unsubscribed"), "unsubscribe", "warn", "{campaign}"),
    "message.failed": Wording(_("Our message could not be sent"), "error", "bad", "{campaign}"),
    "segment.entered": Wording(_("Entered the segment {segment}"), "login", "info"),
    "segment.left": Wording(_("Left the segment {segment}"), "logout"),
    "referral.invited": Wording(_("Invited a friend"), "share", "", "{channel}"),
    "referral.registered": Wording(_("Was referred by a friend"), "group_add", "info"),
    "referral.qualified": Wording(_("A referral succeeded"), "diversity_3", "good"),
    "referral.rewarded": Wording(_("Rewarded for a referral"), "featured_seasonal_and_gifts", "good"),
    "referral.taken_back": Wording(_("The reward of a referral was taken back"), "undo", "warn"),
    "referral.rejected": Wording(_("A referral was rejected"), "block", "bad"),
    "visit.recorded": Wording(_("Visited"), "footprint", "", "{place} {title} {page}"),
    "product.viewed": Wording(_("Looked at {product}"), "visibility", "", "{place}"),
    "product.configured": Wording(_("Configured {product}"), "tune", "", "{place}"),
    "product.tried": Wording(_("Tried {product}"), "checkroom", "", "{place} {adviser} {comment}"),
    "product.registered": Wording(_("Registered {product}"), "qr_code_2", "good", "{serial}"),
    "cart.updated": Wording(_("Changed the cart"), "shopping_cart", "", "{amount}"),
    "cart.abandoned": Wording(_("Left a cart behind"), "remove_shopping_cart", "warn", "{amount}"),
    "review.written": Wording(_("Wrote a review: {rating} of 5"), "rate_review", "", "{product}"),
    "nps.answered": Wording(_("Would recommend us: {score} of 10"), "sentiment_satisfied", "", "{comment}"),
    "survey.answered": Wording(_("Answered a survey"), "quiz", "", "{name} {comment}"),
    "complaint.made": Wording(_("Made a complaint"), "sentiment_dissatisfied", "bad", "{reason} {text}"),
    "defect.reported": Wording(_("Reported a defect of {product}"), "build", "bad", "{text}"),
    "ticket.opened": Wording(_("Opened a ticket"), "support_agent", "warn", "{subject}"),
    "ticket.closed": Wording(_("Ticket closed"), "task_alt", "good", "{subject}"),
    "social.mentioned": Wording(_("Wrote about us on {network}"), "share", "", "{text}"),
    "social.commented": Wording(_("Commented on {network}"), "comment", "", "{text}"),
    "social.shared": Wording(_("Shared us on {network}"), "share", "good", "{text}"),
    "social.liked": Wording(_("Liked us on {network}"), "thumb_up", "good"),
    "social.followed": Wording(_("Follows us on {network}"), "person_add", "good"),
    "iot.activated": Wording(_("{product} was switched on"), "power_settings_new", "good", "{serial}"),
    "iot.measured": Wording(_("{metric}: {value} {unit}"), "sensors", "", "{serial}"),
    "iot.alarm_raised": Wording(_("{product} reported a fault {code}"), "warning", "bad", "{text} {serial}"),
    "iot.consumable_low": Wording(_("Running out: {part}"), "water_drop", "warn", "{serial}"),
    "iot.service_due": Wording(_("Service is due: {part}"), "build", "warn", "{serial}"),
    "asset.assigned": Wording(_("Owns {product}"), "qr_code_2", "info", "{serial}"),
    "asset.released": Wording(_("No longer owns {product}"), "qr_code_2", "", "{serial}"),
    "lead.created": Wording(_("Became a prospect"), "person_search", "info", "{lead_source}"),
    "lead.moved": Wording(_("Prospect is now: {stage}"), "trending_up", "info", "{reason}"),
    "lead.converted": Wording(_("Became a customer"), "how_to_reg", "good"),
    "tier.changed": Wording(_("Now in the tier {tier}"), "military_tech", "good"),
    "membership.started": Wording(_("Membership {plan} began"), "card_membership", "good"),
    "membership.renewed": Wording(_("Membership {plan} was renewed"), "card_membership", "good"),
    "membership.ended": Wording(_("Membership {plan} ended"), "event_busy", "warn"),
    "reward.redeemed": Wording(_("Took the reward {reward}"), "card_giftcard", "good"),
    "milestone.reached": Wording(_("Reached the milestone {milestone}"), "flag", "good"),
    "badge.earned": Wording(_("Badge earned"), "military_tech", "good", "{name} {reason}"),
    "prize.won": Wording(_("Won"), "trophy", "good", "{name}"),
    "draw.entered": Wording(_("Contest entered"), "redeem", "info", "{reason}"),
    "challenge.joined": Wording(_("Joined the challenge {name}"), "emoji_events", "info"),
    "challenge.completed": Wording(_("Completed the challenge {name}"), "emoji_events", "good"),
    "member.joined": Wording(_("Became a member"), "badge", "good", "{store} {employee}"),
    "card.issued": Wording(_("Received a member card"), "credit_card", "good", "···· {ends_with}"),
    "card.linked": Wording(_("Linked a member card"), "credit_card", "good", "···· {ends_with}"),
    "card.blocked": Wording(_("Member card blocked"), "credit_card_off", "bad", "···· {ends_with}"),
    "landing_page.claimed": Wording(_("Claimed the offer of a landing page"), "web", "good", "{page}"),
    "packaging.returned": Wording(_("Packaging brought back"), "recycling", "good", "{place}"),
    "email.clicked": Wording(_("Clicked in our message"), "ads_click", "good"),
    "member.enrolled": Wording(_("Became a member in a store"), "badge", "good", "{store} {employee}"),
    "reward.granted": Wording(_("Was given the reward {reward}"), "card_giftcard", "good"),
    "reward.handed_over": Wording(_("Was handed over {reward}"), "storefront", "good"),
    "reward.taken_back": Wording(_("The reward {reward} was taken back"), "undo", "warn", "{reason}"),
}
ICONS = {"social": "share", "iot": "sensors", "order": "receipt_long", "message": "mail", "coupon": "redeem"}


def describe(event: Event) -> Sentence:
    """Return the event as a sentence in the language that is active; of an unknown type, its name."""
    if event.type == "points.changed" and isinstance(event.payload.get("points"), int):
        return _points(event)
    if event.type == "consent.changed":
        return _consent(event)
    if event.type == "tier.changed" and not event.payload.get("tier"):
        return Sentence(str(_("No tier any more")), icon="military_tech", tone="warn")
    wording = WORDINGS.get(event.type)
    family, _dot, what = event.type.partition(".")
    if wording is None:
        return Sentence(
            f"{FAMILIES.get(family, family)}: {what.replace('_', ' ')}", icon=ICONS.get(family, "bolt")
        )
    values = _values(event)
    return Sentence(
        _fill(str(wording.title), values),
        _fill(wording.detail, values).strip(),
        wording.icon,
        wording.tone,
        _order_url(event),
    )


def family_name(family: str) -> str:
    """Return what the events of a family are called."""
    return str(FAMILIES.get(family, family))


class _Values(dict):
    def __missing__(self, name: str) -> str:
        return ""


def _fill(pattern: str, values: _Values) -> str:
    return " ".join(pattern.format_map(values).split())


def _values(event: Event) -> _Values:
    payload = {name: value for name, value in event.payload.items() if isinstance(value, str | int | float)}
    return _Values(
        payload
        | {
            "amount": "" if event.amount is None else money(event.amount, event.currency),
            "place": str(event.store or event.sales_channel or ""),
            "product": str(_thing(event) or payload.get("product") or gettext("an article")),
            "source": str(event.source),
            "channel": _label(Channel, payload.get("channel")),
        }
    )


def _thing(event: Event) -> object:
    """Return what the event is about: one article of somebody's, or an article of the assortment."""
    return (event.asset if event.asset_id else None) or event.product


def _label(choices: type[models.TextChoices], value: object) -> str:
    return str(choices(value).label) if value in choices.values else str(value or "")


def _points(event: Event) -> Sentence:
    points, balance = event.payload["points"], event.payload.get("balance")
    title = (
        ngettext("Earned {points} point", "Earned {points} points", points)
        if points > 0
        else ngettext("{points} point taken", "{points} points taken", -points)
    )
    reason = str(event.payload.get("reason") or "")
    if event.external_id.startswith("points:transfer:"):  # Ours, kept in English; any other was typed.
        reason = gettext(reason)
    detail = [reason]
    if isinstance(balance, int):
        detail.insert(0, gettext("balance {balance}").format(balance=number(balance)))
    return Sentence(
        title.format(points=number(abs(points))),
        " · ".join(part for part in detail if part),
        "toll",
        "good" if points > 0 else "warn",
        _order_url(event),
    )


def _consent(event: Event) -> Sentence:
    state = event.payload.get("state")
    values = {
        "purpose": _label(Purpose, event.payload.get("purpose")),
        "channel": _label(Channel, event.payload.get("channel")),
        "state": _label(ConsentState, state).lower(),
    }
    granted = state == ConsentState.GRANTED
    icon, tone = ("check_circle", "good") if granted else ("do_not_disturb_on", "warn")
    return Sentence(gettext("{purpose} by {channel}: {state}").format(**values), "", icon, tone)


def _order_url(event: Event) -> str:
    order = event.payload.get("order")
    ours = event.source_id == own_source().pk and isinstance(order, int)
    return reverse("admin:customers_order_change", args=[order]) if ours else ""


def families_of(customer: Customer) -> list[str]:
    """Return the families of the events this customer has, as their kinds can be chosen."""
    families = (
        customer.events.order_by()
        .annotate(
            family=Func(
                "type",
                models.Value("."),
                models.Value(1),
                function="split_part",
                output_field=models.CharField(),
            )
        )
        .values_list("family", flat=True)
        .distinct()
    )
    return sorted(families, key=lambda family: list(FAMILIES).index(family) if family in FAMILIES else 99)
