"""Taking part in contests: entries that are earned or given, and entries that are taken back.

Locks: the customer, the contest (shared, so that closing waits for who is entering), the participant.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer, SegmentMembership
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.drawing import new_receipt
from loyalty.errors import DrawNotOpen, EntryLimitReached, NotInAudience
from loyalty.models import Draw, DrawEntry, DrawParticipant
from operations.errors import InvalidInput


def enter_draw(
    draw: Draw, customer: Customer, *, entries: int, source_key: str, at: datetime, reason: str = ""
) -> DrawEntry:
    """Give a person entries in a contest, once for each `source_key`.

    Where the contest allows fewer a person, they get what is left. The same key again returns the first
    entry, also after the contest is over.

    Raises DrawNotOpen, NotInAudience, EntryLimitReached, InvalidInput for less than one entry.
    """
    if entries < 1:
        raise InvalidInput.at("/entries", _("Give one entry at least."))
    with transaction.atomic():
        customer = hold_customer(customer)
        draw = share_draw(draw)
        known = DrawEntry.objects.filter(draw=draw, source_key=source_key).first()
        if known:
            return known
        check_may_enter(draw, customer, at=at)
        participant = lock_participant(draw, customer)
        known = DrawEntry.objects.filter(draw=draw, source_key=source_key).first()
        if known:
            return known
        if draw.most_entries is not None:
            entries = min(entries, draw.most_entries - participant.entries)
        if entries < 1:
            raise EntryLimitReached
        entry = DrawEntry.objects.create(
            draw=draw,
            customer=customer,
            source_key=source_key,
            reason=reason[:200],
            entries=entries,
            occurred_at=at,
        )
        participant.entries += entries
        participant.save(update_fields=["entries"])
        record_event(
            "draw.entered",
            external_id=f"draw_entry:{entry.pk}",
            occurred_at=at,
            customer=customer,
            payload={"draw": draw.code, "entries": entries, "reason": reason[:200]},
        )
    return entry


def withdraw_entry(draw: Draw, *, source_key: str, at: datetime, keep: int = 0, keep_key: str = "") -> int:
    """Take back what a cause gave but for `keep`, while the list is not frozen; return how many entries went.

    What is kept stands under `keep_key`, from when it was given: it is theirs also when the contest takes no
    more entries or they left its audience. Plays that used entries stay: the next ones make up for them.
    """
    with transaction.atomic():
        entry = DrawEntry.objects.filter(draw=draw, source_key=source_key).select_related("customer").first()
        if entry is None:
            return 0
        customer = hold_customer(entry.customer)
        draw = share_draw(draw)
        if draw.status != Draw.Status.OPEN:
            return 0
        participant = lock_participant(draw, customer)
        entry.refresh_from_db()
        if entry.withdrawn_at:
            return 0
        entry.withdrawn_at = at
        entry.save(update_fields=["withdrawn_at"])
        gone = entry.entries - keep
        if keep:
            DrawEntry.objects.create(
                draw=draw,
                customer=customer,
                source_key=keep_key,
                reason=entry.reason,
                entries=keep,
                occurred_at=entry.occurred_at,
            )
        participant.entries -= gone
        participant.save(update_fields=["entries"])
    return gone


def share_draw(draw: Draw) -> Draw:
    """Keep a contest from being closed until the transaction ends; others may enter at the same time."""
    rows = Draw.objects.raw("SELECT * FROM loyalty_draw WHERE id = %s FOR SHARE", [draw.pk])
    return rows[0]


def check_may_enter(draw: Draw, customer: Customer, *, at: datetime) -> None:
    """Raise DrawNotOpen or NotInAudience where this person cannot take part at this instant."""
    if not draw.is_open(at):
        raise DrawNotOpen
    if draw.segment_id and not is_member(customer, draw.segment_id):
        raise NotInAudience


def is_member(customer: Customer, segment_id: int) -> bool:
    """Return whether a customer is in a segment now."""
    return SegmentMembership.objects.current().filter(customer=customer, segment=segment_id).exists()


def lock_participant(draw: Draw, customer: Customer) -> DrawParticipant:
    """Lock a person's row in a contest; it is made when they first come."""
    key = {"draw": draw, "customer": customer}
    DrawParticipant.objects.bulk_create(
        [DrawParticipant(**key, receipt=new_receipt())], ignore_conflicts=True
    )
    return DrawParticipant.objects.select_for_update(of=["self"], no_key=True).get(**key)
