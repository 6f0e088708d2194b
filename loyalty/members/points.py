"""What a member's page says of their points: what there is, what is coming, what ends, and how it came."""

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from coupons.models import LedgerEntry
from customers.models import Order
from loyalty.members.sections import Member, Section
from loyalty.models import PointsAccrual, Reward, RewardGrant
from loyalty.services.balances import points_entries, points_of

Kind = LedgerEntry.Kind
ENTRIES_SHOWN = 30
LATEST = 5  # The rest unfolds.
EXPIRIES_SHOWN = 3
# What partners write down as the reason is their name, which was typed by nobody about anybody.
AT_PARTNERS = {"partner-earn": gettext_lazy("Earned"), "partner-burn": gettext_lazy("Spent")}
# What a reward cost or gave says its name as members read it in the catalogue.
OF_REWARDS = ("adjusted:reward-cost:", "adjusted:reward:")
# First words of the ledger's causes.
TAKEN_BACK = {"returned", "debt", "parted", "partner-back", "reward-back"}


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
    )


def history_section(member: Member) -> Section | None:
    """Return the latest changes of their points; None for somebody who never had any."""
    entries = list(points_entries(member.customer)[:ENTRIES_SHOWN])
    if not entries:
        return None
    orders, rewards = _orders_of(entries), _rewards_of(entries)
    lines = [(entry, said_of(entry, orders.get(entry.pk), rewards.get(entry.pk))) for entry in entries]
    return Section(
        "history",
        _("History"),
        "clock",
        "loyalty/member/history.html",
        {"lines": lines[:LATEST], "more": lines[LATEST:]},
        order=90,
    )


def _orders_of(entries: list[LedgerEntry]) -> dict[int, Order]:
    """Return the order that earned each of these entries which an order earned."""
    accruals = PointsAccrual.objects.filter(entry__in=entries, order__isnull=False)
    return {one.entry_id: one.order for one in accruals.select_related("order__store")}


def _rewards_of(entries: list[LedgerEntry]) -> dict[int, Reward]:
    """Return the reward that each of these entries paid for or came from."""
    found: dict[int, Reward] = {}
    grants = RewardGrant.objects.filter(Q(spent_entry__in=entries) | Q(entry__in=entries))
    for grant in grants.select_related("reward"):
        found |= {pk: grant.reward for pk in (grant.spent_entry_id, grant.entry_id) if pk}
    return found


def said_of(entry: LedgerEntry, order: Order | None, reward: Reward | None = None) -> str:
    """Return in a member's words how their points changed; what staff noted is not for them."""
    if order is not None:
        return _("Purchase, %(store)s") % {"store": order.store} if order.store else _("Purchase")
    cause = entry.source_key.partition(":")[0]
    if entry.kind == Kind.DEBIT and cause in TAKEN_BACK:
        return _("Taken back with a return")
    if cause == "transfer" and not entry.source_key.startswith("transfer:parted:"):
        return _("Given to your household") if entry.kind == Kind.DEBIT else _("From your household")
    if entry.source_key.startswith(OF_REWARDS) and (reward or entry.reason):
        return reward.shown_name if reward else entry.reason
    if cause in AT_PARTNERS:
        return _("%(what)s at %(partner)s") % {"what": AT_PARTNERS[cause], "partner": entry.reason}
    words = {
        Kind.CREDIT: _("Earned"),
        Kind.DEBIT: _("Spent"),
        Kind.EXPIRY: pgettext("points", "Expired"),
        Kind.REVERSAL: _("Given back"),
    }
    return words[Kind(entry.kind)]
