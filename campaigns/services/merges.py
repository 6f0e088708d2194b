"""What becomes of messages when customers are merged. Named in customer_tables.py."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import LIVE, WAITING, JourneyPosition, Message, MessageReason, MessageState, Occasion
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
