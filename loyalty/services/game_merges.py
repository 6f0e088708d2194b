"""What becomes of games when customers are merged. Named in customer_tables.py."""

from customers.registry import CustomerTable
from customers.services.journal import Merge
from loyalty.models import DrawParticipant


def merge_participants(merge: Merge, table: CustomerTable) -> None:
    """Who took part in a contest under both records takes part once, with the entries and plays of both.

    A list that is frozen stays as it is: it names receipts, and both lead to the survivor.
    """
    own = {one.draw_id: one for one in DrawParticipant.objects.filter(customer=merge.survivor)}
    for participant in DrawParticipant.objects.filter(customer=merge.loser).order_by("pk"):
        row = DrawParticipant.objects.filter(pk=participant.pk)
        twin = own.get(participant.draw_id)
        if twin is None:
            merge.move(row)
            continue
        if participant.entries or participant.plays:
            merge.add(twin, entries=participant.entries, plays=participant.plays)
        merge.remove(row)
