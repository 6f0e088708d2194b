"""Prize draws and instant wins in the console: the list, the form, the page of one with its moves."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers.models import Customer
from loyalty.admin.contest_form import ContestForm
from loyalty.models import Draw, DrawEntry, DrawParticipant, DrawPlay, DrawWinner
from loyalty.services.contests import cancel_contest, create_contest, edit_contest, open_contest
from loyalty.services.draw_files import notary_file
from loyalty.services.drawings import GIVEN_AT_ONCE, close_contest, draw_winners, give_prize, set_aside_winner
from loyalty.services.draws import enter_draw
from loyalty.services.verification import verify_contest
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Delta
from operations.number_fields import WholeNumberField

WINNERS_SHOWN = 200
# Above this the page does not work the whole draw out again each time somebody looks.
MOST_CHECKED = 50_000
MOVES = {
    "open": (open_contest, gettext_lazy("Open: its seed is fixed, and the commitment is published.")),
    "close": (close_contest, gettext_lazy("Closed: the list of entries is frozen.")),
    "cancel": (cancel_contest, gettext_lazy("Called off.")),
}


@admin.register(Draw)
class DrawAdmin(PageMixin, ModelAdmin):
    """A contest is never deleted: what was published of it stays."""

    list_display = ["name", "state", "how", "dates", "people", "prizes_named"]
    list_filter = ["status", "kind"]
    list_per_page = 25
    search_fields = ["code", "name"]
    list_before_template = "loyalty/games/draw_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Draw]:
        rows = super().get_queryset(request).prefetch_related("prizes__reward")
        return rows.annotate(people_count=Count("participants"))

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={
            "DRAFT": "info",
            "OPEN": "success",
            "CLOSED": "warning",
            "DRAWN": "info",
            "CANCELLED": "danger",
        },
    )
    def state(self, draw: Draw) -> tuple[str, str]:
        return draw.status, draw.get_status_display()

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def how(self, draw: Draw) -> str:
        return draw.get_kind_display()

    @admin.display(description=gettext_lazy("dates"), ordering="opens_at")
    def dates(self, draw: Draw) -> str:
        first, last = (timezone.localdate(at) for at in (draw.opens_at, draw.closes_at))
        return f"{formats.day(first)} – {formats.day(last)}"

    @admin.display(description=gettext_lazy("people"), ordering="people_count")
    def people(self, draw: Draw) -> str:
        return formats.number(draw.people_count)

    @admin.display(description=gettext_lazy("prizes"))
    def prizes_named(self, draw: Draw) -> str:
        return ", ".join(
            f"{formats.number(prize.quantity)} × {prize.reward}" if prize.quantity else str(prize.reward)
            for prize in draw.prizes.all()
            if prize.reward_id
        )

    def has_delete_permission(self, request: HttpRequest, obj: Draw | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="loyalty_draw_edit"),
            path("<int:pk>/move/<slug:move>/", wrap(require_POST(self.move)), name="loyalty_draw_move"),
            path("enter/<int:customer_pk>/", wrap(self.enter_view), name="loyalty_draw_enter"),
            path("<int:pk>/draw/", wrap(require_POST(self.draw_view)), name="loyalty_draw_draw"),
            path("<int:pk>/notary/", wrap(require_safe(self.notary_view)), name="loyalty_draw_notary"),
            path(
                "winner/<int:winner_pk>/set-aside/",
                wrap(require_POST(self.set_aside)),
                name="loyalty_draw_aside",
            ),
            path("winner/<int:winner_pk>/give/", wrap(require_POST(self.give)), name="loyalty_draw_give"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write a contest down as a draft."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ContestForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                draw = create_contest(
                    form.cleaned_data["code"], terms=form.terms(), prizes=form.prize_list(), by=request.user
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved as a draft. Look it over, then open it."))
                return redirect(page_of(draw))
        return self._page(request, "loyalty/games/draw_form.html", _("New contest"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        draw = get_object_or_404(Draw, pk=pk)
        if not self.has_change_permission(request, draw):
            raise PermissionDenied
        form = ContestForm(request.POST or None, game=draw)
        if request.method == "POST" and form.is_valid():
            try:
                edit_contest(draw, terms=form.terms(), prizes=form.prize_list())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(page_of(draw))
        return self._page(
            request, "loyalty/games/draw_form.html", draw.name, {"form": form, "draw": draw}, draw
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show who takes part, what was published, and the winners once they are drawn."""
        draw = self.get_object(request, object_id)
        if draw is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, draw):
            raise PermissionDenied
        size = draw.entries_count + DrawPlay.objects.filter(draw=draw).count()
        context = {
            "draw": draw,
            "figures": _figures(draw),
            "prizes": list(draw.prizes.select_related("reward")),
            "winners": list(draw.winners.whole()[:WINNERS_SHOWN]),
            "wins": _latest_wins(draw),
            "causes": _causes(draw),
            "checks": verify_contest(draw) if size <= MOST_CHECKED else [],
            "is_over": draw.closes_at <= timezone.now(),
            "may_change": self.has_change_permission(request, draw),
            "may_run": request.user.has_perm("loyalty.run_draw"),
        }
        return self._page(request, "loyalty/games/draw.html", draw.name, context, draw)

    def move(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        draw = self._runnable(request, pk)
        service, done = MOVES.get(move, (None, ""))
        if service and _carry_out(request, lambda: service(draw, at=timezone.now()), str(done)):
            self._log(request, draw, move)
        return redirect(page_of(draw))

    def draw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Draw winners and substitutes, and give the prizes."""
        draw = self._runnable(request, pk)
        beacon = request.POST.get("beacon", "")[:120]
        prizes = sum(draw.prizes.values_list("quantity", flat=True).exclude(quantity=None))
        done = (
            _("Drawn: the seed is revealed and the prizes are given.")
            if prizes <= GIVEN_AT_ONCE
            else _("Drawn: the seed is revealed. A job gives the prizes, one by one.")
        )
        if _carry_out(
            request,
            lambda: draw_winners(draw, beacon=beacon, at=timezone.now(), by=request.user),
            done,
        ):
            self._log(request, draw, "draw")
        return redirect(page_of(draw))

    def notary_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the whole contest as a ZIP, with winners' names; who took it is written down."""
        draw = self._runnable(request, pk)
        self._log(request, draw, "notary file")
        response = HttpResponse(notary_file(draw), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="contest-{draw.code}.zip"'
        return response

    def enter_view(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        """Give a customer entries in a contest, from their page."""
        if not request.user.has_perm("loyalty.run_draw"):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        form = EntriesForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                enter_draw(
                    given["draw"],
                    customer,
                    entries=given["entries"],
                    source_key=f"by_hand:{given['token']}",
                    reason=f"{given['reason']} ({request.user.get_username()})",
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.add_error(None, str(error.message))
            else:
                messages.success(request, _("Entered in “%(contest)s”.") % {"contest": given["draw"]})
                return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))
        context = {"form": form, "customer": customer}
        return self._page(request, "loyalty/games/enter.html", _("Give entries in a contest"), context)

    def set_aside(self, request: HttpRequest, winner_pk: int) -> HttpResponse:
        """Pass a prize on to the next substitute."""
        winner = self._winner(request, winner_pk)
        try:
            heir = set_aside_winner(winner, reason=request.POST.get("reason", "")[:300], at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            said = _("The prize goes to the substitute drawn as %(rank)s.") if heir else ""
            messages.success(
                request, said % {"rank": heir.rank} if heir else _("Set aside; no substitute is left.")
            )
            self._log(request, winner.draw, f"set aside {winner.rank}")
        return redirect(page_of(winner.draw))

    def give(self, request: HttpRequest, winner_pk: int) -> HttpResponse:
        """Try once more to give a prize."""
        winner = give_prize(self._winner(request, winner_pk), at=timezone.now())
        if winner.problem:
            messages.error(request, winner.problem)
        else:
            messages.success(request, _("Given."))
        return redirect(page_of(winner.draw))

    def _runnable(self, request: HttpRequest, pk: int) -> Draw:
        if not request.user.has_perm("loyalty.run_draw"):
            raise PermissionDenied
        return get_object_or_404(Draw, pk=pk)

    def _winner(self, request: HttpRequest, pk: int) -> DrawWinner:
        if not request.user.has_perm("loyalty.run_draw"):
            raise PermissionDenied
        return get_object_or_404(DrawWinner.objects.select_related("draw", "customer"), pk=pk)

    def _log(self, request: HttpRequest, draw: Draw, done: str) -> None:
        LogEntry.objects.create(
            user=request.user,
            content_type=ContentType.objects.get_for_model(Draw),
            object_id=str(draw.pk),
            object_repr=str(draw)[:200],
            action_flag=CHANGE,
            change_message=done,
        )


class EntriesForm(forms.Form):
    """`token` is made with the page, so that a form sent twice enters once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    draw = forms.ModelChoiceField(Draw.objects.none(), label=gettext_lazy("Contest"), empty_label=None)
    entries = WholeNumberField(label=gettext_lazy("Entries"), min_value=1, max_value=1000, initial=1)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=150)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["draw"].queryset = Draw.objects.open(timezone.now()).order_by("name")


def page_of(draw: Draw) -> str:
    return reverse("admin:loyalty_draw_change", args=[draw.pk])


def _carry_out(request: HttpRequest, work: Any, done: str) -> bool:
    """Do it and say so, or say why not; return whether it was done."""
    try:
        work()
    except FidelioError as error:
        said = " ".join(str(mistake.message) for mistake in error.details) or str(error.message)
        messages.error(request, said)
        return False
    messages.success(request, done)
    return True


def _figures(draw: Draw) -> list[Delta]:
    people = DrawParticipant.objects.filter(draw=draw).count()
    figures = [Delta(_("People"), formats.number(people), icon="group")]
    if draw.is_instant:
        plays = DrawPlay.objects.filter(draw=draw).aggregate(all=Count("pk"), won=Count("grant"))
        share = plays["won"] / plays["all"] if plays["all"] else None
        return [
            *figures,
            Delta(_("Plays"), formats.number(plays["all"]), icon="casino"),
            Delta(_("Prizes won"), formats.number(plays["won"]), hint=formats.percent(share), icon="redeem"),
        ]
    entries = DrawParticipant.objects.filter(draw=draw).aggregate(all=Sum("entries"))["all"] or 0
    most = sum(prize.quantity or 0 for prize in draw.prizes.all())
    return [
        *figures,
        Delta(_("Entries"), formats.number(entries), icon="confirmation_number"),
        Delta(_("Prizes"), formats.number(most), icon="redeem"),
        Delta(
            _("Chance of one entry"),
            formats.percent(min(1, most / entries)) if entries else "–",
            hint=_("prizes for each entry"),
            icon="casino",
        ),
    ]


def _latest_wins(draw: Draw) -> list[DrawPlay]:
    if not draw.is_instant:
        return []
    plays = DrawPlay.objects.filter(draw=draw, won=True).select_related("customer", "prize__reward")
    return list(plays.order_by("-pk")[:20])


def _causes(draw: Draw) -> list[tuple[str, int]]:
    """Return for what entries were given, the most frequent first."""
    rows = DrawEntry.objects.filter(draw=draw).standing().values_list("reason").annotate(number=Count("pk"))
    return [(reason or _("Without a reason"), number) for reason, number in rows.order_by("-number")[:8]]
