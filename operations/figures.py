"""What a page shows beside text: figures of a strip, charts, tables. Plain values; templates draw them.

`fidelio/partials/strip.html`, `chart.html` and `table.html` take these; docs/console.md shows how.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import get_currency_precision
from django.conf import settings


@dataclass(frozen=True)
class Delta:
    """A headline figure with its change against the period before.

    `delta` is relative (0.05 is +5 %); `better` says which direction is good news: up, down or neither.
    """

    label: str
    value: str
    delta: float | None = None
    better: str = "up"
    against: str = ""
    hint: str = ""
    icon: str = ""
    url: str = ""


@dataclass(frozen=True)
class Series:
    """One line or group of bars: as many values as the chart has labels. None is a gap."""

    name: str
    values: list[float | int | None]
    colour: int = 0


@dataclass(frozen=True)
class Chart:
    """A line or bar chart. Values are in `unit`: number, percent (0..1) or money (minor units)."""

    title: str
    labels: list[str]
    series: list[Series]
    kind: str = "line"
    unit: str = "number"
    axis: str = ""
    stacked: bool = False
    small: bool = False

    @property
    def rows(self) -> list[tuple[str, list[float | int | None]]]:
        """Return the same numbers as rows of a table."""
        columns = [one.values for one in self.series]
        return [(label, [values[index] for values in columns]) for index, label in enumerate(self.labels)]

    @property
    def as_json(self) -> str:
        """Return what charts.js draws."""
        currency = settings.PROGRAMME_CURRENCY
        return json.dumps(
            {
                "kind": self.kind,
                "labels": [str(label) for label in self.labels],
                "unit": self.unit,
                "currency": currency,
                "minor": 10 ** get_currency_precision(currency),
                "stacked": self.stacked,
                "series": [
                    {"name": str(one.name), "values": one.values, "colour": one.colour or index}
                    for index, one in enumerate(self.series, start=1)
                ],
            },
            default=float,
        )


@dataclass(frozen=True)
class Column:
    label: str
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell with a link, or with a badge when it has a tone: good, bad, warn, info, accent."""

    text: str
    url: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; a cell is ready text or a Cell. `caption` is read by screen readers."""

    columns: list[Column]
    rows: list[list[Any]] = field(default_factory=list)
    caption: str = ""
    empty_title: str = ""
    empty_text: str = ""
    empty_icon: str = "inbox"

    @property
    def aligned_rows(self) -> list[list[tuple[Column, Any]]]:
        """Return the rows with each cell beside its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]
