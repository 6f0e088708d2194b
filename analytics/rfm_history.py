"""What the history of a model shows: its segments and thresholds by month, and its last runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import floor

from django.utils.translation import gettext as _

from analytics.choices import point_label
from analytics.models import RfmModel, RfmRun
from analytics.models.rfm import LAST_DONE_FIRST
from analytics.periods import Grain
from operations.figures import Chart, ChartKind, Series

MONTHS_SHOWN = 24
RUNS_SHOWN = 12
SHARE_STEPS = 100_000


@dataclass(frozen=True)
class History:
    """The last run of each month, the earliest first, drawn; and the runs of late."""

    months: Sequence[RfmRun]
    sizes: Chart
    shares: Chart
    thresholds: list[Chart]
    runs: Sequence[RfmRun]


def history_of(model: RfmModel, *, start: date | None = None, end: date | None = None) -> History:
    """Return how a model's segments and thresholds went, month by month, between two days."""
    months = last_run_of_each_month(model, start=start, end=end)
    labels = [point_label(run.as_of, Grain.MONTH) for run in months]
    return History(
        months=months,
        sizes=_sizes(model, months, labels, as_share=False),
        shares=_sizes(model, months, labels, as_share=True),
        thresholds=_thresholds(model, months, labels),
        runs=list(model.runs.select_related("job")[:RUNS_SHOWN]),
    )


def last_run_of_each_month(
    model: RfmModel, *, start: date | None = None, end: date | None = None
) -> list[RfmRun]:
    """Return the run that says how each month ended, of the last months that had one between two days."""
    between = {"as_of__gte": start, "as_of__lte": end}
    runs = (
        model.runs.done()
        .filter(**{name: day for name, day in between.items() if day})
        .order_by("-as_of", *LAST_DONE_FIRST)
        .only("pk", "as_of", "population", "segment_sizes", "thresholds", "model_id")
    )
    months: dict[tuple[int, int], RfmRun] = {}
    for run in runs.iterator(chunk_size=200):
        months.setdefault((run.as_of.year, run.as_of.month), run)
        if len(months) > MONTHS_SHOWN:
            break
    return sorted(months.values(), key=lambda run: run.as_of)[-MONTHS_SHOWN:]


def _sizes(model: RfmModel, months: Sequence[RfmRun], labels: list[str], *, as_share: bool) -> Chart:
    known = list(model.segments.segments)
    codes = {segment.code for segment in known}
    former = sorted({code for run in months for code in run.segment_sizes} - codes)
    return Chart(
        title=_("Share of each segment by month") if as_share else _("Customers in each segment by month"),
        labels=labels,
        series=[
            Series(
                str(segment.label),
                [_size(run, segment.code, as_share) for run in months],
                shade=segment.colour,
            )
            for segment in (*known, *(model.segments.by_code(code) for code in former))
        ],
        kind=ChartKind.BAR,
        unit="percent" if as_share else "number",
        stacked=True,
        axis=_("Month"),
        key="shares" if as_share else "sizes",
    )


def _size(run: RfmRun, code: str, as_share: bool) -> float | int:
    size = run.segment_sizes.get(code, 0)
    if not as_share:
        return size
    # Rounded down: shares that summed to a hair above 1 would stretch the axis to 150 %.
    return floor(SHARE_STEPS * size / run.population) / SHARE_STEPS if run.population else 0


def _thresholds(model: RfmModel, months: Sequence[RfmRun], labels: list[str]) -> list[Chart]:
    """Return what each score took, one chart for R, F and M: four lines, from the worst score to the best."""
    average = model.monetary == RfmModel.Monetary.AVERAGE
    titles = {
        "r": _("Recency: days since the last order"),
        "f": _("Frequency: orders"),
        "m": _("Money: average order") if average else _("Money: spending"),
    }
    return [
        Chart(
            title=title,
            labels=labels,
            series=[
                Series(f"{part.upper()}{step + 2}", [_threshold(run, part, step) for run in months])
                for step in range(4)
            ],
            unit="money" if part == "m" else "number",
            axis=_("Month"),
            small=True,
            key=f"thresholds-{part}",
        )
        for part, title in titles.items()
    ]


def _threshold(run: RfmRun, part: str, step: int) -> int | None:
    steps = run.thresholds.get(part) or []
    return steps[step] if step < len(steps) else None
