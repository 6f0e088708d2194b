"""Every answer to surveys as a list: to be filtered and taken out as a file, never edited."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from analytics.admin.scores import ReadOnlyAdmin
from analytics.models import SurveyResponse
from analytics.nps import DETRACTOR, PASSIVE, PROMOTER, group_of

GROUP_NAMES = {
    PROMOTER: gettext_lazy("Promoter"),
    PASSIVE: gettext_lazy("Passive"),
    DETRACTOR: gettext_lazy("Detractor"),
}
TONES = {PROMOTER: "success", PASSIVE: "info", DETRACTOR: "danger"}


@admin.register(SurveyResponse)
class SurveyResponseAdmin(ReadOnlyAdmin):
    list_display = ["answered_at", "survey", "person", "given_score", "group", "said", "origin"]
    list_display_links = None
    list_filter = ["survey", "score", "origin", "language"]
    list_select_related = ["survey", "customer"]
    date_hierarchy = "answered_at"
    export_columns = {
        gettext_lazy("answered at"): "answered_at",
        gettext_lazy("survey"): "survey",
        gettext_lazy("customer"): "customer",
        gettext_lazy("score"): "score",
        gettext_lazy("comment"): "comment",
        gettext_lazy("answers"): "answers",
        gettext_lazy("touchpoint"): "touchpoint",
        gettext_lazy("language"): "language",
        gettext_lazy("origin"): "origin",
        gettext_lazy("taken care of at"): "settled_at",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[SurveyResponse]:
        return super().get_queryset(request).order_by("-answered_at", "-pk")

    @admin.display(description=gettext_lazy("customer"))
    def person(self, response: SurveyResponse) -> str | SafeString:
        if response.customer_id is None:
            return _("nobody by name")
        url = reverse("admin:customers_customer_change", args=[response.customer_id])
        return format_html('<a class="fi-link" href="{}">{}</a>', url, response.customer)

    @admin.display(description=gettext_lazy("score"), ordering="score")
    def given_score(self, response: SurveyResponse) -> str:
        return "" if response.score is None else str(response.score)

    @display(description=gettext_lazy("group"), label=TONES)
    def group(self, response: SurveyResponse) -> tuple[str, str] | None:
        if response.score is None:
            return None
        group = group_of(response.score)
        return group, str(GROUP_NAMES[group])

    @admin.display(description=gettext_lazy("comment"))
    def said(self, response: SurveyResponse) -> str:
        return Truncator(response.comment).chars(120)
