"""Segment maps in the console: the list, and an editor that paints codes in the colours of segments."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from analytics import services
from analytics.admin.segment_map_forms import SegmentMapForm
from analytics.models import RfmSegmentMap
from analytics.rules import SCORES, RfmSegment
from analytics.services.segment_maps import SegmentDraft, drafts_of
from operations.errors import FidelioError

MAY_SEE, MAY_ADD, MAY_CHANGE, MAY_DELETE = (
    f"analytics.{act}_rfmsegmentmap" for act in ("view", "add", "change", "delete")
)
KINDS = {
    RfmSegmentMap.Kind.CODES: gettext_lazy("Each of the 125 codes of R, F and M is in one segment."),
    RfmSegmentMap.Kind.GRID: gettext_lazy("Each of the 25 cells of R and F is in one segment."),
    RfmSegmentMap.Kind.R_FM: gettext_lazy("Each of the 25 cells of R and the mean of F and M is in one."),
}


@dataclass(frozen=True)
class MapRow:
    """A map in the list: its segments in their colours, each with its share of the codes, and who uses it."""

    map: RfmSegmentMap
    segments: list[tuple[RfmSegment, float]]
    models: list[str]
    url: str


class SegmentMapsView(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("Segment maps")
    permission_required = MAY_SEE
    template_name = "analytics/segment_maps.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = RfmSegmentMap.objects.prefetch_related("parts", "models").order_by("-built_in", "pk")
        return super().get_context_data(**kwargs, rows=[_row(row) for row in rows], kinds=list(KINDS.items()))


class SegmentMapPage(UnfoldModelAdminViewMixin, FormView):
    """What a new map's and an old one's editor share: the grid to paint on."""

    template_name = "analytics/segment_map.html"
    form_class = SegmentMapForm

    @cached_property
    def map(self) -> RfmSegmentMap | None:
        return get_object_or_404(RfmSegmentMap, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    @property
    def kind(self) -> str:
        raise NotImplementedError

    def get_form_kwargs(self) -> dict[str, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        return {"data": data, **self.beginning()}

    def beginning(self) -> dict[str, Any]:
        """Return the name and the segments that the form begins with."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            map=self.map,
            kind=self.kind,
            kind_words=KINDS[self.kind],
            grid=grid_of(self.kind),
            scores=range(1, SCORES + 1),
            second="F" if self.kind != RfmSegmentMap.Kind.R_FM else "FM",
            used_by=list(self.map.models.values_list("name", flat=True)) if self.map else [],
        )

    def form_valid(self, form: SegmentMapForm) -> HttpResponse:
        try:
            saved = self.save(form.cleaned_data["name"], form.drafts())
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, self.said(saved))
        return redirect(reverse("admin:analytics_rfmsegmentmap_changelist"))

    def save(self, name: str, drafts: list[SegmentDraft]) -> RfmSegmentMap:
        raise NotImplementedError

    def said(self, saved: RfmSegmentMap) -> str:
        raise NotImplementedError


class NewSegmentMapView(SegmentMapPage):
    """A map from nothing, or one like another."""

    title = gettext_lazy("New segment map")
    permission_required = MAY_ADD

    @cached_property
    def original(self) -> RfmSegmentMap | None:
        asked = self.request.GET.get("copy", "")
        known = asked.isascii() and asked.isdigit() and len(asked) < 19
        return RfmSegmentMap.objects.filter(pk=int(asked)).first() if known else None

    @property
    def kind(self) -> str:
        if self.original:
            return self.original.kind
        asked = self.request.GET.get("kind", "")
        return asked if asked in RfmSegmentMap.Kind.values else RfmSegmentMap.Kind.CODES

    def beginning(self) -> dict[str, Any]:
        if not self.original:
            return {"name": "", "drafts": []}
        return {"name": _("Copy of %(map)s") % {"map": self.original}, "drafts": drafts_of(self.original)}

    def save(self, name: str, drafts: list[SegmentDraft]) -> RfmSegmentMap:
        code = free_code(name)
        return services.create_segment_map(code, name=name, kind=self.kind, segments=drafts)

    def said(self, saved: RfmSegmentMap) -> str:
        return _("The map is saved. Choose it in a model to see its segments.")


class SegmentMapView(SegmentMapPage):
    """One map; those built in can be looked at and copied."""

    permission_required = MAY_SEE

    @property
    def title(self) -> str:
        return str(self.map)

    @property
    def kind(self) -> str:
        return self.map.kind

    def beginning(self) -> dict[str, Any]:
        return {"name": str(self.map), "drafts": drafts_of(self.map)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        editable = not self.map.built_in and self.request.user.has_perm(MAY_CHANGE)
        return super().get_context_data(**kwargs, read_only=not editable)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def save(self, name: str, drafts: list[SegmentDraft]) -> RfmSegmentMap:
        return services.edit_segment_map(self.map, name=name, segments=drafts)

    def said(self, saved: RfmSegmentMap) -> str:
        if saved.models.exists():
            return _("The map is saved; customers are in its segments from the next run of its models on.")
        return _("The map is saved.")


@admin.register(RfmSegmentMap)
class RfmSegmentMapAdmin(ModelAdmin):
    """Segment maps, through pages of their own."""

    def get_urls(self) -> list[URLPattern]:
        def page(view: type) -> Any:
            return self.admin_site.admin_view(view.as_view(model_admin=self))

        return [
            path("", page(SegmentMapsView), name="analytics_rfmsegmentmap_changelist"),
            path("add/", page(NewSegmentMapView), name="analytics_rfmsegmentmap_add"),
            path("<int:pk>/change/", page(SegmentMapView), name="analytics_rfmsegmentmap_change"),
            path(
                "<int:pk>/remove/",
                self.admin_site.admin_view(require_POST(self.remove_view)),
                name="analytics_rfm_map_remove",
            ),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: RfmSegmentMap | None = None) -> bool:
        return False  # `remove_view` asks first whether a model uses it.

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(MAY_DELETE):
            raise PermissionDenied
        row = get_object_or_404(RfmSegmentMap, pk=pk)
        try:
            services.delete_segment_map(row)
        except FidelioError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("The map is gone."))
        return redirect(reverse("admin:analytics_rfmsegmentmap_changelist"))


def grid_of(kind: str) -> list[list[list[str]]]:
    """Return the codes of each cell, rows of the second score from best to worst, columns of R from worst.

    A cell of all 125 codes holds five, by M; a cell of a grid is its own code.
    """
    scores = range(1, SCORES + 1)
    if kind == RfmSegmentMap.Kind.CODES:
        return [[[f"{r}{second}{m}" for m in scores] for r in scores] for second in range(SCORES, 0, -1)]
    return [[[f"{r}{second}"] for r in scores] for second in range(SCORES, 0, -1)]


def free_code(name: str) -> str:
    """Return a code that says the name and that no map has."""
    stem = slugify(name)[:50].strip("-") or "map"
    if not any(letter.isalpha() for letter in stem):
        stem = f"map-{stem}"
    taken = set(RfmSegmentMap.objects.filter(code__startswith=stem).values_list("code", flat=True))
    codes = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(code for code in codes if code not in taken)


def _row(row: RfmSegmentMap) -> MapRow:
    segments = row.as_map().segments
    every = sum(len(segment.codes) for segment in segments)
    return MapRow(
        map=row,
        segments=[(segment, len(segment.codes) / every) for segment in segments],
        models=sorted(model.name for model in row.models.all()),
        url=reverse("admin:analytics_rfmsegmentmap_change", args=[row.pk]),
    )
