"""Objectives in the console: how each stands, its way so far, its reviews and what was done about it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from analytics.admin.objective_forms import ObjectiveForm, OutcomeForm, ReviewForm, initial_of
from analytics.models import CorrectiveAction, Objective
from analytics.objective_pages import (
    TONES,
    calendar,
    cards,
    figures,
    part_in_words,
    reviews,
    way_so_far,
)
from analytics.pace import Standing
from analytics.services import objectives
from analytics.suggestions import in_words
from operations.errors import FidelioError
from operations.figure_files import ChartsPage

VIEW, CHANGE, ADD = (f"analytics.{action}_objective" for action in ("view", "change", "add"))


class ObjectivesView(UnfoldModelAdminViewMixin, TemplateView):
    """Every objective with how it stands, and what falls due."""

    title = gettext_lazy("Objectives")
    permission_required = VIEW
    template_name = "analytics/objectives.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        closed = "closed" in self.request.GET
        shown = Objective.objects.select_related("segment", "owner")
        shown = shown.exclude(closed_at=None) if closed else shown.open()
        return super().get_context_data(
            **kwargs,
            cards=cards(shown, today=today),
            due=[] if closed else calendar(shown, today=today),
            closed=closed,
            closed_count=Objective.objects.exclude(closed_at=None).count(),
            today=today,
        )


class ObjectiveView(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """One objective: its pace, why it may have fallen behind, and the record of its reviews."""

    permission_required = VIEW
    template_name = "analytics/objective.html"
    forms: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        return self.objective.name

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = Objective.objects.select_related("segment", "owner")
        self.objective = get_object_or_404(found, pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        objective, today = self.objective, timezone.localdate()
        action = objective.actions.open().select_related("owner").first()
        return super().get_context_data(
            **kwargs,
            objective=objective,
            original=objective,
            part=part_in_words(objective),
            tone=TONES.get(Standing(objective.standing), ""),
            figures=figures(objective, today=today),
            way=way_so_far(objective),
            action=action,
            suggestions=in_words(action.suggestions) if action else [],
            past_actions=objective.actions.exclude(status="OPEN").select_related("owner", "closed_by"),
            reviews=reviews(objective),
            review_due=objective.next_review_on <= today,
            may_change=self.request.user.has_perm(CHANGE) and objective.closed_at is None,
            **{"review_form": ReviewForm(), "outcome_form": OutcomeForm()} | (self.forms or {}),
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Record a review, or close the corrective action: whichever form was sent."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        is_review = "review" in request.POST
        form = (ReviewForm if is_review else OutcomeForm)(request.POST)
        if form.is_valid():
            try:
                self._review(form.cleaned_data) if is_review else self._close_action(form.cleaned_data)
            except FidelioError as error:
                form.show(error)
            else:
                return redirect(reverse("admin:analytics_objective_change", args=[self.objective.pk]))
        self.forms = {"review_form" if is_review else "outcome_form": form}
        return self.get(request, **kwargs)

    def _review(self, given: dict[str, Any]) -> None:
        objectives.review_objective(self.objective, by=self.request.user, at=timezone.now(), **given)
        messages.success(self.request, _("The review is recorded."))

    def _close_action(self, given: dict[str, Any]) -> None:
        action = get_object_or_404(CorrectiveAction.objects.open(), objective=self.objective)
        dropped = "drop" in self.request.POST
        objectives.close_action(
            action, by=self.request.user, at=timezone.now(), dropped=dropped, outcome=given["outcome"]
        )
        messages.success(self.request, _("The corrective action is closed."))


class NewObjectiveView(UnfoldModelAdminViewMixin, FormView):
    """An objective on one page; its past days are checked at once."""

    title = gettext_lazy("New objective")
    permission_required = ADD
    template_name = "analytics/objective_form.html"
    form_class = ObjectiveForm

    def get_initial(self) -> dict[str, Any]:
        today = timezone.localdate()
        return {
            "starts_on": today.replace(month=1, day=1),
            "ends_on": today.replace(month=12, day=31),
            "owner": self.request.user.pk,
            "metric": self.request.GET.get("metric", "net_amount"),
        }

    def form_valid(self, form: ObjectiveForm) -> HttpResponse:
        given = form.cleaned_data
        try:
            objective = objectives.create_objective(_free_code(given["name"]), at=timezone.now(), **given)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The objective is followed from now on; it is checked every day."))
        return redirect(reverse("admin:analytics_objective_change", args=[objective.pk]))


class EditObjectiveView(NewObjectiveView):
    """The same form for an objective that is followed already."""

    title = gettext_lazy("Edit objective")
    permission_required = CHANGE

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.objective = get_object_or_404(Objective.objects.open(), pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.objective)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, objective=self.objective, original=self.objective)

    def form_valid(self, form: ObjectiveForm) -> HttpResponse:
        changes = dict(form.cleaned_data)
        if "next_review_on" not in form.changed_data or changes["next_review_on"] is None:
            # A review may have set another one since the form was opened.
            changes.pop("next_review_on", None)
        try:
            objectives.edit_objective(self.objective, at=timezone.now(), **changes)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("Saved; its past days are judged anew."))
        return redirect(reverse("admin:analytics_objective_change", args=[self.objective.pk]))


@admin.register(Objective)
class ObjectiveAdmin(ModelAdmin):
    """Pages of their own in place of the lists and forms of the admin."""

    search_fields = ["name", "code"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(ObjectivesView.as_view(model_admin=self)), name="analytics_objective_changelist"),
            path("add/", wrap(NewObjectiveView.as_view(model_admin=self)), name="analytics_objective_add"),
            path(
                "<int:pk>/change/",
                wrap(ObjectiveView.as_view(model_admin=self)),
                name="analytics_objective_change",
            ),
            path(
                "<int:pk>/edit/",
                wrap(EditObjectiveView.as_view(model_admin=self)),
                name="analytics_objective_edit",
            ),
            path("<int:pk>/close/", wrap(require_POST(self.close)), name="analytics_objective_close"),
            path("<int:pk>/check/", wrap(require_POST(self.check_now)), name="analytics_objective_check"),
        ]

    def close(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop following an objective."""
        objective = self._open(request, pk)
        objectives.close_objective(objective, at=timezone.now())
        messages.success(request, _("The objective is closed. Its record stays."))
        return redirect(reverse("admin:analytics_objective_changelist"))

    def check_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Check an objective now, as of yesterday."""
        objective = self._open(request, pk)
        yesterday = timezone.localdate() - timedelta(days=1)
        if yesterday < objective.starts_on:
            messages.info(request, _("Its first day is not over yet."))
        else:
            objectives.check_objective(objective, day=yesterday, at=timezone.now())
            messages.success(request, _("Checked as of yesterday."))
        return redirect(reverse("admin:analytics_objective_change", args=[pk]))

    def _open(self, request: HttpRequest, pk: int) -> Objective:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        return get_object_or_404(Objective.objects.open(), pk=pk)


def _free_code(name: str) -> str:
    """Return a code made of a name that no other objective has."""
    stem = slugify(name)[:56] or "objective"
    taken = set(Objective.objects.filter(code__startswith=stem).values_list("code", flat=True))
    number, code = 1, stem
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code
