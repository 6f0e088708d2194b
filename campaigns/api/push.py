"""Push subscriptions over the API: a shop's page or an app tells them to its own server, and that one us."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.models import PushSubscription
from campaigns.push_keys import public_key
from campaigns.services import subscribe_push, unsubscribe_push
from customers.api.references import CustomerReference
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput

Kind = PushSubscription.Kind


class PushKeysIn(StrictSerializer):
    p256dh = LineField(max_length=128)
    auth = LineField(max_length=64)


class PushSubscriptionIn(StrictSerializer):
    """A browser's subscription (`endpoint` and `keys`, as it gives them) or an app's registration `token`."""

    customer = CustomerReference()
    endpoint = LineField(max_length=2_000, required=False)
    keys = PushKeysIn(required=False)
    token = LineField(max_length=2_000, required=False)
    proof = serializers.DictField(required=False, help_text="How the person agreed: page, text, instant.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("token" in attrs) == ("endpoint" in attrs):
            raise serializers.ValidationError("Give either a browser's endpoint and keys or an app's token.")
        return attrs


class PushSubscriptionOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = PushSubscription
        fields = ["customer", "address", "kind", "created_at"]


class PushKeyOut(serializers.Serializer):
    """What a page passes to `pushManager.subscribe` as its applicationServerKey."""

    public_key = serializers.CharField()


class PushSubscriptionsView(APIView):
    """Let a browser or an app be notified, or end it. It takes the person's consent, with its proof."""

    required_scope = "consents:write"

    @extend_schema(request=PushSubscriptionIn, responses={201: PushSubscriptionOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            told = _told(request)
            keys = told.get("keys") or {}
            subscription = subscribe_push(
                _customer(told),
                **_named(told),
                p256dh=keys.get("p256dh", ""),
                auth=keys.get("auth", ""),
                proof=told.get("proof") or {},
                at=timezone.now(),
            )
            return 201, PushSubscriptionOut(subscription).data

        return respond_once(request, work)

    @extend_schema(request=PushSubscriptionIn, responses={204: None})
    def delete(self, request: Request) -> Response:
        told = _told(request)
        unsubscribe_push(_customer(told), **_named(told), at=timezone.now())
        return Response(status=204)


class PushKeyView(APIView):
    """The key that browsers know our notifications by."""

    required_scope = "consents:write"

    @extend_schema(responses=PushKeyOut)
    def get(self, request: Request) -> Response:
        return Response({"public_key": public_key()})


def _told(request: Request) -> dict[str, Any]:
    given = PushSubscriptionIn(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data


def _customer(told: dict[str, Any]) -> Any:
    try:
        return find_customer(told["customer"])
    except InvalidInput as error:
        raise error.under("/customer") from error


def _named(told: dict[str, Any]) -> dict[str, str]:
    if "token" in told:
        return {"kind": Kind.APP, "endpoint": told["token"]}
    return {"kind": Kind.WEB, "endpoint": told["endpoint"]}
