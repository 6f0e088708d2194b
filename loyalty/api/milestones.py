"""Milestones over the API: written down, looked at as a person sees them, and chosen from."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.references import CustomerReference
from customers.services import find_customer
from loyalty import services
from loyalty.api.reward_shapes import GrantOut, WorthSecret
from loyalty.api.rewards import reward_under, told
from loyalty.api.translations import TranslationsField
from loyalty.errors import MilestoneNotFound
from loyalty.models import Milestone, MilestoneReach, Reward
from loyalty.services.milestones import MilestoneStanding, standings_of
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, LineField, StrictSerializer

READ, WRITE = "loyalty:read", "loyalty:write"


class MilestoneIn(StrictSerializer):
    """`threshold` in the unit of the metric: points, orders, minor units, visits, years.

    Of several `rewards` (codes) the person chooses one; one is given at once.
    """

    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = LineField(max_length=120, required=False)
    description = LineField(max_length=300, required=False, allow_blank=True)
    metric = serializers.ChoiceField(Milestone.Metric.choices)
    threshold = serializers.IntegerField(min_value=1, max_value=10**12)
    repeats = serializers.BooleanField(required=False)
    counts_from = InstantField(required=False, allow_null=True)
    rewards = serializers.ListField(
        child=serializers.CharField(max_length=64), allow_empty=False, max_length=10
    )
    active = serializers.BooleanField(required=False)
    translations = TranslationsField(required=False)

    def validate_rewards(self, codes: list[str]) -> list[Reward]:
        found = list(Reward.objects.filter(code__in=codes))
        if len(found) < len(set(codes)):
            raise serializers.ValidationError(_("There is no such reward."))
        return found


class MilestoneOut(serializers.ModelSerializer):
    rewards = serializers.SlugRelatedField(many=True, read_only=True, slug_field="code")
    translations = TranslationsField()

    class Meta:
        model = Milestone
        fields = [
            "code",
            "name",
            "description",
            "translations",
            "metric",
            "threshold",
            "repeats",
            "counts_from",
            "rewards",
            "active",
        ]


class MilestoneStandingOut(MilestoneOut):
    """A milestone as a person sees it: `done` of `wanted` to the next time, and the times to choose for.

    These are null where no customer was named.
    """

    value = serializers.IntegerField(allow_null=True)
    reached = serializers.IntegerField(allow_null=True)
    done = serializers.IntegerField(allow_null=True)
    wanted = serializers.IntegerField(allow_null=True)
    open = serializers.ListField(child=serializers.IntegerField(), allow_null=True)

    class Meta(MilestoneOut.Meta):
        fields = [*MilestoneOut.Meta.fields, "value", "reached", "done", "wanted", "open"]

    def to_representation(self, standing: MilestoneStanding | Milestone) -> dict[str, Any]:
        if isinstance(standing, Milestone):
            nobody = dict.fromkeys(("value", "reached", "done", "wanted", "open"))
            return MilestoneOut(standing).data | nobody
        return MilestoneOut(standing.milestone).data | {
            "value": standing.value,
            "reached": standing.reached,
            "done": standing.progress.done,
            "wanted": standing.progress.wanted,
            "open": [reach.number for reach in standing.open],
        }


class ChoiceIn(StrictSerializer):
    """Which reward a person takes for the time `number` that they reached the milestone."""

    customer = CustomerReference()
    number = serializers.IntegerField(min_value=1, max_value=10**6, default=1)
    reward = serializers.CharField(max_length=64)


class MilestoneList(generics.ListAPIView):
    """The milestones; with `customer` (an id) the running ones as that person sees them."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = MilestoneStandingOut
    queryset = Milestone.objects.prefetch_related("rewards")

    @extend_schema(parameters=[OpenApiParameter("customer", str)])
    def get(self, request: Request) -> Response:
        asked = request.query_params.get("customer")
        if asked is None:
            return super().get(request)
        standings = standings_of(find_customer({"id": asked}), at=timezone.now())
        return Response({"data": MilestoneStandingOut(standings, many=True).data, "next": None})

    @extend_schema(request=MilestoneIn, responses={201: MilestoneOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = MilestoneIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = {"name": given.validated_data["code"]} | given.validated_data
            return 201, MilestoneOut(services.create_milestone(**fields)).data

        return respond_once(request, work)


class MilestoneChoice(APIView):
    """Give a person the reward they chose for a milestone they reached."""

    required_scope = WRITE

    @extend_schema(request=ChoiceIn, responses={201: GrantOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        @transaction.atomic
        def work() -> tuple[int, Any]:
            given = ChoiceIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = find_customer(given.validated_data["customer"])
            reach = MilestoneReach.objects.filter(
                milestone__code=code, customer=customer, number=given.validated_data["number"]
            ).first()
            if reach is None:
                raise MilestoneNotFound
            reward = reward_under(given.validated_data["reward"])
            return 201, told(services.choose_reward(reach, reward, at=timezone.now()))

        return respond_once(request, work, required=True, secret=WorthSecret())
