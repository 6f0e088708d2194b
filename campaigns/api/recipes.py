"""Recipes over the API: which there are, and a draft of one; and sending a campaign to one customer."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import services
from campaigns.api.campaign_input import LANGUAGES, PromotionReference, as_the_api_says, find_segment
from campaigns.api.serializers import CampaignOut, MessageOut
from campaigns.api.views import find_campaign
from campaigns.models import CampaignVersion
from campaigns.recipes import RECIPES
from customers.api.fields import ObjectField
from customers.api.references import CustomerReference
from customers.models import Purpose, Segment
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, StrictSerializer
from operations.errors import InvalidInput


class RecipeTriggerOut(serializers.Serializer):
    kind = serializers.ChoiceField(choices=CampaignVersion.Trigger.choices)
    rule = serializers.DictField()


class RecipeOut(serializers.Serializer):
    """A ready campaign; `needs` is what must be there before: a survey, a referral or a local event.

    One with `steps` is a journey.
    """

    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    trigger = RecipeTriggerOut()
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    promotion = serializers.CharField(allow_null=True)
    holdout_percent = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.DictField())
    goal = serializers.DictField()
    needs = serializers.CharField(allow_null=True)


class RecipeListOut(serializers.Serializer):
    data = RecipeOut(many=True)


class RecipeUseIn(StrictSerializer):
    """What is to differ from the recipe; `rule` changes single keys of its trigger's rule."""

    language = serializers.ChoiceField(choices=LANGUAGES, default="en")
    code = serializers.SlugField(max_length=64, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    segment = serializers.CharField(required=False, allow_null=True, default=None)
    promotion = PromotionReference(required=False, allow_null=True, default=None)
    rule = ObjectField(required=False, default=dict)
    at = InstantField(required=False, allow_null=True, default=None)
    holdout_percent = serializers.IntegerField(
        min_value=0, max_value=50, required=False, allow_null=True, default=None
    )

    def validate_segment(self, reference: str | None) -> Segment | None:
        return None if reference is None else find_segment(reference)


class RecipesView(GenericAPIView):
    """The recipes of campaigns."""

    required_scope = "campaigns:read"
    serializer_class = RecipeListOut

    @extend_schema(responses=RecipeListOut)
    def get(self, request: Request) -> Response:
        return Response({"data": [_recipe_content(code) for code in RECIPES]})


class RecipeView(GenericAPIView):
    """A draft made of a recipe, with the segment and the draft promotion it needs."""

    required_scope = "campaigns:write"
    serializer_class = CampaignOut

    @extend_schema(request=RecipeUseIn, responses={201: CampaignOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, dict]:
            given = RecipeUseIn(data=request.data)
            given.is_valid(raise_exception=True)
            choices = dict(given.validated_data)
            choices["campaign_code"] = choices.pop("code")
            choices["trigger_rule"] = choices.pop("rule")
            choices["starts_at"] = choices.pop("at")
            try:
                campaign = services.create_from_recipe(code, owner=None, at=timezone.now(), **choices)
            except InvalidInput as error:
                raise as_the_api_says(error) from error
            return 201, CampaignOut(campaign).data

        return respond_once(request, work)


class SendIn(StrictSerializer):
    customer = CustomerReference()


class SendCampaignView(GenericAPIView):
    """Send a campaign with the trigger MANUAL to one customer; once a day, however often it is called.

    A journey is entered instead (202): its messages follow by its steps.
    """

    required_scope = "campaigns:write"
    serializer_class = MessageOut

    @extend_schema(request=SendIn, responses={201: MessageOut, 202: None})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, dict]:
            given = SendIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = find_customer(given.validated_data["customer"])
            campaign = find_campaign(reference)
            message = services.send_to_customer(campaign, customer, at=timezone.now())
            return (202, {}) if message is None else (201, MessageOut(message).data)

        return respond_once(request, work)


def _recipe_content(code: str) -> dict[str, Any]:
    recipe = RECIPES[code]
    return {
        "code": recipe.code,
        "name": str(recipe.name),
        "description": str(recipe.description),
        "trigger": {"kind": recipe.trigger, "rule": dict(recipe.rule)},
        "purpose": recipe.purpose,
        "promotion": recipe.promotion.code if recipe.promotion else None,
        "holdout_percent": recipe.holdout_percent,
        "steps": recipe.own_steps(with_coupon=recipe.promotion is not None),
        "goal": dict(recipe.goal),
        "needs": recipe.needs or None,
    }
