"""The ledger of a gift card as a person reads it: what each entry was, with the order it paid for."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from coupons.models import GiftCard, LedgerEntry, Redemption
from customers.models import Event
from operations.models import User

MOST = 200
TOLD = {
    "gift_card.issued": (pgettext_lazy("gift card", "Issued"), "card_giftcard", ""),
    "gift_card.activated": (gettext_lazy("Activated"), "check_circle", "good"),
    "gift_card.topped_up": (gettext_lazy("Topped up"), "add_card", "good"),
    "gift_card.disabled": (pgettext_lazy("gift card", "Switched off"), "credit_card_off", "bad"),
    "gift_card.enabled": (gettext_lazy("Switched on"), "credit_card", "good"),
    "gift_card.extended": (gettext_lazy("Made good for longer"), "event_repeat", "good"),
    "gift_card.renewed": (gettext_lazy("Given a new code"), "password", "warn"),
}
Kind = LedgerEntry.Kind


@dataclass(frozen=True)
class Line:
    """One entry of the ledger in words; amounts in minor units."""

    at: datetime
    what: str
    why: str
    delta: int
    balance_after: int
    url: str = ""


@dataclass(frozen=True)
class Chapter:
    """One thing done to the card itself."""

    at: datetime
    title: str
    text: str
    icon: str
    tone: str


def ledger_lines(card: GiftCard) -> list[Line]:
    """Return the changes of the card's money, the newest first."""
    entries = list(card.account.entries.order_by("-pk")[:MOST])
    paid = [entry.reverses_id or entry.pk for entry in entries]
    redemptions = {
        one.entry_id: one for one in Redemption.objects.select_related("stack").filter(entry__in=paid)
    }
    return [_line(entry, redemptions.get(entry.reverses_id or entry.pk)) for entry in entries]


def card_chapters(card: GiftCard) -> list[Chapter]:
    """Return what was done to the card, the newest first."""
    events = list(
        Event.objects.filter(
            type__in=TOLD, payload__gift_card=card.pk, occurred_at__gte=card.issued_at
        ).order_by("-occurred_at", "-id")[:MOST]
    )
    people = User.objects.in_bulk({event.payload.get("by") for event in events} - {None})
    return [_chapter(event, people) for event in events]


def _line(entry: LedgerEntry, redemption: Redemption | None) -> Line:
    url = reverse("admin:coupons_redemption_change", args=[redemption.pk]) if redemption else ""
    order = redemption.stack.external_id if redemption else ""
    why = _("Order %(number)s") % {"number": order} if order else entry.reason
    return Line(entry.occurred_at, _what(entry), why, entry.delta, entry.balance_after, url)


def _what(entry: LedgerEntry) -> str:
    cause = entry.source_key.partition(":")[0]
    match entry.kind, cause:
        case Kind.CREDIT, "issued":
            return _("Loaded")
        case Kind.CREDIT, "top-up":
            return _("Topped up")
        case Kind.CREDIT | Kind.DEBIT, "transfer":
            return _("Moved")
        case Kind.DEBIT, "cleared":
            return _("Taken off: the purchase was undone")
        case Kind.DEBIT, _cause:
            return pgettext("gift card", "Paid with it")
        case Kind.REVERSAL, _cause:
            return _("Given back")
        case _kind, _cause:
            return str(entry.get_kind_display())


def _chapter(event: Event, people: dict[int, User]) -> Chapter:
    title, icon, tone = TOLD[event.type]
    parts = [people.get(event.payload.get("by")), event.payload.get("reason")]
    if event.payload.get("channel"):
        parts.append(_("sent by e-mail"))
    return Chapter(event.occurred_at, title, " · ".join(str(part) for part in parts if part), icon, tone)
