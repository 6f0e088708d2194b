import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons.services.colleagues import find_agent
from customers.models import Customer
from customers.services import find_customer
from loyalty import services
from loyalty.api.serializers import AdjustmentIn, PointsOut
from loyalty.services.tier_progress import progress_of
from operations.api.idempotency import respond_once


class CustomerPoints(APIView):
    """A customer's points; POST gives or takes some by hand, saying why.

    With `agent`, above what that person may give and take in a day, they wait for approval (202).
    """

    required_scope = {"GET": "loyalty:read", "POST": "loyalty:write"}

    @extend_schema(responses=PointsOut)
    def get(self, request: Request, public_id: str) -> Response:
        customer = find_customer({"id": public_id})
        return Response(PointsOut(_points_of(customer)).data)

    @extend_schema(request=AdjustmentIn, responses={201: PointsOut, 202: PointsOut})
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = AdjustmentIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer, now = find_customer({"id": public_id}), timezone.now()
            done = _adjust(customer, now, **given.validated_data)
            return (201 if done else 202), PointsOut(_points_of(customer)).data

        return respond_once(request, work, required=True)


def _adjust(customer: Customer, at: datetime, *, agent: str | None = None, **given: Any) -> bool:
    """Return whether the points moved; false while they wait for approval."""
    if agent is None:
        services.adjust_points(customer, **given, at=at)
        return True
    asked = services.request_points(
        customer,
        agent=find_agent(agent),
        points=given["points"],
        reason=given["reason"],
        expires_at=given.get("expires_at"),
        token=uuid.uuid4().hex,  # The same request again is answered by its Idempotency-Key.
        at=at,
    )
    return asked.entry is not None


def _points_of(customer: Customer) -> dict[str, Any]:
    now = timezone.now()
    points, progress = services.points_of(customer, at=now), progress_of(customer, at=now)
    return {
        "balance": points.balance,
        "pending": points.pending,
        "expiring": points.expiring,
        "tier": progress.tier.name if progress and progress.tier else None,
        "next_tier": progress if progress and progress.next else None,
    }
