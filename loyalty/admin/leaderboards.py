"""Leaderboards in the console: what is ranked, who is in it, and the places of periods that ended."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from loyalty.admin.game_forms import GameForm, segment_field
from loyalty.models import Challenge, Leaderboard, LeaderboardMember, LeaderboardPlace
from loyalty.progress import Span
from loyalty.services.leaderboards import (
    BoardTerms,
    count_leaderboard,
    create_leaderboard,
    edit_leaderboard,
    leave_leaderboard,
)
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError

SHOWN = 100


class BoardForm(GameForm):
    TEXTS = [("title", gettext_lazy("Title"), 0, 60)]

    metric = forms.ChoiceField(label=gettext_lazy("What counts"), choices=Leaderboard.Metric.choices)
    challenge = forms.ModelChoiceField(
        Challenge.objects.none(),
        label=gettext_lazy("Challenge"),
        required=False,
        empty_label=gettext_lazy("None"),
        help_text=gettext_lazy("Only where steps in a challenge count."),
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Counted"),
        choices=[("", gettext_lazy("since its beginning")), *Span.choices],
        required=False,
        initial=Span.MONTH,
    )
    segment = segment_field()
    shown = forms.IntegerField(label=gettext_lazy("Places shown"), min_value=1, max_value=100, initial=10)
    active = forms.BooleanField(label=gettext_lazy("Active"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["challenge"].queryset = Challenge.objects.exclude(status="DRAFT").order_by("name")

    def initial_of(self, game: Leaderboard) -> dict[str, Any]:
        names = ("name", "metric", "challenge", "period", "segment", "shown", "active")
        return {name: getattr(game, name) for name in names}

    def terms(self) -> BoardTerms:
        given = self.cleaned_data
        names = ("name", "metric", "challenge", "period", "segment", "shown", "active")
        return BoardTerms(title=self.texts("title"), **{name: given[name] for name in names})


@admin.register(Leaderboard)
class LeaderboardAdmin(PageMixin, ModelAdmin):
    list_display = ["name", "metric", "period", "active", "people", "counted_at"]
    list_filter = ["active"]
    empty_text = gettext_lazy("Only who says so is in it, under a name of their choice.")
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Leaderboard]:
        return super().get_queryset(request).annotate(member_count=Count("members"))

    @admin.display(description=gettext_lazy("people"), ordering="member_count")
    def people(self, board: Leaderboard) -> str:
        return formats.number(board.member_count)

    def has_delete_permission(self, request: HttpRequest, obj: Leaderboard | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="loyalty_leaderboard_edit"),
            path("<int:pk>/count/", wrap(require_POST(self.count)), name="loyalty_leaderboard_count"),
            path(
                "member/<int:member_pk>/remove/",
                wrap(require_POST(self.remove)),
                name="loyalty_leaderboard_remove",
            ),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BoardForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                board = create_leaderboard(form.cleaned_data["code"], terms=form.terms())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("People can join it from now on, on their page."))
                return redirect(page_of(board))
        return self._page(request, "loyalty/games/board_form.html", _("New leaderboard"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        board = self._changeable(request, pk)
        form = BoardForm(request.POST or None, game=board)
        if request.method == "POST" and form.is_valid():
            try:
                edit_leaderboard(board, terms=form.terms())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(page_of(board))
        return self._page(
            request, "loyalty/games/board_form.html", board.name, {"form": form, "board": board}, board
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the places, and who stands behind the names."""
        board = self.get_object(request, object_id)
        if board is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, board):
            raise PermissionDenied
        members = LeaderboardMember.objects.filter(board=board).select_related("customer")
        places = LeaderboardPlace.objects.filter(board=board, rank__lte=3)
        context = {
            "board": board,
            "members": list(members.order_by("rank", "pk")[:SHOWN]),
            "total": members.count(),
            "places": list(places.order_by("-period_on", "rank")[:36]),
            "may_change": self.has_change_permission(request, board),
        }
        return self._page(request, "loyalty/games/board.html", board.name, context, board)

    def count(self, request: HttpRequest, pk: int) -> HttpResponse:
        board = count_leaderboard(self._changeable(request, pk), at=timezone.now())
        messages.success(request, _("Counted."))
        return redirect(page_of(board))

    def remove(self, request: HttpRequest, member_pk: int) -> HttpResponse:
        """Take somebody out, because of the name they chose."""
        member = get_object_or_404(
            LeaderboardMember.objects.select_related("board", "customer"), pk=member_pk
        )
        if not self.has_change_permission(request, member.board):
            raise PermissionDenied
        leave_leaderboard(member.board, member.customer)
        messages.success(request, _("Taken out."))
        return redirect(page_of(member.board))

    def _changeable(self, request: HttpRequest, pk: int) -> Leaderboard:
        board = get_object_or_404(Leaderboard, pk=pk)
        if not self.has_change_permission(request, board):
            raise PermissionDenied
        return board


def page_of(board: Leaderboard) -> str:
    return reverse("admin:loyalty_leaderboard_change", args=[board.pk])
