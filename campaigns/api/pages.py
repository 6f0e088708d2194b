"""Placements and landing pages over the API: written, shown or opened, held, ended."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.campaign_input import LANGUAGES, PromotionReference, find_segment
from campaigns.models import Campaign, LandingPage, Placement, PlacementContent
from campaigns.services.landing_pages import (
    PageTerms,
    close_landing_page,
    create_landing_page,
    open_landing_page,
)
from campaigns.services.placements import (
    PlacementTerms,
    Wording,
    activate_placement,
    create_placement,
    pause_placement,
    stop_placement,
)
from customers.models import Channel, Purpose, Segment
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, LineField, StrictSerializer

TEXT = 4_000


class CampaignReference(serializers.CharField):
    """A campaign by its code or id."""

    def to_internal_value(self, data: Any) -> Any:
        found = Campaign.objects.by_reference(super().to_internal_value(data)).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such campaign."))
        return found


class WordingIn(StrictSerializer):
    """What a placement says; an empty language is for every one."""

    body = serializers.CharField(trim_whitespace=False, max_length=100_000)
    title = LineField(max_length=200, required=False, allow_blank=True, default="")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, allow_blank=True, default="")


class PlacementIn(StrictSerializer):
    """A placement; segment, promotion and campaign by code or id. `channel` absent is what its slot needs."""

    code = serializers.SlugField(max_length=64)
    name = LineField(max_length=120, required=False)
    slot = serializers.SlugField(max_length=32)
    contents = WordingIn(many=True, allow_empty=False)
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.MARKETING.value)
    channel = serializers.ChoiceField(
        choices=Channel.choices, required=False, allow_null=True, allow_blank=True, default=None
    )
    asks_consent = serializers.ChoiceField(
        choices=Channel.choices, required=False, allow_blank=True, default=""
    )
    campaign = CampaignReference(required=False, allow_null=True, default=None)
    segment = serializers.CharField(required=False, allow_null=True, default=None)
    promotion = PromotionReference(required=False, allow_null=True, default=None)
    priority = serializers.IntegerField(min_value=0, max_value=100, default=50)
    most_showings = serializers.IntegerField(
        min_value=1, max_value=10**6, required=False, allow_null=True, default=None
    )
    starts_at = InstantField(required=False, allow_null=True, default=None)
    ends_at = InstantField(required=False, allow_null=True, default=None)
    activate = serializers.BooleanField(default=False)

    def validate_segment(self, reference: str | None) -> Segment | None:
        return None if reference is None else find_segment(reference)

    def create_at(self, at: datetime) -> Placement:
        """Write the placement down and, where asked to, show it."""
        given = dict(self.validated_data)
        code, activate, contents = given.pop("code"), given.pop("activate"), given.pop("contents")
        placement = create_placement(
            code,
            name=given.pop("name", code),
            contents=[Wording(**one) for one in contents],
            terms=PlacementTerms(**given),
            at=at,
        )
        return activate_placement(placement, at=at) if activate else placement


class WordingOut(serializers.ModelSerializer):
    class Meta:
        model = PlacementContent
        fields = ["language", "title", "body"]


class PlacementOut(serializers.ModelSerializer):
    """A placement as it stands."""

    id = serializers.CharField()
    campaign = serializers.CharField(source="campaign.code", default=None, allow_null=True)
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    promotion = serializers.CharField(source="promotion.code", default=None, allow_null=True)
    contents = WordingOut(many=True)

    class Meta:
        model = Placement
        fields = [
            "id", "code", "name", "status", "slot", "purpose", "channel", "asks_consent", "campaign",
            "segment", "promotion", "priority", "most_showings", "starts_at", "ends_at", "contents",
            "created_at",
        ]  # fmt: skip


class TextsIn(serializers.DictField):
    """A text per language: `{"it": ..., "en": ...}`."""

    child = serializers.CharField(max_length=TEXT, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        texts = super().to_internal_value(data)
        unknown = sorted(set(texts) - {code for code, _name in LANGUAGES})
        if unknown:
            raise serializers.ValidationError({unknown[0]: _("There is no such language here.")})
        return texts


class LandingPageIn(StrictSerializer):
    """A page that gives codes of a promotion: an address, a mail, a press, a code."""

    code = serializers.SlugField(max_length=64)
    name = LineField(max_length=120, required=False)
    promotion = PromotionReference()
    title = TextsIn()
    introduction = TextsIn(required=False, default=dict)
    thanks = TextsIn(required=False, default=dict)
    terms = TextsIn(required=False, default=dict)
    campaign = CampaignReference(required=False, allow_null=True, default=None)
    first_count = serializers.IntegerField(
        min_value=1, max_value=10**9, required=False, allow_null=True, default=None
    )
    shows_count = serializers.BooleanField(default=True)
    countries = serializers.ListField(
        child=serializers.RegexField(r"\A[A-Z]{2}\Z"), required=False, default=list, max_length=250
    )
    newcomers_only = serializers.BooleanField(default=False)
    asks_name = serializers.BooleanField(default=False)
    asks_consent = serializers.BooleanField(default=True)
    shows_stores = serializers.IntegerField(min_value=0, max_value=10, default=0)
    shares = serializers.BooleanField(default=False)
    starts_at = InstantField(required=False, allow_null=True, default=None)
    ends_at = InstantField(required=False, allow_null=True, default=None)
    open = serializers.BooleanField(default=False)

    def create_at(self, at: datetime) -> LandingPage:
        """Write the page down and, where asked to, open it."""
        given = dict(self.validated_data)
        code, opens = given.pop("code"), given.pop("open")
        given["countries"] = tuple(given["countries"])
        page = create_landing_page(code, name=given.pop("name", code), terms=PageTerms(**given), at=at)
        return open_landing_page(page, at=at) if opens else page


class LandingPageOut(serializers.ModelSerializer):
    """A landing page as it stands; `left` is null where everybody gets a code."""

    id = serializers.CharField()
    url = serializers.CharField()
    campaign = serializers.CharField(source="campaign.code", default=None, allow_null=True)
    promotion = serializers.CharField(source="promotion.code")
    left = serializers.IntegerField(allow_null=True)

    class Meta:
        model = LandingPage
        fields = [
            "id", "code", "name", "status", "url", "promotion", "campaign", "title", "introduction", "thanks",
            "terms", "first_count", "given", "left", "shows_count", "countries", "newcomers_only",
            "asks_name", "asks_consent", "shows_stores", "shares", "starts_at", "ends_at", "created_at",
        ]  # fmt: skip


def creation(request: Request, given: type[StrictSerializer], told: type) -> HttpResponse:
    """Answer a POST that makes something, once under its key."""

    def work() -> tuple[int, Any]:
        entry = given(data=request.data)
        entry.is_valid(raise_exception=True)
        return 201, told(entry.create_at(timezone.now())).data

    return respond_once(request, work)


class PlacementsView(ListAPIView):
    """The placements, newest first; or a new one, as a draft or shown at once."""

    required_scope = {"GET": "campaigns:read", "POST": "campaigns:write"}
    serializer_class = PlacementOut
    queryset = Placement.objects.select_related("campaign", "segment", "promotion").prefetch_related(
        "contents"
    )

    @extend_schema(request=PlacementIn, responses={201: PlacementOut})
    def post(self, request: Request) -> HttpResponse:
        return creation(request, PlacementIn, PlacementOut)


class PlacementView(GenericAPIView):
    """One placement, by its code."""

    required_scope = "campaigns:read"
    serializer_class = PlacementOut
    queryset = Placement.objects.all()

    @extend_schema(responses=PlacementOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(PlacementOut(get_object_or_404(Placement, code=code)).data)


class LandingPagesView(ListAPIView):
    """The landing pages, newest first; or a new one, as a draft or opened at once."""

    required_scope = {"GET": "campaigns:read", "POST": "campaigns:write"}
    serializer_class = LandingPageOut
    queryset = LandingPage.objects.select_related("campaign", "promotion")

    @extend_schema(request=LandingPageIn, responses={201: LandingPageOut})
    def post(self, request: Request) -> HttpResponse:
        return creation(request, LandingPageIn, LandingPageOut)


class LandingPageView(GenericAPIView):
    """One landing page, by its code."""

    required_scope = "campaigns:read"
    serializer_class = LandingPageOut
    queryset = LandingPage.objects.all()

    @extend_schema(responses=LandingPageOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(LandingPageOut(get_object_or_404(LandingPage, code=code)).data)


class MoveView(GenericAPIView):
    """Move a placement or a landing page as its owner does; moved there already it stays."""

    required_scope = "campaigns:write"
    model: type
    service: Callable[..., Any]

    @extend_schema(request=None)
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            found = get_object_or_404(self.model, code=code)
            moved = type(self).service(found, at=timezone.now())
            return 200, self.serializer_class(moved).data

        return respond_once(request, work)


class ActivatePlacementView(MoveView):
    """Show a placement from now on, or from its beginning."""

    model, serializer_class, service = Placement, PlacementOut, staticmethod(activate_placement)


class PausePlacementView(MoveView):
    """Show a placement no more for the time being."""

    model, serializer_class, service = Placement, PlacementOut, staticmethod(pause_placement)


class StopPlacementView(MoveView):
    """Show a placement never again."""

    model, serializer_class, service = Placement, PlacementOut, staticmethod(stop_placement)


class OpenLandingPageView(MoveView):
    """Let people ask for codes from now on, or from the page's beginning."""

    model, serializer_class, service = LandingPage, LandingPageOut, staticmethod(open_landing_page)


class CloseLandingPageView(MoveView):
    """Give no more codes; those given stay."""

    model, serializer_class, service = LandingPage, LandingPageOut, staticmethod(close_landing_page)
