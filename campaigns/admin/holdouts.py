"""The global holdout: its period, and what all campaigns together brought against it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.holdout_figures import overall_context
from campaigns.models import GlobalHoldout
from campaigns.results.overall import overall_lift
from operations.errors import FidelioError
from operations.figure_files import ChartsPage

MAY_CHANGE = "campaigns.change_globalholdout"
SHOWN = 12
DAYS = [(30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (180, gettext_lazy("half a year")),
        (0, gettext_lazy("until it is ended"))]  # fmt: skip


class HoldoutForm(forms.Form):
    """How many are kept out, and for how long."""

    percent = forms.IntegerField(
        label=gettext_lazy("Share kept out, percent"),
        min_value=1,
        max_value=GlobalHoldout.HIGHEST,
        initial=5,
        help_text=gettext_lazy("They get no marketing campaign at all; service messages still reach them."),
    )
    days = forms.TypedChoiceField(label=gettext_lazy("For"), choices=DAYS, coerce=int, initial=90)


class HoldoutsView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """The periods, what each showed, and the form that begins one."""

    title = gettext_lazy("Global holdout")
    permission_required = "campaigns.view_globalholdout"
    template_name = "campaigns/global_holdout.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, form = timezone.now(), kwargs.pop("form", None)
        periods = list(GlobalHoldout.objects.all()[:SHOWN])
        return super().get_context_data(
            **kwargs,
            **overall_context([overall_lift(period, at=now) for period in periods], at=now),
            form=form or HoldoutForm(),
            running=next((one for one in periods if one.ends_at is None or one.ends_at > now), None),
            may_change=self.request.user.has_perm(MAY_CHANGE),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = HoldoutForm(request.POST)
        if not request.user.has_perm(MAY_CHANGE) or not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        now, days = timezone.now(), form.cleaned_data["days"]
        try:
            services.start_global_holdout(
                percent=form.cleaned_data["percent"],
                ends_at=now + timedelta(days=days) if days else None,
                at=now,
                by=request.user,
            )
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("From now on this share of everybody is kept out of campaigns."))
        return redirect(self.request.path)


class EndView(UnfoldModelAdminViewMixin, View):
    """End a period: a POST."""

    http_method_names = ["post"]
    permission_required = MAY_CHANGE
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        period = get_object_or_404(GlobalHoldout, pk=pk)
        try:
            services.end_global_holdout(period, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("Campaigns reach everybody again."))
        return redirect(reverse("admin:campaigns_globalholdout_changelist"))


@admin.register(GlobalHoldout)
class GlobalHoldoutAdmin(ModelAdmin):
    """One page for all of it; a period is never edited, it would no longer show anything."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GlobalHoldout | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return HoldoutsView.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(reverse("admin:campaigns_globalholdout_changelist"))

    def get_urls(self) -> list:
        end = self.admin_site.admin_view(EndView.as_view(model_admin=self))
        return [path("<int:pk>/end/", end, name="campaigns_globalholdout_end"), *super().get_urls()]
