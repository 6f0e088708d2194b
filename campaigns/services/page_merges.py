"""What becomes of placements' and pages' rows when customers are merged. Named in customer_tables.py."""

from campaigns.models import PlacementShowing, ShareLink
from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_showings(merge: Merge, table: CustomerTable) -> None:
    """What both were shown on one day adds up."""
    own = {
        (one.placement_id, one.shown_on): one
        for one in PlacementShowing.objects.filter(customer=merge.survivor)
    }
    for showing in PlacementShowing.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get((showing.placement_id, showing.shown_on))
        if twin is None:
            merge.move(PlacementShowing.objects.filter(pk=showing.pk))
            continue
        merge.add(twin, showings=showing.showings, clicks=showing.clicks)
        merge.remove(PlacementShowing.objects.filter(pk=showing.pk))


def merge_share_links(merge: Merge, table: CustomerTable) -> None:
    """Links are out in the world: both go on, and the survivor hands out their own."""
    own = set(ShareLink.objects.filter(customer=merge.survivor, main=True).values_list("page", flat=True))
    theirs = ShareLink.objects.filter(customer=merge.loser)
    for link in theirs.filter(main=True, page__in=own).order_by("pk"):
        merge.change(link, main=False)
    merge.move(theirs)
