"""A journey over the API: how many people are where in its flow."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.views import find_campaign
from campaigns.journey_figures import JourneyFigures, journey_figures
from campaigns.journeys import Journey, Step, StepKind, parse_journey
from campaigns.journeys.sentences import say_step
from campaigns.models import Campaign, PositionState


class WayOut(serializers.Serializer):
    """A way out of a step; `to` is a step, or END."""

    way = serializers.CharField()
    to = serializers.CharField()
    people = serializers.IntegerField()


class JourneyStepOut(serializers.Serializer):
    """A step; `here` are the people at it now, `reached_goal` who reached the goal while they were."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=StepKind.choices)
    name = serializers.CharField()
    here = serializers.IntegerField()
    reached_goal = serializers.IntegerField()
    ways = WayOut(many=True)


class EarlierVersionOut(serializers.Serializer):
    version = serializers.IntegerField(source="number")
    people = serializers.IntegerField()


class JourneyOut(serializers.Serializer):
    """The flow of a campaign's newest version.

    `states` counts everybody who ever entered; `earlier_versions` those still on the way of a version that
    was edited since.
    """

    campaign = serializers.CharField()
    version = serializers.IntegerField()
    goal = serializers.DictField()
    states = serializers.DictField(child=serializers.IntegerField())
    steps = JourneyStepOut(many=True)
    earlier_versions = EarlierVersionOut(many=True)


class JourneyView(GenericAPIView):
    """How many people are at each step of a journey, went which way, and how their ways ended."""

    required_scope = "campaigns:read"
    serializer_class = JourneyOut

    @extend_schema(responses=JourneyOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(JourneyOut(_journey_content(find_campaign(reference))).data)


def _journey_content(campaign: Campaign) -> dict[str, Any]:
    version = campaign.version
    if not version.steps:
        raise Http404
    journey = parse_journey(version.steps, version.goal)
    figures = journey_figures(campaign, version)
    return {
        "campaign": campaign.code,
        "version": version.number,
        "goal": version.goal,
        "states": {state: figures.states.get(state, 0) for state in PositionState.values},
        "steps": [_step_content(journey, step, figures) for step in journey.steps],
        "earlier_versions": figures.elsewhere,
    }


def _step_content(journey: Journey, step: Step, figures: JourneyFigures) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "name": step.name or say_step(step),
        "here": figures.here[step.id],
        "reached_goal": figures.reached_at(step.id),
        "ways": [
            {"way": way.name, "to": way.target, "people": figures.passed[step.id, way.name]}
            for way in journey.ways_of(step)
        ],
    }
