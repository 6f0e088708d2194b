"""The discounts that stand for a customer, over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.calls import READ
from coupons.models import PersonalOffer
from customers.services.references import find_customer
from operations.api.serializers import ProblemOut


class PersonalOfferOut(serializers.ModelSerializer):
    """A discount of one person: `percent`, or `amount` in minor units of `currency`; what it follows from."""

    promotion = serializers.CharField(source="promotion.code")
    currency = serializers.CharField(source="promotion.currency")
    percent = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    inputs = serializers.DictField()

    class Meta:
        model = PersonalOffer
        fields = [
            "promotion", "percent", "amount", "currency", "valid_until", "confirmed_at", "model_version",
            "inputs",
        ]  # fmt: skip


class PersonalOffersOut(serializers.Serializer):
    results = PersonalOfferOut(many=True)


class CustomerOffers(APIView):
    """The personal offers that stand for one customer now."""

    required_scope = READ

    @extend_schema(responses={200: PersonalOffersOut, 404: ProblemOut, 410: ProblemOut})
    def get(self, request: Request, public_id: str) -> Response:
        customer = find_customer({"id": public_id})
        standing = PersonalOffer.objects.standing(timezone.now()).filter(customer=customer)
        body: dict[str, Any] = {
            "results": PersonalOfferOut(standing.select_related("promotion"), many=True).data
        }
        return Response(body)
