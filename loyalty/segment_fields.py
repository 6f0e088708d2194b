"""The fields that loyalty gives to segment rules."""

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from coupons.models import Account
from customers.segments.fields import Column, Field, Kind, Rows
from loyalty.belonging_fields import BELONGING_FIELDS
from loyalty.game_fields import GAME_FIELDS


def _accounts(moment: object) -> QuerySet[Account]:
    """Return the main accounts with `total`, what stands in them and in those a merge put beside them."""
    points = Account.objects.filter(kind=Account.Kind.POINTS)
    beside = points.filter(main=False, customer=OuterRef("customer")).order_by()
    sums = beside.values("customer").annotate(units=Sum("balance")).values("units")
    return points.filter(main=True).annotate(total=F("balance") + Coalesce(Subquery(sums), 0))


FIELDS = [
    Field(
        "points.balance",
        _("Points"),
        Kind.INTEGER,
        Rows(_accounts, Column("total"), default=0),
        group=_("Points"),
    ),
    *GAME_FIELDS,
    *BELONGING_FIELDS,
]
