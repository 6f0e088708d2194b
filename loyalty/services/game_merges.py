"""What becomes of games when customers are merged. Named in game_tables.py."""

from customers.registry import CustomerTable
from customers.services.journal import Merge
from loyalty.models import ChallengeParticipant, DrawParticipant


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


def merge_challengers(merge: Merge, table: CustomerTable) -> None:
    """Who took part in a challenge under both records takes part once, since the earlier of the two.

    The steps have moved; `settle_challenges` works out where they lead.
    """
    own = {one.challenge_id: one for one in ChallengeParticipant.objects.filter(customer=merge.survivor)}
    for participant in ChallengeParticipant.objects.filter(customer=merge.loser).order_by("pk"):
        row = ChallengeParticipant.objects.filter(pk=participant.pk)
        twin = own.get(participant.challenge_id)
        if twin is None:
            merge.move(row)
            continue
        still = participant.left_at is None or twin.left_at is None
        merge.change(
            twin,
            joined_at=min(twin.joined_at, participant.joined_at),
            left_at=None if still else max(twin.left_at, participant.left_at),
        )
        merge.remove(row)


def absorb_rows(merge: Merge, table: CustomerTable) -> None:
    """Of two that may stand only once the survivor's stays."""
    merge.absorb(table.rows(merge.loser.pk))
