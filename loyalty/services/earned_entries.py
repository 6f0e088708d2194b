"""Entries in contests that orders and events earn, and what returns take of them."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from customers.models import Customer
from loyalty.errors import DrawNotOpen, EntryLimitReached, NotInAudience
from loyalty.models import Draw, DrawEntry, PointsAccrual
from loyalty.services.draws import enter_draw, withdraw_entry


def earning_key(accrual: PointsAccrual) -> str:
    """Return the name of the cause "this order (or event) earned by this rule"."""
    source = f"{accrual.order_id}" if accrual.order_id else f"event:{accrual.event_id}"
    return f"earned:{accrual.rule_id}:{source}"


def entrants_of(accruals: Collection[PointsAccrual]) -> dict[int, Customer]:
    """Return who entered a contest with each of these accruals, by its id, in one statement."""
    keys = {earning_key(one): one.pk for one in accruals if one.draw_entries}
    entries = DrawEntry.objects.filter(source_key__in=keys).select_related("customer")
    return {keys[one.source_key]: one.customer for one in entries}


def enter_with(accrual: PointsAccrual, customer: Customer, *, entries: int, at: datetime) -> int:
    """Enter the draw of the accrual's rule; return how many entries it took.

    None where it does not run, is not for this person, or they have as many as it allows.
    """
    draw = Draw.objects.filter(code=accrual.version.draw).first()
    if draw is None:
        return 0
    key = earning_key(accrual)
    with suppress(DrawNotOpen, NotInAudience, EntryLimitReached), transaction.atomic():
        entry = enter_draw(draw, customer, entries=entries, source_key=key, at=at, reason=accrual.rule.name)
        return entry.entries
    return 0


def keep_entries(accrual: PointsAccrual, *, kept: int, at: datetime) -> int:
    """Leave only `kept` entries of what an accrual gave, while the list is open; return how many went.

    The entry is taken back whole, and a smaller one is made in its stead.
    """
    if kept >= accrual.draw_entries:
        return 0
    key = earning_key(accrual)
    own = Q(source_key=key) | Q(source_key__startswith=f"{key}:kept:")
    entry = DrawEntry.objects.filter(own, draw__code=accrual.version.draw, withdrawn_at__isnull=True).first()
    if entry is None:
        return 0
    gone = withdraw_entry(
        entry.draw, source_key=entry.source_key, at=at, keep=kept, keep_key=f"{key}:kept:{kept}"
    )
    if gone:
        accrual.draw_entries = kept
        accrual.save(update_fields=["draw_entries"])
    return gone
