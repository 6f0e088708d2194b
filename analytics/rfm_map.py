"""What the RFM map shows: the grid of recency by frequency, the segments, the thresholds and the runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.models import RfmModel, RfmRun
from analytics.rules import CODES, SCORES, RfmSegment
from analytics.services.kpis import average
from analytics.words import bands
from customers.models import Segment
from operations import formats
from operations.figures import Cell, Column, Table

RUNS_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """A segment's share of one cell of the grid."""

    segment: RfmSegment
    customers: int
    share: float


@dataclass(frozen=True)
class GridCell:
    """Customers with one R and one F: how many, their average spending (minor units), their segments."""

    r: int
    f: int
    customers: int
    share: float
    average_amount: int | None
    parts: list[Part]
    url: str
    average_m: float | None = None

    @property
    def scores(self) -> str:
        return f"r{self.r} f{self.f}"

    @property
    def title(self) -> str:
        """Return its segments with their sizes in words."""
        return ", ".join(f"{part.segment.label}: {formats.number(part.customers)}" for part in self.parts)

    @property
    def main(self) -> RfmSegment | None:
        """Return the segment most of them are in."""
        return self.parts[0].segment if self.parts else None


@dataclass(frozen=True)
class SegmentRow:
    """A segment with its size, its change since the run before, its part of the revenue, and where to go."""

    segment: RfmSegment
    customers: int
    share: float
    change: int | None
    revenue_share: float
    average_amount: int | None
    url: str
    campaign_url: str


def rfm_map(model: RfmModel, run: RfmRun, *, user: AbstractBaseUser) -> dict[str, Any]:
    """Return the context of the map of one finished run."""
    rows = grid(run)
    cells = [cell for row in rows for cell in row]
    segments = segment_rows(run, user=user)
    return {
        "rows": rows,
        "map_table": _map_table(cells),
        "segments_table": _segments_table(segments),
        "busiest": max(cell.customers for cell in cells),
        "dearest": max(cell.average_amount or 0 for cell in cells),
        "average_sum": run.score_sums["sum"] / run.population if run.population else None,
        "segments": segments,
        "bands": bands(run),
        "scores": range(1, SCORES + 1),
        "letters": ["r", "f", "m", "e"],
    }


def grid(run: RfmRun) -> list[list[GridCell]]:
    """Return the cells of a run: a row for each frequency, the highest first, recency from left to right."""
    return [[_grid_cell(run, r, f) for r in range(1, SCORES + 1)] for f in range(SCORES, 0, -1)]


def segment_rows(run: RfmRun, *, user: AbstractBaseUser) -> list[SegmentRow]:
    """Return every segment of a run in the order of the map, empty ones too."""
    previous = _run_before(run)
    ids = dict(
        Segment.objects.filter(code__startswith=f"{run.model.code}--").values_list("code", "pk")
        if user.has_perm("campaigns.add_campaign")
        else []
    )
    return [_segment_row(run, previous, segment, ids) for segment in run.model.segments.segments]


def _map_table(cells: list[GridCell]) -> Table:
    return Table(
        columns=[
            Column("R"), Column("F"), Column(_("Customers"), numeric=True), Column(_("Share"), numeric=True),
            Column(_("Average value"), numeric=True), Column(_("M score"), numeric=True),
            Column(_("Segment")),
        ],
        rows=[
            [
                cell.r,
                cell.f,
                Cell(formats.number(cell.customers), url=cell.url, value=cell.customers),
                Cell(formats.percent(cell.share), value=round(cell.share, 4)),
                _money(cell.average_amount),
                formats.NOTHING if cell.average_m is None else formats.number(cell.average_m, 1),
                cell.main.label if cell.main else "",
            ]
            for cell in cells
        ],
        caption=_("Customers and their average spending by frequency (rows) and recency (columns)"),
        key="map",
    )  # fmt: skip


def _segments_table(segments: list[SegmentRow]) -> Table:
    """Return the numbers of the segments for a file; the page draws them with swatches and buttons."""
    return Table(
        columns=[
            Column(_("Segment")), Column(_("Customers"), numeric=True), Column(_("Share"), numeric=True),
            Column(_("Difference"), numeric=True), Column(_("Of revenue"), numeric=True),
            Column(_("Average"), numeric=True), Column(_("What to do")),
        ],
        rows=[
            [
                row.segment.label,
                row.customers,
                round(row.share, 4),
                row.change,
                round(row.revenue_share, 4),
                _money(row.average_amount),
                row.segment.advice,
            ]
            for row in segments
        ],
        caption=_("Size, revenue and advice of every segment"),
        key="segments",
    )  # fmt: skip


def _money(amount: int | None) -> Cell:
    if amount is None:
        return Cell(formats.NOTHING, value="")
    return Cell(formats.whole_money(amount), value=formats.major(amount))


def scores_url(model: RfmModel, **filters: Any) -> str:
    """Return the address of the customers of a model with these scores or in this segment."""
    query = {"model__id__exact": model.pk} | {
        name if "__" in name else f"{name}__exact": value for name, value in filters.items()
    }
    return f"{reverse('admin:analytics_rfmscore_changelist')}?{urlencode(query)}"


def _segment_row(
    run: RfmRun, previous: RfmRun | None, segment: RfmSegment, ids: dict[str, int]
) -> SegmentRow:
    # Of whoever is in the segment, as its list shows: today's scores may already name another one for some.
    customers = run.segment_sizes.get(segment.code, 0)
    amount = run.segment_amounts.get(segment.code, 0)
    stored = ids.get(run.model.segment_code(segment.code))
    return SegmentRow(
        segment=segment,
        customers=customers,
        share=customers / run.population if run.population else 0,
        change=customers - previous.segment_sizes.get(segment.code, 0) if previous else None,
        revenue_share=amount / run.net_amount if run.net_amount else 0,
        average_amount=average(amount, customers),
        url=scores_url(run.model, segment=segment.code),
        campaign_url=_campaign_url(stored) if stored else "",
    )


def _campaign_url(segment_id: int) -> str:
    return f"{reverse('admin:campaigns_campaign_add')}?segment={segment_id}"


def _run_before(run: RfmRun) -> RfmRun | None:
    earlier = run.model.runs.done().filter(finished_at__lt=run.finished_at)
    return earlier.exclude(as_of=run.as_of).first()


def _grid_cell(run: RfmRun, r: int, f: int) -> GridCell:
    codes = [code for code in CODES if code.startswith(f"{r}{f}")]
    customers, amount = _sum(run, codes)
    return GridCell(
        r=r,
        f=f,
        customers=customers,
        share=customers / run.population if run.population else 0,
        average_amount=average(amount, customers),
        average_m=sum(int(code[2]) * _sum(run, [code])[0] for code in codes) / customers
        if customers
        else None,
        parts=_parts(run, codes, customers),
        url=scores_url(run.model, r=r, f=f),
    )


def _parts(run: RfmRun, codes: list[str], customers: int) -> list[Part]:
    sizes: dict[str, int] = {}
    for code in codes:
        segment = run.model.segments.of(code).code
        sizes[segment] = sizes.get(segment, 0) + _sum(run, [code])[0]
    parts = [
        Part(run.model.segments.by_code(segment), size, size / customers)
        for segment, size in sizes.items()
        if size
    ]
    return sorted(parts, key=lambda part: -part.customers)


def _sum(run: RfmRun, codes: Iterable[str]) -> tuple[int, int]:
    """Return (customers, net amount) of these codes."""
    cells = [run.cells.get(code, (0, 0)) for code in codes]
    return sum(customers for customers, _amount in cells), sum(amount for _customers, amount in cells)
