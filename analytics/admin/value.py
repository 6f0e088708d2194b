"""The value model in the console: what is expected of customers, how far to trust it, and its settings."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from analytics.admin.scores import ReadOnlyAdmin
from analytics.models import ValueModel, ValueRun
from analytics.services.value import edit_value_model, ensure_value_model, queue_value_run
from analytics.value_pages import back_test_page, overview
from operations import formats
from operations.errors import FidelioError, InvalidInput
from operations.figure_files import ChartsPage

RUNS_SHOWN = 10
TABS = [
    ("analytics_value", gettext_lazy("What is expected")),
    ("analytics_value_backtest", gettext_lazy("Back-test")),
    ("analytics_value_settings", gettext_lazy("Settings and runs")),
]


class ValuePage(UnfoldModelAdminViewMixin, ChartsPage):
    """What the pages of the value model share."""

    title = gettext_lazy("Value")
    permission_required = "analytics.view_valuemodel"
    tab = ""

    @cached_property
    def value_model(self) -> ValueModel:
        return ensure_value_model()

    @cached_property
    def run(self) -> ValueRun | None:
        return self.value_model.last_run()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        last = self.value_model.runs.select_related("job").first()
        return super().get_context_data(
            **kwargs,
            value_model=self.value_model,
            run=self.run,
            waiting=self.value_model.runs.under_way().select_related("job").first(),
            failed=last if last and last.status == "FAILED" else None,
            tabs=[(label, reverse(f"admin:{name}"), name == self.tab) for name, label in TABS],
        )


class ValueView(ValuePage, TemplateView):
    template_name = "analytics/value.html"
    tab = "analytics_value"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, **(overview(self.run) if self.run else {}))


class BackTestView(ValuePage, TemplateView):
    template_name = "analytics/value_backtest.html"
    tab = "analytics_value_backtest"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, **(back_test_page(self.run) if self.run else {}))


class ValueSettingsForm(forms.ModelForm):
    class Meta:
        model = ValueModel
        fields = [
            "margin_percent", "discount_rate_percent", "months", "schedule", "test_days",
            "minimum_population",
        ]  # fmt: skip


class ValueSettingsView(ValuePage, FormView):
    template_name = "analytics/value_settings.html"
    tab = "analytics_value_settings"
    form_class = ValueSettingsForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"instance": self.value_model}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        may_change = self.request.user.has_perm("analytics.change_valuemodel")
        if not may_change:
            for field in context["form"].fields.values():
                field.disabled = True
        return context | {
            "runs": self.value_model.runs.select_related("job")[:RUNS_SHOWN],
            "may_change": may_change,
        }

    def form_valid(self, form: ValueSettingsForm) -> HttpResponse:
        if not self.request.user.has_perm("analytics.change_valuemodel"):
            raise PermissionDenied
        try:
            edit_value_model(self.value_model, **form.cleaned_data)
        except InvalidInput as error:
            for mistake in error.details:
                form.add_error(mistake.pointer.strip("/"), mistake.message)
            return self.form_invalid(form)
        messages.success(self.request, _("Saved. The next run reckons with it."))
        return HttpResponseRedirect(reverse("admin:analytics_value_settings"))


@admin.register(ValueModel)
class ValueModelAdmin(ModelAdmin):
    """One model: its own pages stand in place of the list."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("predictions/", wrap(ValueView.as_view(model_admin=self)), name="analytics_value"),
            path("back-test/", wrap(BackTestView.as_view(model_admin=self)), name="analytics_value_backtest"),
            path(
                "settings/",
                wrap(ValueSettingsView.as_view(model_admin=self)),
                name="analytics_value_settings",
            ),
            path("run/", wrap(require_POST(self.run_now)), name="analytics_value_run"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:analytics_value")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ValueModel | None = None) -> bool:
        return False

    def run_now(self, request: HttpRequest) -> HttpResponse:
        """Queue a run as of today and go back to the page, which shows how it goes."""
        if not request.user.has_perm("analytics.run_valuemodel"):
            raise PermissionDenied
        try:
            queue_value_run(ensure_value_model(), as_of=timezone.localdate(), owner=request.user)
        except FidelioError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, _("The run is on its way; this page shows when it is done."))
        return redirect("admin:analytics_value")


@admin.register(ValueRun)
class ValueRunAdmin(ReadOnlyAdmin):
    list_display = ["as_of", "status", "customers", "changed_rows", "fallback", "took", "started_at"]
    list_filter = ["status", "fallback"]
    fields = [
        ("as_of", "status"), ("started_at", "finished_at", "duration_ms"), "error",
        ("population", "repeat_buyers", "changed_rows"), ("fallback", "fallback_reason"),
        ("log_likelihood", "parameters"), "economics",
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("customers"), ordering="population")
    def customers(self, run: ValueRun) -> str:
        return formats.number(run.population)

    @admin.display(description=gettext_lazy("took"), ordering="duration_ms")
    def took(self, run: ValueRun) -> str:
        return formats.number(run.duration_ms / 1000, 1) + " s"
