"""What becomes of milestones when customers are merged. Named in customer_tables.py."""

from customers.registry import CustomerTable
from customers.services.journal import Merge
from loyalty.models import MilestoneReach

Status = MilestoneReach.Status


def merge_reaches(merge: Merge, table: CustomerTable) -> None:
    """What both reached was reached once; a reward that one of them was given already is that one's."""
    own = {
        (one.milestone_id, one.number): one for one in MilestoneReach.objects.filter(customer=merge.survivor)
    }
    for reach in MilestoneReach.objects.filter(customer=merge.loser).order_by("pk"):
        row = MilestoneReach.objects.filter(pk=reach.pk)
        twin = own.get((reach.milestone_id, reach.number))
        if twin is None:
            merge.move(row)
            continue
        merge.remove(row)
        if twin.status != Status.GIVEN and reach.status == Status.GIVEN:
            merge.change(twin, status=reach.status, grant_id=reach.grant_id, reason="")
