"""Challenges, stamp cards and collection cards in the console."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDay
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from loyalty.admin.challenge_form import ChallengeForm
from loyalty.challenge_words import conditions_of, given_for, goal_of, span_of, time_words, value_words
from loyalty.models import Challenge, ChallengeCompletion, ChallengeParticipant, StampCard
from loyalty.services.challenge_progress import give_again
from loyalty.services.challenges import create_challenge, edit_challenge, start_challenge, stop_challenge
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Chart, Delta, Series
from operations.languages import in_language

SHOWN = 12
DAYS = 30
BUCKETS = 10
MOVES = {
    "start": (start_challenge, gettext_lazy("It counts from now on.")),
    "stop": (stop_challenge, gettext_lazy("Stopped: nothing counts any more; what was reached stays.")),
}


class GameAdmin(PageMixin, ModelAdmin):
    """What challenges and cards have in common; both are rows of Challenge."""

    kinds: list[str] = []
    new_title = gettext_lazy("New challenge")
    list_display = ["name", "state", "goal", "gives", "people", "reached"]
    list_filter = ["status"]
    list_select_related = ["reward", "badge"]
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Challenge]:
        rows = super().get_queryset(request).filter(kind__in=self.kinds)
        return rows.annotate(
            people_count=Count("participants", distinct=True),
            reached_count=Count("completions", distinct=True),
        )

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DRAFT": "info", "ACTIVE": "success", "STOPPED": "danger"},
    )
    def state(self, challenge: Challenge) -> tuple[str, str]:
        return challenge.status, challenge.get_status_display()

    @admin.display(description=gettext_lazy("goal"))
    def goal(self, challenge: Challenge) -> str:
        return ", ".join(filter(None, [goal_of(challenge), span_of(challenge)]))

    @admin.display(description=gettext_lazy("gives"))
    def gives(self, challenge: Challenge) -> str:
        return given_for(challenge)

    @admin.display(description=gettext_lazy("people"), ordering="people_count")
    def people(self, challenge: Challenge) -> str:
        return formats.number(challenge.people_count)

    @admin.display(description=gettext_lazy("reached"), ordering="reached_count")
    def reached(self, challenge: Challenge) -> str:
        return formats.number(challenge.reached_count)

    def has_delete_permission(self, request: HttpRequest, obj: Challenge | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap, label = self.admin_site.admin_view, self.opts.model_name
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name=f"loyalty_{label}_edit"),
            path("<int:pk>/move/<slug:move>/", wrap(require_POST(self.move)), name=f"loyalty_{label}_move"),
            path("given/<int:completion_pk>/", wrap(require_POST(self.give)), name=f"loyalty_{label}_give"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write one down as a draft; `?kind=` says in which look."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = request.GET.get("kind", "")
        kind = asked if asked in self.kinds else self.kinds[0]
        form = ChallengeForm(request.POST or None, kind=kind)
        if request.method == "POST" and form.is_valid():
            try:
                made = create_challenge(form.cleaned_data["code"], terms=form.terms(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved as a draft. Look it over, then start it."))
                return redirect(self.page_of(made))
        context = {"form": form, "kind": kind, "kinds": self._looks(), "back": self._list_url()}
        return self._page(request, "loyalty/games/challenge_form.html", str(self.new_title), context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        challenge = self._changeable(request, pk)
        form = ChallengeForm(request.POST or None, kind=challenge.kind, game=challenge)
        if request.method == "POST" and form.is_valid():
            try:
                edit_challenge(challenge, terms=form.terms())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(self.page_of(challenge))
        context = {
            "form": form,
            "kind": challenge.kind,
            "challenge": challenge,
            "back": self.page_of(challenge),
        }
        return self._page(request, "loyalty/games/challenge_form.html", challenge.name, context, challenge)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        """As Django's, which asks for no right before it says that there is no such card."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show how far people are, who reached it, and what could not be given."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        challenge = self.get_object(request, object_id)
        if challenge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        completions = ChallengeCompletion.objects.filter(challenge=challenge).select_related(
            "customer", "grant"
        )
        label = self.opts.model_name
        context = {
            "challenge": challenge,
            "goal": goal_of(challenge),
            "by_when": span_of(challenge),
            "gives": given_for(challenge),
            "conditions": conditions_of(challenge),
            "item_names": [in_language(item.get("title", {})) or item["code"] for item in challenge.items],
            "figures": _figures(challenge),
            "how_far": _how_far(challenge),
            "by_day": _by_day(challenge),
            "completions": [
                (one, time_words(challenge, one.key)) for one in completions.order_by("-pk")[:SHOWN]
            ],
            "problems": list(completions.exclude(problem="").order_by("pk")[:SHOWN]),
            "may_change": self.has_change_permission(request, challenge),
            "edit_url": reverse(f"admin:loyalty_{label}_edit", args=[challenge.pk]),
            "move_url": f"admin:loyalty_{label}_move",
            "give_url": f"admin:loyalty_{label}_give",
        }
        return self._page(request, "loyalty/games/challenge.html", challenge.name, context, challenge)

    def move(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        challenge = self._changeable(request, pk)
        service, done = MOVES.get(move, (None, ""))
        if service:
            try:
                service(challenge)
            except FidelioError as error:
                messages.error(request, str(error.message))
            else:
                messages.success(request, str(done))
        return redirect(self.page_of(challenge))

    def give(self, request: HttpRequest, completion_pk: int) -> HttpResponse:
        """Try once more to give what somebody reached."""
        completion = get_object_or_404(
            ChallengeCompletion.objects.select_related("challenge", "customer"), pk=completion_pk
        )
        if not self.has_change_permission(request, completion.challenge):
            raise PermissionDenied
        completion = give_again(completion, at=timezone.now())
        if completion.problem:
            messages.error(request, completion.problem)
        else:
            messages.success(request, _("Given."))
        return redirect(self.page_of(completion.challenge))

    def page_of(self, challenge: Challenge) -> str:
        return reverse(f"admin:loyalty_{self.opts.model_name}_change", args=[challenge.pk])

    def _list_url(self) -> str:
        return reverse(f"admin:loyalty_{self.opts.model_name}_changelist")

    def _looks(self) -> list[tuple[str, Any]]:
        return [(kind, Challenge.Kind(kind).label) for kind in self.kinds] if len(self.kinds) > 1 else []

    def _changeable(self, request: HttpRequest, pk: int) -> Challenge:
        challenge = get_object_or_404(Challenge, pk=pk, kind__in=self.kinds)
        if not self.has_change_permission(request, challenge):
            raise PermissionDenied
        return challenge


@admin.register(Challenge)
class ChallengeAdmin(GameAdmin):
    kinds = [Challenge.Kind.CHALLENGE]
    empty_text = gettext_lazy(
        "Say what people do, how much of it and by when, and what they get. It counts once you start it."
    )


@admin.register(StampCard)
class StampCardAdmin(GameAdmin):
    kinds = [Challenge.Kind.STAMP_CARD, Challenge.Kind.COLLECTION]
    new_title = gettext_lazy("New card")
    empty_text = gettext_lazy(
        "A card on every member's page: each purchase stamps it by itself, "
        "and a full one is rewarded at once."
    )


def _figures(challenge: Challenge) -> list[Delta]:
    people = ChallengeParticipant.objects.filter(challenge=challenge)
    completions = ChallengeCompletion.objects.filter(challenge=challenge)
    number, done = people.count(), completions.values("customer").distinct().count()
    return [
        Delta(_("People on their way"), formats.number(number), icon="group"),
        Delta(
            _("People who reached it"),
            formats.number(done),
            hint=_("%(share)s of those on their way") % {"share": formats.percent(done / number)}
            if number
            else "",
            icon="flag",
        ),
        Delta(_("Times reached"), formats.number(completions.count()), icon="emoji_events"),
        Delta(_("Rewards given"), formats.number(completions.exclude(grant=None).count()), icon="redeem"),
    ]


def _how_far(challenge: Challenge) -> Chart | None:
    """Return how many people stand how far, in at most ten steps."""
    people = ChallengeParticipant.objects.filter(challenge=challenge, left_at=None)
    counts = dict(people.values_list("value").annotate(number=Count("pk")).order_by("value"))
    if not counts:
        return None
    width = max(1, -(-challenge.target // BUCKETS))
    steps = list(range(0, challenge.target, width))
    bars = [sum(n for value, n in counts.items() if low <= value < low + width) for low in steps]
    at_target = sum(n for value, n in counts.items() if value >= challenge.target)
    bars[-1] = sum(n for value, n in counts.items() if steps[-1] <= value < challenge.target)
    labels = [
        value_words(challenge, low) if width == 1 else _between(challenge, low, low + width) for low in steps
    ]
    return Chart(
        title=_("How far people are"),
        labels=[*labels, value_words(challenge, challenge.target)],
        series=[Series(_("People"), [*bars, at_target])],
        kind="bar",
    )


def _between(challenge: Challenge, low: int, high: int) -> str:
    return f"{value_words(challenge, low)} – {value_words(challenge, min(high, challenge.target) - 1)}"


def _by_day(challenge: Challenge) -> Chart | None:
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = timezone.now() - timedelta(days=DAYS + 1)
    rows = ChallengeCompletion.objects.filter(challenge=challenge, completed_at__gte=since)
    by_day = rows.annotate(day=TruncDay("completed_at")).values_list("day").annotate(number=Count("pk"))
    counts = {day.date(): number for day, number in by_day.order_by("day")}
    if not counts:
        return None
    return Chart(
        title=_("Reached, day by day"),
        labels=[formats.day(day) for day in days],
        series=[Series(_("Reached"), [counts.get(day, 0) for day in days])],
        kind="line",
    )
