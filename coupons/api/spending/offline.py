"""Redemptions that a till made while it was offline, told in one call."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons.api.spending.shapes import OfflineRedemptionIn, OfflineRedemptionsIn, OfflineRedemptionsOut
from coupons.api.spending.views import redeem_asked
from operations.api.bulk import items_of
from operations.api.idempotency import MAXIMUM_KEY_LENGTH
from operations.api.problems import mistakes, problem_body
from operations.errors import FidelioError, InvalidInput
from operations.models import ApiClient


@dataclass(frozen=True)
class ItemRequest:
    """One item of a bulk, asked as if it were a request of its own, under its own key."""

    data: dict[str, Any]
    auth: ApiClient
    path: str
    method: str = "POST"

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": self.data["idempotency_key"]}

    def get_full_path(self) -> str:
        return self.path


class OfflineRedemptions(APIView):
    """What a till spent while it was offline, each with its own key and time; 207 with a result per item.

    An item is judged as of its `redeemed_at`, in a transaction of its own: one that is refused leaves the
    others as they are, and the same items sent again spend nothing twice.
    """

    required_scope = "coupons:redeem"

    @extend_schema(request=OfflineRedemptionsIn, responses={207: OfflineRedemptionsOut})
    def post(self, request: Request) -> Response:
        if not isinstance(request.data, dict) or "items" not in request.data:
            raise InvalidInput.at("/items", 'Send {"items": [...]}.')
        items = enumerate(items_of(request.data))
        return Response({"results": [_result(index, _told(item, request)) for index, item in items]}, 207)


def _told(item: Any, request: Request) -> HttpResponse | FidelioError:
    try:
        if not _has_key(item):  # It cannot be asked under its own key: only said what is wrong with it.
            OfflineRedemptionIn().run_validation(item)
        return redeem_asked(ItemRequest(item, request.auth, request.get_full_path()), OfflineRedemptionIn)
    except serializers.ValidationError as error:
        return InvalidInput(details=list(mistakes(error.detail)))
    except FidelioError as error:
        return error


def _has_key(item: Any) -> bool:
    key = item.get("idempotency_key") if isinstance(item, dict) else None
    if not isinstance(key, str) or not key.isprintable():
        return False
    return bool(key.strip()) and len(key) <= MAXIMUM_KEY_LENGTH


def _result(index: int, told: HttpResponse | FidelioError) -> dict[str, Any]:
    if isinstance(told, FidelioError):
        return {"index": index, "status": told.status, "id": None, "error": problem_body(told)}
    body, done = json.loads(told.content), told.status_code == 200
    return {
        "index": index,
        "status": told.status_code,
        "id": body["id"] if done else None,
        "error": None if done else body,
    }
