"""Points that the service desk of the demo gave and took, and one request that waits for a supervisor."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction

from coupons.errors import AgentLimitExceeded
from coupons.models import Account
from loyalty.models import PointsAdjustment
from loyalty.services.point_requests import request_points
from operations.models import User

GIVEN = [
    (150, "Scontrino non registrato alla cassa"),
    (80, "Attesa lunga al banco"),
    (-40, "Accreditati due volte"),
    (200, "Consegna arrivata il giorno dopo"),
    (60, "Prodotto finito durante l'offerta"),
    (7_500, "Spesa aziendale senza carta"),
]


@transaction.atomic
def write_points_by_hand(*, at: datetime) -> int:
    """Give and take some in the last days, once; the last goes beyond what an agent may decide alone."""
    agent = User.objects.filter(username="agent").first()
    if agent is None or PointsAdjustment.objects.exists():
        return PointsAdjustment.objects.count()
    accounts = Account.objects.filter(kind=Account.Kind.POINTS, main=True, balance__gte=500)
    for place, account in enumerate(accounts.select_related("customer").order_by("pk")[: len(GIVEN)]):
        points, reason = GIVEN[place]
        with suppress(AgentLimitExceeded):  # Nobody is there who may decide.
            request_points(
                account.customer,
                agent=agent,
                points=points,
                reason=reason,
                token=f"demo-points:{place}",
                at=at - timedelta(days=len(GIVEN) - place, hours=place),
            )
    return PointsAdjustment.objects.count()
