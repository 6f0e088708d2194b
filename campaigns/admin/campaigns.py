from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.admin import pages, wizard
from campaigns.admin.by_hand import SendByHandView
from campaigns.admin.journey_form import JourneyEditView
from campaigns.admin.journeys import JourneyView
from campaigns.admin.results import result_urls
from campaigns.models import Campaign
from campaigns.results import campaign_figures
from operations.formats import number, whole_money


class CampaignChangeList(ChangeList):
    """The list with each campaign's figures, in three statements for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        campaigns = list(self.result_list)
        figures = campaign_figures(campaigns)
        for campaign in campaigns:
            campaign.figures = figures[campaign.pk]
        self.result_list = campaigns


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    """Campaigns: the list; their pages are in `pages`."""

    list_display = ["name", "shown_status", "code", "sent", "redeemed", "revenue", "started_at"]
    list_filter = ["status", "recipe", "owner"]
    list_select_related = ["owner"]
    search_fields = ["code", "name"]
    list_per_page = 25
    ordering = ["-id"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CampaignChangeList

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    @display(
        description=_("Status"),
        ordering="status",
        label={
            "RUNNING": "info", "SCHEDULED": "info", "PAUSED": "warning", "STOPPED": "danger",
            "FINISHED": "success",
        },
    )  # fmt: skip
    def shown_status(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.status, campaign.get_status_display()

    @admin.display(description=pgettext_lazy("how many", "Sent"))
    def sent(self, campaign: Campaign) -> str:
        return number(campaign.figures.sent)

    @admin.display(description=pgettext_lazy("how many", "Redeemed"))
    def redeemed(self, campaign: Campaign) -> str:
        return number(campaign.figures.redeemed)

    @admin.display(description=_("Revenue"))
    def revenue(self, campaign: Campaign) -> str:
        return whole_money(campaign.figures.revenue_amount)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return wizard.GalleryView.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdecimal():
            raise Http404
        return pages.CampaignView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list:
        def page(route: str, view: type, name: str):
            wrapped = self.admin_site.admin_view(view.as_view(model_admin=self))
            return path(route, wrapped, name=f"campaigns_campaign_{name}")

        return [
            page("send-to/<int:customer>/", SendByHandView, "send_to"),
            page("<int:pk>/edit/", wizard.EnterView, "edit"),
            page("<int:pk>/edit/audience/", wizard.AudienceStep, "edit_audience"),
            page("<int:pk>/edit/audience/count/", wizard.AudienceCountView, "audience_count"),
            page("<int:pk>/edit/offer/", wizard.OfferStep, "edit_offer"),
            page("<int:pk>/edit/content/", wizard.ContentStep, "edit_content"),
            page("<int:pk>/edit/content/add/", wizard.AddContentView, "content_add"),
            page("<int:pk>/edit/content/remove/", wizard.RemoveContentView, "content_remove"),
            page("<int:pk>/edit/content/preview/", wizard.ContentPreviewView, "content_preview"),
            page("<int:pk>/edit/content/test/", wizard.ContentTestView, "content_test"),
            page("<int:pk>/edit/content/sms/", wizard.SmsSizeView, "sms_size"),
            page("<int:pk>/edit/experiment/", wizard.ExperimentStep, "edit_experiment"),
            page("<int:pk>/edit/schedule/", wizard.ScheduleStep, "edit_schedule"),
            page("<int:pk>/edit/schedule/holidays/", wizard.HolidaysView, "holidays"),
            page("<int:pk>/edit/review/", wizard.ReviewStep, "edit_review"),
            page("<int:pk>/start/", wizard.StartView, "start"),
            page("version/<int:pk>/", wizard.VersionReviewView, "version"),
            page("<int:pk>/copy/", pages.CopyView, "copy"),
            page("<int:pk>/progress/", pages.ProgressView, "progress"),
            page("<int:pk>/journey/", JourneyView, "journey"),
            page("<int:pk>/journey/edit/", JourneyEditView, "journey_edit"),
            page("<int:pk>/move/<slug:move>/", pages.MoveView, "move"),
            *result_urls(self),
            *super().get_urls(),
        ]
