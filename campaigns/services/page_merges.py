"""What becomes of placements' and pages' rows when customers are merged. Named in customer_tables.py."""

from django.db.models import Exists, OuterRef

from campaigns.models import PlacementShowing, ShareLink
from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_showings(merge: Merge, table: CustomerTable) -> None:
    """Of what both were shown on one day the survivor's goes on; the links in the other one do, too."""
    days = PlacementShowing.objects.filter(
        customer=merge.survivor,
        former=False,
        placement=OuterRef("placement"),
        shown_on=OuterRef("shown_on"),
    )
    theirs = PlacementShowing.objects.filter(customer=merge.loser)
    for showing in theirs.filter(Exists(days), former=False).order_by("pk"):
        merge.change(showing, former=True)
    merge.move(theirs)


def merge_share_links(merge: Merge, table: CustomerTable) -> None:
    """Links are out in the world: both go on, and the survivor hands out their own."""
    own = set(ShareLink.objects.filter(customer=merge.survivor, main=True).values_list("page", flat=True))
    theirs = ShareLink.objects.filter(customer=merge.loser)
    for link in theirs.filter(main=True, page__in=own).order_by("pk"):
        merge.change(link, main=False)
    merge.move(theirs)
