"""Landing pages in the console: the list, the editor with its preview, and the numbers as they come in."""

from collections.abc import Callable
from typing import Any

import segno
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.admin.landing_page_form import LANGUAGES, TEXTS, LandingPageForm
from campaigns.landing_figures import PageFigures, page_figures, sources_of
from campaigns.landing_pages import preview_context
from campaigns.models import LandingPage
from campaigns.services.landing_pages import (
    close_landing_page,
    create_landing_page,
    edit_landing_page,
    open_landing_page,
)
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figure_files import wanted_file
from operations.figures import Chart, Column, Delta, Series, Table

MOVES: dict[str, tuple[Callable, Any]] = {
    "open": (open_landing_page, gettext_lazy("Open: whoever has the address can ask for a code.")),
    "close": (close_landing_page, gettext_lazy("Closed: no more codes are given. Codes given stay good.")),
}
USUAL = {
    "title_it": "Il tuo sconto ti aspetta",
    "title_en": "Your discount is waiting",
    "introduction_it": "Lascia il tuo indirizzo: ti mandiamo il codice in un minuto.",
    "introduction_en": "Leave your address: we send you the code in a minute.",
}


@admin.register(LandingPage)
class LandingPageAdmin(PageMixin, ModelAdmin):
    """Public pages that give a code to who confirms an address."""

    list_display = ["name", "state", "promotion", "campaign", "codes", "starts_at", "ends_at"]
    list_filter = ["status"]
    list_select_related = ["promotion", "campaign"]
    list_per_page = 25
    search_fields = ["code", "name"]
    ordering = ["-id"]
    list_before_template = "campaigns/landing_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(require_POST(self.preview)), name="campaigns_landingpage_preview"),
            path("<int:pk>/edit/", wrap(self.edit_view), name="campaigns_landingpage_edit"),
            path("<int:pk>/look/", wrap(require_safe(self.look)), name="campaigns_landingpage_look"),
            path("<int:pk>/numbers/", wrap(require_safe(self.numbers)), name="campaigns_landingpage_numbers"),
            path("<int:pk>/qr.svg", wrap(require_safe(self.picture)), name="campaigns_landingpage_picture"),
            path(
                "<int:pk>/move/<slug:move>/",
                wrap(require_POST(self.move)),
                name="campaigns_landingpage_move",
            ),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: LandingPage | None = None) -> bool:
        return False  # Its address is printed somewhere: it is closed instead.

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DRAFT": "info", "OPEN": "success", "CLOSED": "warning"},
    )
    def state(self, page: LandingPage) -> tuple[str, str]:
        if page.status == LandingPage.Status.OPEN and not page.is_open(timezone.now()):
            ahead = page.starts_at and page.starts_at > timezone.now()
            return LandingPage.Status.CLOSED, _("Not yet") if ahead else _("Over")
        return page.status, page.get_status_display()

    @admin.display(description=gettext_lazy("codes given"), ordering="given")
    def codes(self, page: LandingPage) -> str:
        if page.first_count is None:
            return formats.number(page.given)
        words = {"given": formats.number(page.given), "all": formats.number(page.first_count)}
        return _("%(given)s of %(all)s") % words

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write a landing page down as a draft."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        chosen = {name: request.GET.get(name, "")[:20] for name in ("campaign", "promotion")}
        form = LandingPageForm(request.POST or None, initial=USUAL | chosen)
        if request.method == "POST" and form.is_valid():
            try:
                page = create_landing_page(
                    form.cleaned_data["code"],
                    name=form.cleaned_data["name"],
                    terms=form.terms(),
                    by=request.user,
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved as a draft. Look it over, then open it."))
                return redirect(page_of(page))
        context = {"form": form, "languages": LANGUAGES}
        return self._page(request, "campaigns/landing_edit.html", _("New landing page"), context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self._changeable(request, pk)
        form = LandingPageForm(request.POST or None, page=page)
        if request.method == "POST" and form.is_valid():
            try:
                edit_landing_page(
                    page,
                    name=form.cleaned_data["name"],
                    terms=form.terms(),
                    by=request.user,
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved: people see it like this from now on."))
                return redirect(page_of(page))
        context = {"form": form, "landing": page, "languages": LANGUAGES}
        return self._page(request, "campaigns/landing_edit.html", page.name, context, page)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what came of it, where people came from, and how it looks."""
        page = self.get_object(request, object_id)
        if page is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, page):
            raise PermissionDenied
        figures = page_figures(page)
        context = {
            "landing": page,
            "is_open": page.is_open(timezone.now()),
            "figures": strip_of(page, figures),
            "funnel": _funnel(figures) if figures.visits or figures.asked else None,
            "sources": _sources(page),
            "languages": LANGUAGES,
            "picture": segno.make(_poster_url(page), error="m", micro=False).svg_data_uri(scale=4),
            "poster_url": _poster_url(page),
            "may_change": self.has_change_permission(request, page),
        }
        wanted = wanted_file(request, context)
        return wanted or self._page(request, "campaigns/landing.html", page.name, context, page)

    def numbers(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer the strip of figures alone: the page asks for it again while it is open."""
        page = self._seen(request, pk)
        context = {
            "landing": page,
            "figures": strip_of(page, page_figures(page)),
            "is_open": page.is_open(timezone.now()),
        }
        return render(request, "campaigns/landing_numbers.html", context)

    def picture(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the page's address as a QR to be printed."""
        page = self._seen(request, pk)
        drawn = segno.make(_poster_url(page), error="m", micro=False).svg_inline(scale=10, border=4)
        answer = HttpResponse(drawn, content_type="image/svg+xml")
        answer["Content-Disposition"] = f'attachment; filename="{page.code}.svg"'
        return answer

    def look(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page as people see it, in the language of the address."""
        return _previewed(request, self._seen(request, pk))

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Show the page that the editor's form would make, written or not."""
        if not self.has_add_permission(request) and not self.has_change_permission(request):
            raise PermissionDenied
        form = LandingPageForm(request.POST)
        form.fields.pop("code")
        form.fields["name"].required = form.fields["promotion"].required = False
        if not form.is_valid():
            return render(request, "campaigns/landing_preview_problem.html", {"form": form}, status=422)
        given = form.cleaned_data
        page = LandingPage(
            code="preview",
            first_count=given["first_count"],
            shows_count=given["shows_count"],
            countries=list(given["countries"]),
            asks_name=given["asks_name"],
            asks_consent=given["asks_consent"],
            shows_stores=given["shows_stores"] or 0,
            **{name: {language: given[f"{name}_{language}"] for language in LANGUAGES} for name in TEXTS},
        )
        return _previewed(request, page)

    def move(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        page = self._changeable(request, pk)
        service, done = MOVES.get(move, (None, ""))
        if service:
            try:
                service(page, by=request.user, at=timezone.now())
            except FidelioError as error:
                messages.error(request, str(error.message))
            else:
                messages.success(request, str(done))
        return redirect(page_of(page))

    def _seen(self, request: HttpRequest, pk: int) -> LandingPage:
        page = get_object_or_404(LandingPage.objects.select_related("campaign"), pk=pk)
        if not self.has_view_permission(request, page):
            raise PermissionDenied
        return page

    def _changeable(self, request: HttpRequest, pk: int) -> LandingPage:
        page = self._seen(request, pk)
        if not self.has_change_permission(request, page):
            raise PermissionDenied
        return page


def page_of(page: LandingPage) -> str:
    return reverse("admin:campaigns_landingpage_change", args=[page.pk])


def strip_of(page: LandingPage, figures: PageFigures) -> list[Delta]:
    """Return the headline figures of a page."""
    number = formats.number
    left = (
        _("%(left)s of %(all)s left") % {"left": number(page.left), "all": number(page.first_count)}
        if page.first_count is not None
        else ""
    )
    shown = [
        Delta(_("Visits"), number(figures.visits), icon="web"),
        Delta(
            _("Asked for a code"),
            number(figures.asked),
            hint=_not_confirmed(figures.waiting) if figures.waiting else "",
            icon="mail",
        ),
        Delta(_("Codes given"), number(figures.given), hint=left, icon="confirmation_number"),
        Delta(pgettext("how many", "Redeemed"), number(figures.redeemed), icon="redeem"),
    ]
    if page.shares:
        shown.append(Delta(_("Brought by others"), number(figures.shared), icon="share"))
    if figures.refused:
        shown.append(Delta(_("Got nothing"), number(figures.refused), icon="block"))
    return shown


def _not_confirmed(waiting: int) -> str:
    text = ngettext("%(count)s has not confirmed", "%(count)s have not confirmed", waiting)
    return text % {"count": formats.number(waiting)}


def _funnel(figures: PageFigures) -> Chart:
    steps = [
        (_("Visits"), max(figures.visits, figures.asked)),
        (_("Asked for a code"), figures.asked),
        (_("Codes given"), figures.given),
        (pgettext("how many", "Redeemed"), figures.redeemed),
    ]
    return Chart(
        title=_("From the visit to the purchase"),
        labels=[label for label, _value in steps],
        series=[Series(_("People"), [value for _label, value in steps])],
        kind="funnel",
        key="funnel",
    )


def _sources(page: LandingPage) -> Table:
    return Table(
        [Column(_("UTM source")), Column(_("Site")), Column(_("Visits"), numeric=True)],
        [
            [source or "–", host or _("typed, scanned or unknown"), formats.number(visits)]
            for source, host, visits in sources_of(page)
        ],
        caption=_("Where people came from"),
        empty_title=_("Nobody has come yet"),
        empty_text=_("Print the QR, post the address, or put it into a mail."),
        key="sources",
    )


def _poster_url(page: LandingPage) -> str:
    return f"{page.url}?utm_source=qr&utm_medium=print&utm_campaign={page.code}"


def _previewed(request: HttpRequest, page: LandingPage) -> HttpResponse:
    language = request.GET.get("lang", "")
    language = language if language in LANGUAGES else LANGUAGES[0]
    with translation.override(language):
        return render(request, "campaigns/landing_form.html", preview_context(page, language))
