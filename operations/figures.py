"""What a page shows beside text: figures of a strip, charts, tables. Plain values; templates draw them.

`fidelio/partials/strip.html`, `chart.html` and `table.html` take these; docs/console.md shows how.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from babel.numbers import get_currency_precision
from django.conf import settings
from django.utils.translation import gettext as _


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
    """One line or group of bars: as many values as the chart has labels. None is a gap.

    `low` and `high` are the ends of an interval around each value. `dashed` is for what a line is compared
    with: the period before, a forecast. `shade` is the colour (#0f766e) of what has one of its own. `stepped`
    is for what stays until it jumps, as a price does.
    """

    name: str
    values: list[float | int | None]
    colour: int = 0
    low: list[float | int | None] | None = None
    high: list[float | int | None] | None = None
    dashed: bool = False
    shade: str = ""
    stepped: bool = False


class ChartKind(StrEnum):
    """How the numbers are drawn. HEAT and FUNNEL are HTML; the others a canvas with the table below it."""

    LINE = "line"
    BAR = "bar"
    BARS = "bars"  # Lying, for long labels.
    HEAT = "heat"  # A row for each label, a column for each series, coloured by value.
    FUNNEL = "funnel"  # A step for each label, of one series.
    INTERVAL = "interval"  # A point with whiskers for each label, from the series' low and high.


@dataclass(frozen=True)
class FunnelStep:
    """A step of a funnel: its value, as a share of the first step and of the step before."""

    label: str
    value: float | int
    share: float | None
    of_before: float | None


@dataclass(frozen=True)
class Chart:
    """Numbers to be drawn. Values are in `unit`: number, percent (0..1) or money (minor units).

    With a `key` the chart can be had as CSV (`operations.figure_files.ChartsPage`). `target` is drawn as a
    line across. `axis` says what the labels are, under the axis and over their column. `highest` is what the
    darkest cell of a heat map stands for; without it, the highest value.
    """

    title: str
    labels: list[str]
    series: list[Series]
    kind: str = "line"
    unit: str = "number"
    axis: str = ""
    stacked: bool = False
    small: bool = False
    key: str = ""
    target: float | int | None = None
    target_label: str = ""
    highest: float | int | None = None

    @property
    def rows(self) -> list[tuple[str, list[float | int | None]]]:
        """Return the same numbers as rows of a table, under `headings`."""
        columns = [values for one in self.series for values in _columns(one)]
        return [(label, [values[index] for values in columns]) for index, label in enumerate(self.labels)]

    @property
    def headings(self) -> list[str]:
        """Return the name of each column of `rows`; of an interval, its two ends follow the value."""
        found = []
        for one in self.series:
            found.append(str(one.name))
            if one.low is not None and one.high is not None:
                found += [f"{one.name}: {_('from')}", f"{one.name}: {_('to')}"]
        return found

    @property
    def hottest(self) -> float | int | None:
        """Return the value of the darkest cell of a heat map."""
        if self.highest is not None:
            return self.highest
        return max((value for one in self.series for value in one.values if value is not None), default=None)

    @property
    def steps(self) -> list[FunnelStep]:
        """Return the steps of a funnel."""
        values = self.series[0].values if self.series else []
        return [
            FunnelStep(
                label,
                value or 0,
                _share(value, values[0]) if number else 1.0,
                _share(value, values[number - 1]) if number else None,
            )
            for number, (label, value) in enumerate(zip(self.labels, values, strict=True))
        ]

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
                "axis": str(self.axis),
                "small": self.small,
                "target": self.target,
                "targetLabel": str(self.target_label or _("Target")),
                "series": [
                    {
                        "name": str(one.name),
                        "values": one.values,
                        "low": one.low,
                        "high": one.high,
                        "dashed": one.dashed,
                        "colour": one.colour or index,
                        "shade": one.shade,
                        "stepped": one.stepped,
                    }
                    for index, one in enumerate(self.series, start=1)
                ],
            },
            default=float,
        )


def _columns(series: Series) -> list[list[float | int | None]]:
    if series.low is None or series.high is None:
        return [series.values]
    return [series.values, series.low, series.high]


def _share(part: float | int | None, whole: float | int | None) -> float | None:
    return (part or 0) / whole if whole else None


@dataclass(frozen=True)
class Column:
    label: str
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell with a link, or with a badge when it has a tone: good, bad, warn, info, accent.

    `value` is what a file gets instead of the text: a number without its unit, say.
    """

    text: str
    url: str = ""
    tone: str = ""
    value: Any = None


@dataclass(frozen=True)
class Table:
    """Rows of cells; a cell is ready text or a Cell. `caption` is read by screen readers.

    With a `key` the table can be had as CSV (`operations.figure_files.ChartsPage`).
    """

    columns: list[Column]
    rows: list[list[Any]] = field(default_factory=list)
    caption: str = ""
    empty_title: str = ""
    empty_text: str = ""
    empty_icon: str = "inbox"
    key: str = ""

    @property
    def aligned_rows(self) -> list[list[tuple[Column, Any]]]:
        """Return the rows with each cell beside its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]
