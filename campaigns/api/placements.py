"""What a slot of a shop, a till or a mail shows to one person, as HTML or JSON."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.models.placement import CODE
from campaigns.services.showings import Shown, show_placement
from customers.api.references import CustomerReference
from customers.errors import CustomerErased, CustomerNotFound
from customers.models import Customer
from customers.services import find_customer
from operations.api.serializers import StrictSerializer
from operations.errors import InvalidInput


class RenderIn(StrictSerializer):
    """Who is looking, null for nobody known; `language` else theirs."""

    customer = CustomerReference(allow_null=True, required=False, default=None)
    language = serializers.ChoiceField(["it", "en", ""], required=False, default="")


class PlacementCouponOut(serializers.Serializer):
    """The person's own code; `qr_url` is a picture of it."""

    code = serializers.CharField()
    value = serializers.CharField()
    valid_until = serializers.CharField(allow_null=True)
    qr_url = serializers.CharField()


class RenderedPlacementOut(serializers.Serializer):
    """What to show; `placement` is null and `html` empty when there is nothing for this person."""

    slot = serializers.CharField()
    placement = serializers.CharField(allow_null=True)
    campaign = serializers.CharField(allow_null=True)
    language = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_blank=True)
    html = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    links = serializers.ListField(child=serializers.CharField())
    coupon = PlacementCouponOut(allow_null=True)


class FragmentRenderer(JSONRenderer):
    """Lets a client ask for text/html; a refusal is told as JSON all the same."""

    media_type = "text/html"
    format = "html"


class RenderPlacementView(APIView):
    """Show a person what stands in a slot for them, and count it.

    Empty without consent, after a stop, for somebody unknown, and where nothing fits. Asked again, the same
    person sees the same code. Links in it lead through Fidelio, which counts clicks.
    """

    required_scope = "placements:render"
    renderer_classes = [JSONRenderer, FragmentRenderer]

    @extend_schema(
        request=RenderIn,
        responses={
            (200, "application/json"): RenderedPlacementOut,
            (200, "text/html"): OpenApiResponse(OpenApiTypes.STR, description="The piece of HTML."),
        },
    )
    def post(self, request: Request, slot: str) -> HttpResponse:
        _check_slot(slot)
        given = RenderIn(data=request.data)
        given.is_valid(raise_exception=True)
        reference = given.validated_data["customer"]
        shown = None
        if reference is None or (customer := _known(dict(reference))) is not None:
            shown = show_placement(
                slot,
                customer=customer if reference is not None else None,
                language=given.validated_data["language"],
                at=timezone.now(),
            )
        if isinstance(request.accepted_renderer, FragmentRenderer):
            return _answered(
                HttpResponse(shown.html if shown else "", content_type="text/html; charset=utf-8")
            )
        return _answered(Response(placement_body(slot, shown), content_type="application/json"))


def placement_body(slot: str, shown: Shown | None) -> dict[str, Any]:
    """Return what is shown as the API answers it."""
    if shown is None:
        empty = {"placement": None, "campaign": None, "language": None, "title": "", "html": "", "text": ""}
        return {"slot": slot} | empty | {"links": [], "coupon": None}
    campaign, coupon = shown.placement.campaign, shown.coupon
    return {
        "slot": slot,
        "placement": shown.placement.code,
        "campaign": campaign.code if campaign else None,
        "language": shown.language,
        "title": shown.title,
        "html": shown.html,
        "text": shown.text,
        "links": [f"{shown.click_url}/{number}" for number in range(len(shown.placement.links))],
        "coupon": {
            "code": coupon["code"],
            "value": coupon["value"],
            "valid_until": coupon["valid_until"] or None,
            "qr_url": coupon["qr_url"],
        }
        if coupon
        else None,
    }


def _known(reference: dict[str, str]) -> Customer | None:
    """Return who is looking; whom we do not know is shown nothing, and is told nothing either."""
    try:
        return find_customer(reference)
    except (CustomerNotFound, CustomerErased):
        return None


def _check_slot(slot: str) -> None:
    if len(slot) > 32 or not CODE.regex.match(slot):
        raise InvalidInput.at("/slot", CODE.message)


def _answered(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response
