"""What becomes of messages when customers are merged. Named in customer_tables.py."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import LIVE, WAITING, JourneyPosition, Message, MessageReason, MessageState, Occasion
from campaigns.services.reservations import give_back_coupons
from coupons.models import Publication
from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_messages(merge: Merge, table: CustomerTable) -> None:
    """One person gets one message of an occurrence: what waits for a second one is not sent (I7).

    Of two that wait the survivor's stands. The loser's keeps its place under an occurrence of its own.
    """
    mine, theirs = (Message.objects.filter(customer=one) for one in (merge.survivor, merge.loser))
    gone_out = theirs.filter(state__in=LIVE).exclude(state__in=WAITING)
    _cancel(merge, _twins(mine.filter(state__in=WAITING), gone_out))
    _cancel(merge, _twins(theirs.filter(state__in=WAITING), mine.filter(state__in=LIVE)))
    for message in _twins(theirs, mine).order_by("pk"):
        merge.change(message, occurrence=f"{message.occurrence[:40]}~{message.pk}")
    merge.move(theirs)


def settle_coupons(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Give back the codes of messages that a merge cancelled; one that came back to life gets another.

    Called after a merge and after it was taken back, with the people locked.
    """
    theirs = Message.objects.filter(customer__in=list(customer_ids))
    cancelled = theirs.filter(state=MessageState.CANCELLED, reason=MessageReason.MERGED)
    give_back_coupons(cancelled.filter(publication__status=Publication.Status.PUBLISHED), at=at)
    revived = theirs.filter(
        state__in=WAITING, run__isnull=False, publication__status=Publication.Status.WITHDRAWN
    )
    for message in revived.select_related("publication").order_by("pk"):
        # Its cause would give the same one again.
        former = message.publication
        former.external_id = f"{former.external_id}~{former.pk}"
        former.save(update_fields=["external_id"])
        Message.objects.filter(pk=message.pk).update(publication=None)


def merge_occasions(merge: Merge, table: CustomerTable) -> None:
    """What both have is the person's turn once."""
    merge.absorb(Occasion.objects.filter(customer=merge.loser))


def merge_positions(merge: Merge, table: CustomerTable) -> None:
    """One person is in a journey once: of two ways under way the survivor's goes on."""
    merge.absorb(JourneyPosition.objects.filter(customer=merge.loser))


def _twins(messages: QuerySet[Message], others: QuerySet[Message]) -> QuerySet[Message]:
    """Return the messages of which the others hold one of the same occurrence."""
    same = Q(campaign=OuterRef("campaign"), step=OuterRef("step"), channel=OuterRef("channel"))
    return messages.filter(Exists(others.filter(same, occurrence=OuterRef("occurrence"))))


def _cancel(merge: Merge, messages: QuerySet[Message]) -> None:
    for message in messages.order_by("pk"):
        merge.change(
            message,
            state=MessageState.CANCELLED,
            reason=MessageReason.MERGED,
            owner="",
            lease_until=None,
        )
