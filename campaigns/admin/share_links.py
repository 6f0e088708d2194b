"""Share links in the console: those of the merchant and those of customers, with what each brought."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from campaigns.admin.retargeting import RetargetingView
from campaigns.landing_figures import ShareFigures, share_figures
from campaigns.models import LandingPage, ShareLink
from campaigns.services.shares import create_share_link, target_of
from coupons.admin.forms import RefusalForm
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError


class ShareLinkForm(RefusalForm):
    """A link of the merchant's own: for a post, a partner, an influencer."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("Who or what passes it on.")
    )
    page = forms.ModelChoiceField(
        LandingPage.objects.none(),
        label=gettext_lazy("Landing page"),
        required=False,
        empty_label=gettext_lazy("Another address"),
    )
    url = forms.URLField(
        label=gettext_lazy("or an address"), required=False, max_length=2000, assume_scheme="https"
    )
    source = forms.SlugField(
        label=gettext_lazy("UTM source"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("instagram, newsletter, the name of a partner ..."),
    )
    medium = forms.SlugField(
        label=gettext_lazy("UTM medium"), required=False, max_length=64, initial="social"
    )
    campaign_name = forms.SlugField(
        label=gettext_lazy("UTM campaign"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("Empty: the code of the landing page."),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        pages = LandingPage.objects.exclude(status=LandingPage.Status.CLOSED)
        self.fields["page"].queryset = pages.order_by("-pk")


class ShareLinkList(ChangeList):
    """The list with each link's figures, in three statements for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        links = list(self.result_list)
        figures = share_figures(links)
        for link in links:
            link.figures = figures[link.pk]
        self.result_list = links


@admin.register(ShareLink)
class ShareLinkAdmin(PageMixin, ModelAdmin):
    """Links that are passed on, and what came back through each."""

    list_display = ["who", "page", "address", "clicks", "asked", "given", "redeemed", "created_at"]
    list_display_links = None
    list_filter = ["page"]
    list_select_related = ["page", "customer"]
    list_per_page = 25
    search_fields = ["name", "token"]
    ordering = ["-id"]
    list_before_template = "campaigns/share_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "retargeting/", wrap(RetargetingView.as_view(model_admin=self)), name="campaigns_retargeting"
            ),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ShareLinkList

    def has_change_permission(self, request: HttpRequest, obj: ShareLink | None = None) -> bool:
        return False  # It is out in the world: it leads where it led.

    def has_delete_permission(self, request: HttpRequest, obj: ShareLink | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("passed on by"))
    def who(self, link: ShareLink) -> str:
        return str(link.customer) if link.customer else link.name

    @admin.display(description=gettext_lazy("link"))
    def address(self, link: ShareLink) -> str:
        return link.short_url

    @admin.display(description=gettext_lazy("clicks"))
    def clicks(self, link: ShareLink) -> str:
        return formats.number(_figures(link).clicks)

    @admin.display(description=gettext_lazy("asked for a code"))
    def asked(self, link: ShareLink) -> str:
        return formats.number(_figures(link).asked)

    @admin.display(description=gettext_lazy("codes given"))
    def given(self, link: ShareLink) -> str:
        return formats.number(_figures(link).given)

    @admin.display(description=gettext_lazy("redeemed"))
    def redeemed(self, link: ShareLink) -> str:
        return formats.number(_figures(link).redeemed)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ShareLinkForm(request.POST or None, initial={"page": request.GET.get("page", "")[:20]})
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                link = create_share_link(**given, by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                words = {"short": link.short_url, "target": target_of(link)}
                messages.success(request, _("Pass on %(short)s; it leads to %(target)s.") % words)
                return redirect(reverse("admin:campaigns_sharelink_changelist"))
        return self._page(request, "campaigns/share_edit.html", _("New share link"), {"form": form})


def _figures(link: ShareLink) -> ShareFigures:
    """Return the figures that the list read for all its rows at once; of a row of an export, its own."""
    return getattr(link, "figures", None) or share_figures([link])[link.pk]
