"""What becomes of RFM scores when customers are merged. Named in customer_tables.py."""

from analytics.models import RfmScore, RfmTransition
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
