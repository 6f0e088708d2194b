"""The fields that loyalty gives to segment rules."""

from django.utils.translation import gettext_lazy as _

from coupons.models import Account
from customers.segments.fields import Column, Field, Kind, Rows

FIELDS = [
    Field(
        "points.balance",
        _("Points"),
        Kind.INTEGER,
        Rows(
            lambda moment: Account.objects.filter(kind=Account.Kind.POINTS, main=True),
            Column("balance"),
            default=0,
        ),
    ),
]
