from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import services
from campaigns.api.campaign_input import CampaignIn, as_the_api_says
from campaigns.api.serializers import CampaignOut, CampaignStopIn, MessageOut, MessageQueryIn
from campaigns.models import Campaign, Message
from operations.api.idempotency import respond_once
from operations.errors import InvalidInput
from operations.models.client import Scope


class CampaignsView(ListAPIView):
    """The campaigns, newest first; or a new one, as a draft."""

    required_scope = {"GET": "campaigns:read", "POST": "campaigns:write"}
    queryset = Campaign.objects.all()
    serializer_class = CampaignOut

    @extend_schema(request=CampaignIn, responses={201: CampaignOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, dict]:
            given = CampaignIn(data=request.data)
            given.is_valid(raise_exception=True)
            try:
                campaign = services.create_campaign(
                    given.validated_data["code"], at=timezone.now(), **given.arguments()
                )
            except InvalidInput as error:
                raise as_the_api_says(error) from error
            return 201, CampaignOut(campaign).data

        return respond_once(request, work)


class CampaignView(RetrieveAPIView):
    """One campaign with its runs."""

    required_scope = "campaigns:read"
    queryset = Campaign.objects.all()
    serializer_class = CampaignOut

    def get_object(self) -> Campaign:
        return find_campaign(self.kwargs["reference"])


class CampaignMoveView(GenericAPIView):
    """Start, pause, resume or stop a campaign."""

    required_scope = "campaigns:write"
    serializer_class = CampaignOut
    queryset = Campaign.objects.all()

    @extend_schema(request=None, responses=CampaignOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, dict]:
            campaign = self.make_move(find_campaign(reference), at=timezone.now())
            return 200, CampaignOut(campaign).data

        return respond_once(request, work)

    def make_move(self, campaign: Campaign, *, at: datetime) -> Campaign:
        raise NotImplementedError


class StartCampaignView(CampaignMoveView):
    """Let a draft go, now or at its time; one for very many people is started in the console, by two."""

    def make_move(self, campaign: Campaign, *, at: datetime) -> Campaign:
        return services.start_alone(campaign, at=at)


class PauseCampaignView(CampaignMoveView):
    """Hold what has not left yet."""

    def make_move(self, campaign: Campaign, *, at: datetime) -> Campaign:
        return services.pause_campaign(campaign, at=at)


class ResumeCampaignView(CampaignMoveView):
    """Go on where a pause held; nobody gets anything twice."""

    def make_move(self, campaign: Campaign, *, at: datetime) -> Campaign:
        return services.resume_campaign(campaign, at=at)


class StopCampaignView(CampaignMoveView):
    """End a campaign for good; to stop its coupons, too, takes the scope `promotions:write`."""

    def make_move(self, campaign: Campaign, *, at: datetime) -> Campaign:
        asked = CampaignStopIn(data=self.request.data)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["coupons"] and not self.request.auth.has_scope(Scope.PROMOTIONS_WRITE):
            raise PermissionDenied(f"This API key lacks the scope {Scope.PROMOTIONS_WRITE}.")
        return services.stop_campaign(campaign, at=at, **asked.validated_data)

    @extend_schema(request=CampaignStopIn, responses=CampaignOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return super().post(request, reference)


class MessagesView(ListAPIView):
    """What became of each recipient of a campaign, newest first."""

    required_scope = "campaigns:read"
    serializer_class = MessageOut

    @extend_schema(parameters=[OpenApiParameter("state", str)])
    def get(self, request: Request, *args, **kwargs) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Message]:
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        asked = MessageQueryIn(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        messages = Message.objects.filter(campaign=find_campaign(self.kwargs["reference"]))
        return messages.filter(**asked.validated_data).select_related("customer", "publication__coupon")


def find_campaign(reference: str) -> Campaign:
    """Return the campaign with this code or id. Raises Http404."""
    return get_object_or_404(Campaign.objects.by_reference(reference))
