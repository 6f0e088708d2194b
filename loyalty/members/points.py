"""What a member's page says of their points: what there is, what is coming, what ends, and how it came."""

from django.utils.translation import gettext as _

from coupons.models import LedgerEntry
from loyalty.members.sections import Member, Section
from loyalty.services.balances import points_entries, points_of
from operations.formats import number

Kind = LedgerEntry.Kind
ENTRIES_SHOWN = 20
EXPIRIES_SHOWN = 3
TAKEN_BACK = {"returned", "debt", "parted"}  # First words of the ledger's causes.


def points_section(member: Member) -> Section:
    """Return the balance, and what is pending or expires next."""
    points = points_of(member.customer, at=member.at)
    return Section(
        "points",
        _("Points"),
        "points",
        "loyalty/member/points.html",
        {"points": points, "expiring": points.expiring[:EXPIRIES_SHOWN]},
        order=10,
        badge=number(points.balance),
    )


def history_section(member: Member) -> Section | None:
    """Return the latest changes of their points; None for somebody who never had any."""
    entries = list(points_entries(member.customer)[:ENTRIES_SHOWN])
    if not entries:
        return None
    return Section(
        "history",
        _("History"),
        "clock",
        "loyalty/member/history.html",
        {"lines": [(entry, said_of(entry)) for entry in entries]},
        order=90,
    )


def said_of(entry: LedgerEntry) -> str:
    """Return in a member's words how their points changed; what staff noted is not for them."""
    cause = entry.source_key.partition(":")[0]
    if entry.kind == Kind.DEBIT and cause in TAKEN_BACK:
        return _("Taken back with a return")
    words = {
        Kind.CREDIT: _("Earned"),
        Kind.DEBIT: _("Spent"),
        Kind.EXPIRY: _("Expired"),
        Kind.REVERSAL: _("Given back"),
    }
    return words[Kind(entry.kind)]
