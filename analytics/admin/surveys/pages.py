"""The list of surveys, the editor, and the buttons of a survey's page."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from analytics.admin.surveys.forms import LANGUAGES, SurveyForm
from analytics.admin.surveys.results import SurveyView, signed
from analytics.models import Survey, SurveyResponse
from analytics.nps import Nps
from analytics.public import form_context
from analytics.services.survey_answers import give_missing_rewards, settle_response
from analytics.services.survey_results import GROUPS
from analytics.services.surveys import (
    close_survey,
    copy_survey,
    create_survey,
    edit_survey,
    open_survey,
    question_rows,
)
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError, InvalidInput

RESPONSE_GROUPS = {
    name: Q(**{f"responses__{lookup}": value for lookup, value in group.children})
    for name, group in GROUPS.items()
}


@admin.register(Survey)
class SurveyAdmin(PageMixin, ModelAdmin):
    """What we ask customers; a survey's page shows what they answered."""

    list_display = ["name", "state", "asks", "answers", "score", "last_answer"]
    list_filter = ["status", "kind"]
    list_per_page = 25
    search_fields = ["code", "name"]
    list_before_template = "analytics/survey_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        moves: dict[str, Callable] = {
            "open": self.open_now,
            "close": self.close_now,
            "copy": self.copy_now,
            "rewards": self.give_rewards,
        }
        return [
            path("preview/", wrap(require_POST(self.preview_form)), name="analytics_survey_preview_form"),
            path("<int:pk>/edit/", wrap(self.edit_view), name="analytics_survey_edit"),
            path("<int:pk>/preview/", wrap(self.preview), name="analytics_survey_preview"),
            path("answers/<int:pk>/settle/", wrap(require_POST(self.settle)), name="analytics_survey_settle"),
            *(
                path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"analytics_survey_{name}")
                for name, view in moves.items()
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        counted = {name: Count("responses", filter=group) for name, group in RESPONSE_GROUPS.items()}
        rows = super().get_queryset(request)
        return rows.annotate(answered=Count("responses"), last_at=Max("responses__answered_at"), **counted)

    def has_delete_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return False  # Links to it are in people's mailboxes: it is closed instead.

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DRAFT": "info", "OPEN": "success", "CLOSED": "warning"},
    )
    def state(self, survey: Survey) -> tuple[str, str]:
        if survey.status == Survey.Status.OPEN and not survey.is_open(timezone.now()):
            return Survey.Status.CLOSED, _("Over")
        return survey.status, survey.get_status_display()

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def asks(self, survey: Survey) -> str:
        return survey.get_kind_display()

    @admin.display(description=gettext_lazy("answers"), ordering="answered")
    def answers(self, survey: Survey) -> str:
        return formats.number(survey.answered)

    @admin.display(description=gettext_lazy("NPS"))
    def score(self, survey: Survey) -> str:
        return signed(Nps(survey.promoters, survey.passives, survey.detractors).score)

    @admin.display(description=gettext_lazy("last answer"), ordering="last_at")
    def last_answer(self, survey: Survey) -> str:
        return formats.since(survey.last_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what was answered."""
        survey = self.get_object(request, object_id)
        if survey is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return SurveyView.as_view(model_admin=self)(request, pk=survey.pk)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write a survey down as a draft; the address says of which kind."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        kind = kind if kind in Survey.Kind.values else Survey.Kind.NPS
        form = SurveyForm(request.POST or None, kind=kind)
        if request.method == "POST" and form.is_valid():
            code = form.cleaned_data["code"]
            try:
                survey = create_survey(code, kind=kind, at=timezone.now(), **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved as a draft. Look it over, then open it."))
                return redirect(page_of(survey))
        context = {"form": form, "kind": kind, "kinds": Survey.Kind.choices, "languages": LANGUAGES}
        return self._page(request, "analytics/survey_edit.html", _("New survey"), context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a survey; with answers, only its words."""
        survey = self._changeable(request, pk)
        form = SurveyForm(request.POST or None, survey=survey)
        if request.method == "POST" and form.is_valid():
            try:
                edit_survey(survey, **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(page_of(survey))
        context = {
            "form": form,
            "survey": survey,
            "kind": survey.kind,
            "languages": LANGUAGES,
            "answered": survey.responses.exists(),
        }
        return self._page(request, "analytics/survey_edit.html", survey.name, context, survey)

    def open_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        done = _("Open: whoever has a link can answer. Send it by a campaign.")
        return self._move(request, pk, open_survey, done)

    def close_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._move(request, pk, close_survey, _("Closed: no more answers are taken."))

    def copy_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a draft that asks the same, and go to its editor."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        survey = copy_survey(get_object_or_404(Survey, pk=pk), at=timezone.now())
        messages.success(request, _("This is the copy, a draft."))
        return redirect("admin:analytics_survey_edit", survey.pk)

    def give_rewards(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the rewards that could not be given when people answered."""
        survey = self._changeable(request, pk)
        given = give_missing_rewards(survey, at=timezone.now())
        words = ngettext("%(count)d reward was given.", "%(count)d rewards were given.", given)
        messages.success(request, words % {"count": given})
        return redirect(page_of(survey))

    def settle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note that somebody has taken care of an unhappy customer."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        response = get_object_or_404(SurveyResponse.objects.select_related("survey"), pk=pk)
        settle_response(response, by=request.user, at=timezone.now())
        messages.success(request, _("Noted."))
        return redirect(f"{page_of(response.survey)}?show=waiting#comments")

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page as a customer sees it, in the language of the address."""
        survey = get_object_or_404(Survey, pk=pk)
        if not self.has_view_permission(request, survey):
            raise PermissionDenied
        return _previewed(request, survey, request.GET.get("lang", ""))

    def preview_form(self, request: HttpRequest) -> HttpResponse:
        """Show the page that the editor's form would make, written or not."""
        if not self.has_add_permission(request) and not self.has_change_permission(request):
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        form = SurveyForm(request.POST, kind=kind if kind in Survey.Kind.values else Survey.Kind.NPS)
        form.fields.pop("code", None)
        form.fields["name"].required = False
        if not form.is_valid():
            return render(request, "analytics/survey_preview_problem.html", {"form": form}, status=422)
        arguments = form.arguments()
        terms = arguments["terms"]
        survey = Survey(
            kind=form.kind, anonymous=terms.anonymous, title=terms.title, introduction=terms.introduction
        )
        try:
            rows = question_rows(survey, arguments["questions"])
        except InvalidInput as error:
            return render(request, "analytics/survey_preview_problem.html", {"error": error}, status=422)
        return _previewed(request, survey, request.GET.get("lang", ""), questions=rows)

    def _move(self, request: HttpRequest, pk: int, move: Callable, done: str) -> HttpResponse:
        survey = self._changeable(request, pk)
        try:
            move(survey, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, done)
        return redirect(page_of(survey))

    def _changeable(self, request: HttpRequest, pk: int) -> Survey:
        survey = get_object_or_404(Survey, pk=pk)
        if not self.has_change_permission(request, survey):
            raise PermissionDenied
        return survey


def _previewed(request: HttpRequest, survey: Survey, language: str, **filled: Any) -> HttpResponse:
    language = language if language in LANGUAGES else LANGUAGES[0]
    with translation.override(language):
        context = form_context(survey, language, **filled) | {"preview": True}
        return render(request, "analytics/survey_form.html", context)


def page_of(survey: Survey) -> str:
    return reverse("admin:analytics_survey_change", args=[survey.pk])
