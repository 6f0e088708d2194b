"""Cards of a customer, and the link to their page."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer, Identity, Namespace
from customers.services import find_customer
from loyalty.card_numbers import written
from loyalty.models import Card
from loyalty.services.cards import block_number, card_number, ensure_card, link_card
from loyalty.services.member_links import member_url, revoke_member_links
from operations.api.idempotency import respond_once
from operations.api.serializers import StrictSerializer


class CardIn(StrictSerializer):
    """`number` links a printed card; without it the customer gets a number of their own, once."""

    number = serializers.CharField(max_length=64, required=False)


class BlockedCardIn(StrictSerializer):
    number = serializers.CharField(max_length=64)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class CardOut(serializers.Serializer):
    number = serializers.CharField()
    written = serializers.CharField(help_text="In fours, as people read it aloud.")
    status = serializers.ChoiceField(["ACTIVE", "BLOCKED"])
    linked_at = serializers.DateTimeField(allow_null=True)
    blocked_at = serializers.DateTimeField(allow_null=True)


class CardsOut(serializers.Serializer):
    """The number to show at a till is `number`; null without a card."""

    number = serializers.CharField(allow_null=True)
    cards = CardOut(many=True)


class MemberLinkOut(serializers.Serializer):
    url = serializers.CharField(help_text="Whoever has it has the card: hand it to its owner alone.")


class CustomerCards(APIView):
    """A customer's cards; POST gives one or links a printed one."""

    required_scope = {"GET": "loyalty:read", "POST": "loyalty:write"}

    @extend_schema(responses=CardsOut)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(_cards(find_customer({"id": public_id})))

    @extend_schema(request=CardIn, responses={201: CardsOut})
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = CardIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer, now = find_customer({"id": public_id}), timezone.now()
            if number := given.validated_data.get("number"):
                link_card(customer, number, at=now)
            else:
                ensure_card(customer, at=now)
            return 201, _cards(customer)

        return respond_once(request, work)


class BlockedCards(APIView):
    """Block a lost card: it finds nobody from now on, and another number takes its place."""

    required_scope = "loyalty:write"

    @extend_schema(request=BlockedCardIn, responses={201: CardsOut})
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = BlockedCardIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = find_customer({"id": public_id})
            block_number(customer, **given.validated_data, at=timezone.now())
            return 201, _cards(customer)

        return respond_once(request, work)


class MemberLinks(APIView):
    """The link to a customer's own page, for the shop's account area; DELETE ends every link made so far."""

    required_scope = "loyalty:write"

    @extend_schema(request=None, responses={201: MemberLinkOut})
    def post(self, request: Request, public_id: str) -> Response:
        customer = find_customer({"id": public_id})
        return Response({"url": member_url(customer, at=timezone.now())}, status=201)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        revoke_member_links(find_customer({"id": public_id}), at=timezone.now())
        return Response(status=204)


def _cards(customer: Customer) -> dict[str, Any]:
    ours = {card.number: card for card in Card.objects.filter(customer=customer)}
    keys = Identity.objects.filter(customer=customer, namespace=Namespace.LOYALTY_CARD)
    numbers = dict.fromkeys(
        [*keys.filter(shared=False).order_by("-pk").values_list("value", flat=True), *ours]
    )
    rows = []
    for number in numbers:
        card = ours.get(number)
        rows.append(
            {
                "number": number,
                "written": written(number),
                "status": card.status if card else Card.Status.ACTIVE,
                "linked_at": card.linked_at if card else None,
                "blocked_at": card.blocked_at if card else None,
            }
        )
    return CardsOut({"number": card_number(customer) or None, "cards": rows}).data
