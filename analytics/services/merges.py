"""What becomes of scores and kept histories when customers are merged. Named in customer_tables.py."""

from analytics.models import BehaviourState, RfmScore, RfmTransition
from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_scores(merge: Merge, table: CustomerTable) -> None:
    """A model scores one person once: the survivor's score and moves stand until its next run.

    Whom a model had not scored takes over the score and the moves of the other.
    """
    scored = RfmScore.objects.filter(customer=merge.survivor).values("model")
    merge.remove(RfmScore.objects.filter(customer=merge.loser, model__in=scored))
    merge.remove(RfmTransition.objects.filter(customer=merge.loser, run__model__in=scored))
    merge.move(RfmScore.objects.filter(customer=merge.loser))
    merge.move(RfmTransition.objects.filter(customer=merge.loser))


def merge_states(merge: Merge, table: CustomerTable) -> None:
    """Two kept histories are none of one person: the next night reads the orders of the survivor anew."""
    merge.remove(BehaviourState.objects.filter(customer__in=[merge.survivor, merge.loser]))
