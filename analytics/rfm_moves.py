"""What the page of moves shows: bands between the segments, the matrix, and the largest moves."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from analytics.flows import Drawing, Place, draw_flows
from analytics.models import RfmModel
from analytics.services import segment_migration
from analytics.services.migration import Migration
from operations import formats
from operations.figures import Cell, Chart, ChartKind, Column, Delta, Series, Table

OUTSIDE = ""
OUTSIDE_COLOUR = "#94a3b8"
MOVES_LISTED = 12


@dataclass(frozen=True)
class Moves:
    """The migration between two days, ready to be shown; `drawing` is None where nobody was scored."""

    migration: Migration
    figures: list[Delta]
    drawing: Drawing | None
    matrix: Chart
    table: Table


def moves_between(model: RfmModel, from_: date, to: date) -> Moves:
    """Return the moves of a model's customers between two days."""
    migration = segment_migration(model, from_=from_, to=to)
    places = _places(model, migration)
    return Moves(
        migration=migration,
        figures=_figures(places, migration),
        drawing=draw_flows(places, migration.customers),
        matrix=_matrix(places, migration),
        table=_largest(places, migration),
    )


def _places(model: RfmModel, migration: Migration) -> list[Place]:
    """Return the segments in the order of the map, then those it had once, then being outside of all."""
    segments = model.segments.segments
    known = {segment.code for segment in segments}
    seen = {code for pair in migration.customers for code in pair}
    former = [model.segments.by_code(code) for code in sorted(seen - known - {OUTSIDE})]
    places = [Place(one.code, str(one.label), one.colour) for one in (*segments, *former)]
    return [*places, Place(OUTSIDE, _("Not a buyer"), OUTSIDE_COLOUR)]


def _figures(places: list[Place], migration: Migration) -> list[Delta]:
    rank = {place.code: position for position, place in enumerate(places)}
    inside = {pair: count for pair, count in migration.customers.items() if OUTSIDE not in pair}
    there = sum(inside.values())
    sums = {
        "stayed": sum(count for (old, new), count in inside.items() if old == new),
        "up": sum(count for (old, new), count in inside.items() if rank[new] < rank[old]),
        "down": sum(count for (old, new), count in inside.items() if rank[new] > rank[old]),
    }
    came = sum(count for (old, _new), count in migration.customers.items() if old == OUTSIDE)
    went = sum(count for (_old, new), count in migration.customers.items() if new == OUTSIDE)

    def figure(label: str, count: int, hint: str) -> Delta:
        share = formats.percent(count / there) if there else formats.NOTHING
        return Delta(label, formats.number(count), hint=hint % {"share": share})

    return [
        figure(_("Stayed"), sums["stayed"], _("%(share)s of those in both")),
        figure(_("Moved up"), sums["up"], _("%(share)s, to a better segment")),
        figure(_("Moved down"), sums["down"], _("%(share)s, to a worse segment")),
        Delta(_("Came in"), formats.number(came), hint=_("bought for the first time, or again")),
        Delta(_("Went out"), formats.number(went), hint=_("no order of theirs counts any more")),
    ]


def _matrix(places: list[Place], migration: Migration) -> Chart:
    """Rows are the segments then, columns those now; the darkest cell is the largest move, not who stayed."""
    rows = [place for place in places if any(old == place.code for old, _new in migration.customers)]
    columns = [place for place in places if any(new == place.code for _old, new in migration.customers)]
    moved = [count for (old, new), count in migration.customers.items() if old != new]
    return Chart(
        title=_("Customers by segment then (rows) and now (columns)"),
        labels=[place.label for place in rows],
        series=[
            Series(column.label, [migration.customers.get((row.code, column.code)) for row in rows])
            for column in columns
        ],
        kind=ChartKind.HEAT,
        axis=_("Then, down; now, across"),
        key="matrix",
        highest=max(moved, default=None),
    )


def _largest(places: list[Place], migration: Migration) -> Table:
    labels = {place.code: place.label for place in places}
    before: dict[str, int] = {}
    for (old, _new), count in migration.customers.items():
        before[old] = before.get(old, 0) + count
    moves = sorted(
        ((count, old, new) for (old, new), count in migration.customers.items() if old != new),
        key=lambda move: (-move[0], move[1], move[2]),
    )
    return Table(
        columns=[
            Column(_("Then")), Column(_("Now")), Column(_("Customers"), numeric=True),
            Column(_("Of the segment then"), numeric=True),
        ],
        rows=[
            [
                labels[old],
                labels[new],
                Cell(formats.number(count), value=count),
                Cell(formats.percent(count / before[old]), value=count / before[old]),
            ]
            for count, old, new in moves[:MOVES_LISTED]
        ],
        caption=_("The largest moves"),
        key="moves",
        empty_title=_("Nobody moved"),
        empty_text=_("Between these days every customer stayed in their segment."),
        empty_icon="moving",
    )  # fmt: skip
