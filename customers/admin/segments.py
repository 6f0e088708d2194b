"""Segments in the console: the list, one segment, its form with a live check, why somebody is in it."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers import services
from customers.admin.periods import chosen_days
from customers.admin.segment_builder import known_values_view
from customers.admin.segment_decisions import decide_view
from customers.admin.segment_forms import SegmentForm, asked_kind, initial_values, values_of
from customers.admin.segment_overlap import overlap_context
from customers.admin.segment_page import PERIODS, page_context, reach_table, sentence_or_none
from customers.errors import RulesTooExpensive
from customers.models import Customer, Segment
from customers.segments.explanations import with_words
from customers.segments.starters import STARTERS
from customers.services.segments import SegmentChange
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError, InvalidInput, Mistake
from operations.figure_files import wanted_file

# What a live count may take: a longer one would only pile up while somebody types.
CHECK_SECONDS = 8


class SegmentChangeList(ChangeList):
    """The list with how many of each segment's members can be reached by e-mail, in one statement."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        segments = list(self.result_list)
        counts = services.count_reachable_members(segments)
        for segment in segments:
            segment.reachable = counts[segment.pk]
        self.result_list = segments


@admin.register(Segment)
class SegmentAdmin(PageMixin, ModelAdmin):
    list_display = ["name", "shown_kind", "members", "by_email", "refreshed"]
    list_filter = ["kind", "active"]
    list_filter_submit = True
    list_per_page = 25
    search_fields = ["code", "name"]

    @display(
        description=gettext_lazy("kind"),
        ordering="kind",
        label={"RULE": "info", "RFM": "success", "MANUAL": "warning"},
    )
    def shown_kind(self, segment: Segment) -> tuple[str, str]:
        return segment.kind, segment.get_kind_display()

    @admin.display(description=gettext_lazy("size"), ordering="size")
    def members(self, segment: Segment) -> str:
        return formats.number(segment.size)

    @admin.display(description=gettext_lazy("reachable by e-mail"))
    def by_email(self, segment: Segment) -> str:
        share = segment.reachable / segment.size if segment.size else None
        return f"{formats.number(segment.reachable)} · {formats.percent(share, 0)}"

    @admin.display(description=gettext_lazy("refreshed"), ordering="refreshed_at")
    def refreshed(self, segment: Segment) -> str:
        return formats.since(segment.refreshed_at)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentChangeList

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("check/", wrap(require_POST(self.check_view)), name="customers_segment_check"),
            path("values/", wrap(self.values_view), name="customers_segment_values"),
            path("decide/", wrap(require_POST(decide_view)), name="customers_segment_decide"),
            path("overlap/", wrap(self.overlap_view), name="customers_segment_overlap"),
            path("<int:pk>/edit/", wrap(self.edit_view), name="customers_segment_edit"),
            path(
                "<int:pk>/refresh/", wrap(require_POST(self.refresh_view)), name="customers_segment_refresh"
            ),
            path("<int:pk>/why/<int:customer_pk>/", wrap(self.why_view), name="customers_segment_why"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the segment in words, its size over time, whom it reaches and who is in it."""
        segment = self.get_object(request, object_id)
        if segment is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, segment):
            raise PermissionDenied
        context = page_context(segment, days=chosen_days(request.GET.get("days", ""), PERIODS))
        return wanted_file(request, context) or self._page(
            request, "customers/segment.html", segment.name, context, segment
        )

    def overlap_view(self, request: HttpRequest) -> HttpResponse:
        """Lay two segments over each other."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(
            request, "customers/segment_overlap.html", _("Compare segments"), overlap_context(request)
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Define a segment by its rules; a starter or a cell of the RFM map fills them in."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SegmentForm(request.POST or None, kind=asked_kind(request), initial=initial_values(request))
        if request.method == "POST" and form.is_valid():
            segment = self._create(request, form)
            if segment:
                return redirect(_url(segment))
        starters = _starters() if form.kind == Segment.Kind.RULE else []
        context = {"form": form, "starters": starters, "chosen": request.GET.get("starter", "")}
        return self._page(request, "customers/segment_form.html", _("New segment"), context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a segment's words or rules; new rules wait for the next refresh."""
        segment = get_object_or_404(Segment, pk=pk)
        if not self.has_change_permission(request, segment):
            raise PermissionDenied
        form = SegmentForm(request.POST or None, segment=segment, initial=values_of(segment))
        if request.method == "POST" and form.is_valid() and self._edit(request, segment, form):
            return redirect(_url(segment))
        context = {"form": form, "segment": segment}
        return self._page(request, "customers/segment_form.html", segment.name, context, segment)

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the form's live check: the rules in words, how many fit, and whom they reach."""
        if not request.user.has_perm("customers.view_segment"):
            raise PermissionDenied
        return TemplateResponse(request, "customers/segment_check.html", _checked(request))

    def values_view(self, request: HttpRequest) -> HttpResponse:
        """Answer what a field of free text is known to hold, for the builder to offer."""
        if not request.user.has_perm("customers.view_segment"):
            raise PermissionDenied
        return known_values_view(request)

    def refresh_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=pk)
        if not self.has_change_permission(request, segment):
            raise PermissionDenied
        try:
            change = services.refresh_segment(segment, at=timezone.now(), announce=True)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _change_words(change))
        return redirect(_url(segment))

    def why_view(self, request: HttpRequest, pk: int, customer_pk: int) -> HttpResponse:
        """Answer why one customer is in the segment: each condition with what is true of them."""
        if not request.user.has_perm("customers.view_segmentmembership"):
            raise PermissionDenied
        segment = get_object_or_404(Segment, pk=pk)
        customer = get_object_or_404(Customer, pk=customer_pk)
        explained = services.explain_membership(segment, customer, as_of=timezone.now())
        context = {"segment": segment, "customer": customer, "why": with_words(segment, explained)}
        return TemplateResponse(request, "customers/segment_why.html", context)

    def _create(self, request: HttpRequest, form: SegmentForm) -> Segment | None:
        given = form.cleaned_data
        try:
            with transaction.atomic():
                segment = services.create_segment(
                    code=given["code"],
                    name=given["name"],
                    description=given["description"],
                    kind=form.kind,
                    rules=given.get("rules"),
                    refresh=given.get("refresh") or Segment.Refresh.NIGHTLY,
                )
                if form.kind == Segment.Kind.RULE:
                    services.refresh_segment(segment, at=timezone.now())
                segment.refresh_from_db()
        except FidelioError as error:
            form.show(error)
            return None
        saved = ngettext("Saved, with %(size)s member.", "Saved, with %(size)s members.", segment.size)
        messages.success(request, saved % {"size": formats.number(segment.size)})
        return segment

    def _edit(self, request: HttpRequest, segment: Segment, form: SegmentForm) -> bool:
        given = form.cleaned_data
        try:
            services.edit_segment(
                segment,
                name=given["name"],
                description=given["description"],
                active=given["active"],
                rules=given.get("rules"),
                refresh=given.get("refresh"),
                announce=given.get("announce", False),
            )
        except FidelioError as error:
            form.show(error)
            return False
        messages.success(request, _("Saved. New rules take effect with the next refresh."))
        return True


def _url(segment: Segment) -> str:
    return reverse("admin:customers_segment_change", args=[segment.pk])


def _starters() -> list[dict[str, Any]]:
    """Return the templates to start from, each with its rules in words."""
    return [{"code": one.code, "name": one.name, "sentence": sentence_or_none(one.rules)} for one in STARTERS]


def _checked(request: HttpRequest) -> dict[str, Any]:
    """Return the live answer to rules: in words, how many they hold and whom they reach, or what is wrong."""
    try:
        rules = json.loads(request.POST.get("rules", ""))
        sentence = sentence_or_none(rules)
        preview = services.preview_segment(rules, as_of=timezone.now(), seconds=CHECK_SECONDS)
    except (ValueError, RecursionError) as error:
        return {"problems": [Mistake("", _("This is not valid JSON: %(error)s") % {"error": error})]}
    except InvalidInput as error:
        return {"problems": error.details}
    except RulesTooExpensive:
        return {"sentence": sentence, "too_long": True}
    seen = request.user.has_perm("customers.view_customer")
    return {
        "sentence": sentence,
        "count": preview.count,
        "reach": reach_table(preview.reachability),
        "sample": preview.sample if seen else [],
    }


def _change_words(change: SegmentChange) -> str:
    words = ngettext(
        "%(size)s customer: %(entered)s entered, %(left)s left.",
        "%(size)s customers: %(entered)s entered, %(left)s left.",
        change.size,
    )
    return words % {
        "size": formats.number(change.size),
        "entered": formats.number(change.entered),
        "left": formats.number(change.left),
    }
