"""Webhooks of an API client: what it hears of, where, and what became of each telling."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from operations.api.idempotency import respond_once
from operations.api.serializers import StrictSerializer
from operations.models import Webhook, WebhookDelivery
from operations.services import webhooks


class WebhookIn(StrictSerializer):
    """Where calls go (https), and the types of events that are told."""

    url = serializers.CharField(max_length=500)
    event_types = serializers.ListField(child=serializers.CharField(max_length=64), max_length=100)


class WebhookChangeIn(StrictSerializer):
    """What is to change; absent stays as it is."""

    url = serializers.CharField(max_length=500, required=False)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=100, required=False
    )
    active = serializers.BooleanField(required=False)


class WebhookOut(serializers.ModelSerializer):
    """A webhook; `disabled_reason` is what it answered when it said that it is gone."""

    id = serializers.CharField()
    event_types = serializers.ListField(child=serializers.CharField())
    waiting = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = [
            "id",
            "url",
            "event_types",
            "active",
            "disabled_reason",
            "failures",
            "waiting",
            "created_at",
        ]

    def get_waiting(self, webhook: Webhook) -> int:
        return webhook.deliveries.waiting().count()


class NewWebhookOut(WebhookOut):
    """A webhook just made, or renewed, with the secret that signs its calls: it is told this once."""

    secret = serializers.CharField()

    class Meta(WebhookOut.Meta):
        fields = [*WebhookOut.Meta.fields, "secret"]


class WebhookSecret:
    """What signs the calls is stored with no answer; a repeat reads it where it is kept sealed."""

    def hide(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "secret": None}

    def reveal(self, data: dict[str, Any]) -> dict[str, Any]:
        webhook = Webhook.objects.filter(pk=int(data["id"])).first()
        return {**data, "secret": webhook.secret if webhook else None}


class DeliveryOut(serializers.ModelSerializer):
    """One event on its way to a webhook; `id` is the header `webhook-id` of every attempt."""

    id = serializers.CharField(source="message_id")

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "type", "state", "attempts", "answer", "not_before", "tried_at", "delivered_at",
            "created_at", "body",
        ]  # fmt: skip


class DeliveryQueryIn(serializers.Serializer):
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices, required=False)


class OwnWebhooks(GenericAPIView):
    """A client sees its own webhooks alone; what it may hear of is decided by its other scopes."""

    required_scope = "any"
    serializer_class = WebhookOut

    def get_queryset(self) -> QuerySet[Webhook]:
        if getattr(self, "swagger_fake_view", False):
            return Webhook.objects.none()
        return Webhook.objects.filter(client=self.request.auth)

    def webhook(self) -> Webhook:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])


class WebhooksView(OwnWebhooks, ListAPIView):
    """The webhooks of this client; or a new one."""

    @extend_schema(request=WebhookIn, responses={201: NewWebhookOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = WebhookIn(data=request.data)
            given.is_valid(raise_exception=True)
            webhook = webhooks.add_webhook(request.auth, **given.validated_data)
            return 201, NewWebhookOut(webhook).data

        return respond_once(request, work, secret=WebhookSecret())


class WebhookView(OwnWebhooks):
    """One webhook: read, changed, or ended with all that waits for it."""

    @extend_schema(responses=WebhookOut)
    def get(self, request: Request, pk: int) -> Response:
        return Response(WebhookOut(self.webhook()).data)

    @extend_schema(request=WebhookChangeIn, responses=WebhookOut)
    def patch(self, request: Request, pk: int) -> Response:
        given = WebhookChangeIn(data=request.data)
        given.is_valid(raise_exception=True)
        webhook = self.webhook()
        now = {"url": webhook.url, "event_types": webhook.event_types, "active": webhook.active}
        changed = webhooks.change_webhook(webhook, **(now | given.validated_data))
        return Response(WebhookOut(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        webhooks.remove_webhook(self.webhook())
        return Response(status=204)


class WebhookSecretView(OwnWebhooks):
    """Another secret; calls signed with the former one end at once."""

    serializer_class = NewWebhookOut

    @extend_schema(request=None, responses=NewWebhookOut)
    def post(self, request: Request, pk: int) -> Response:
        return Response(NewWebhookOut(webhooks.renew_webhook_secret(self.webhook())).data)


class DeliveriesView(OwnWebhooks, ListAPIView):
    """What a webhook was told and is to be told, newest first."""

    serializer_class = DeliveryOut

    @extend_schema(parameters=[OpenApiParameter("state", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        if getattr(self, "swagger_fake_view", False):
            return WebhookDelivery.objects.none()
        asked = DeliveryQueryIn(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        webhook = get_object_or_404(Webhook, client=self.request.auth, pk=self.kwargs["pk"])
        return webhook.deliveries.filter(**asked.validated_data)


class ResendView(OwnWebhooks):
    """Tell a webhook something once more, under the same id."""

    serializer_class = DeliveryOut

    @extend_schema(request=None, responses={202: DeliveryOut})
    def post(self, request: Request, pk: int, message_id: str) -> Response:
        delivery = get_object_or_404(self.webhook().deliveries, message_id=message_id)
        return Response(DeliveryOut(webhooks.resend_delivery(delivery, at=timezone.now())).data, status=202)
