"""Runs and scores in the console: facts, to be read only."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from analytics.models import RfmRun, RfmScore
from operations import formats


class ReadOnlyAdmin(ModelAdmin):
    """What runs wrote is not edited by hand."""

    list_per_page = 25
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(RfmRun)
class RfmRunAdmin(ReadOnlyAdmin):
    list_display = ["model", "as_of", "state", "customers", "changed_rows", "moves", "took", "started_at"]
    list_display_links = ["as_of"]
    list_filter = ["model", "status"]
    list_select_related = ["model"]
    fields = [
        ("model", "as_of", "status"), ("started_at", "finished_at", "duration_ms"), "error",
        ("population", "orders", "net_amount"), ("anonymous_orders", "anonymous_amount"),
        "thresholds", "score_sums", "segment_sizes", ("changed_rows", "moves"),
    ]  # fmt: skip

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DONE": "success", "FAILED": "danger", "RUNNING": "info"},
    )
    def state(self, run: RfmRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @admin.display(description=gettext_lazy("customers"), ordering="population")
    def customers(self, run: RfmRun) -> str:
        return formats.number(run.population)

    @admin.display(description=gettext_lazy("took"), ordering="duration_ms")
    def took(self, run: RfmRun) -> str:
        return formats.number(run.duration_ms / 1000, 1) + " s"


@admin.register(RfmScore)
class RfmScoreAdmin(ReadOnlyAdmin):
    """The customers behind a cell or a segment of the map."""

    list_display = ["person", "r", "f", "m", "sum", "segment_name", "last_order", "orders", "spent"]
    list_display_links = None
    list_filter = ["model", "segment", "r", "f", "m"]
    list_select_related = ["customer", "model"]
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("customer"))
    def person(self, score: RfmScore) -> SafeString:
        url = reverse("admin:customers_customer_change", args=[score.customer_id])
        return format_html('<a class="fi-link" href="{}">{}</a>', url, score.customer)

    @admin.display(description=gettext_lazy("segment"), ordering="segment")
    def segment_name(self, score: RfmScore) -> str:
        return str(score.model.segments.by_code(score.segment).label)

    @admin.display(description=gettext_lazy("last order"), ordering="last_order_on")
    def last_order(self, score: RfmScore) -> str:
        return formats.day(score.last_order_on)

    @admin.display(description=gettext_lazy("net amount"), ordering="net_amount")
    def spent(self, score: RfmScore) -> str:
        return formats.money(score.net_amount)
