"""What campaigns brought: the results of one, and several side by side."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.comparison_figures import comparison_context
from campaigns.models import Campaign
from campaigns.result_figures import link_table, report_context, results_url
from campaigns.results.links import link_clicks
from campaigns.results.report import campaign_report, campaign_reports
from operations.errors import FidelioError
from operations.figure_files import ChartsPage

MAY_SEE = "campaigns.view_campaign"
MAY_START = "campaigns.start_campaign"
COMPARED = 30


class ResultsView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """One campaign's results: what it changed, its funnel, its variants, its money."""

    permission_required = MAY_SEE
    template_name = "campaigns/results.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = get_object_or_404(Campaign, pk=self.kwargs["pk"])
        self.title = _("Results: %(name)s") % {"name": campaign.name}
        report = campaign_report(campaign)
        return super().get_context_data(
            **kwargs,
            **report_context(report),
            campaign=campaign,
            links=link_table(link_clicks(campaign)),
            may_decide=self.request.user.has_perm(MAY_START) and bool(Campaign.MOVES[campaign.status]),
            campaign_url=reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
            comparison_url=reverse("admin:campaigns_campaign_comparison"),
        )


class ChooseVariantView(UnfoldModelAdminViewMixin, View):
    """Let one variant go on: a POST."""

    http_method_names = ["post"]
    permission_required = MAY_START
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=pk)
        version = campaign_report(campaign).experiment or campaign.version
        try:
            decision = services.choose_variant(
                version, request.POST.get("variant", ""), at=timezone.now(), by=request.user
            )
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("From now on everybody gets %(code)s.") % {"code": decision.variant})
        return redirect(results_url(campaign))


class ComparisonView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """The newest campaigns side by side, or those named in the address."""

    permission_required = MAY_SEE
    template_name = "campaigns/comparison.html"
    title = gettext_lazy("Campaigns compared")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = [each for each in self.request.GET.getlist("campaign") if each.isdigit() and len(each) < 19]
        begun = Campaign.objects.filter(runs__planned_at__isnull=False).distinct().order_by("-pk")
        shown = begun.filter(pk__in=chosen) if chosen else begun
        return super().get_context_data(
            **kwargs,
            **comparison_context(campaign_reports(list(shown[:COMPARED]))),
            choices=list(begun[:COMPARED]),
            chosen={int(each) for each in chosen},
        )


def result_urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """Return the addresses of these pages."""

    def page(route: str, view: type, name: str) -> URLPattern:
        wrapped = model_admin.admin_site.admin_view(view.as_view(model_admin=model_admin))
        return path(route, wrapped, name=f"campaigns_campaign_{name}")

    return [
        page("comparison/", ComparisonView, "comparison"),
        page("<int:pk>/results/", ResultsView, "results"),
        page("<int:pk>/results/variant/", ChooseVariantView, "choose_variant"),
    ]
