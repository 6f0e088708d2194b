"""Key figures, lifecycle and cohorts as strips, charts and tables, ready to be drawn."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.choices import ChosenPeriod
from analytics.engine.postgres import first_instant
from analytics.metrics import METRICS, Metric, Unit, Value, metric_values
from analytics.parts import ChosenPart
from analytics.periods import Grain
from analytics.services.cohorts import Cohort
from analytics.services.kpis.lifecycle import lifecycle_steps
from analytics.windows import Window, preceding, windows_of
from customers.models import Order
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table

STRIP = (
    "net_amount", "orders", "buyers", "new_buyers", "average_transaction_value", "purchase_frequency",
    "repeat_rate", "retention_rate",
)  # fmt: skip
AGAINST_BUYERS_BEFORE = ("retention_rate", "net_retention_rate", "churn_rate")
ONLY_AT_ITS_END = (*AGAINST_BUYERS_BEFORE, "dormant")
ICONS = {
    "net_amount": "payments", "orders": "receipt_long", "buyers": "group", "new_buyers": "person_add",
    "average_transaction_value": "shopping_basket", "purchase_frequency": "repeat_one",
    "repeat_rate": "repeat", "retention_rate": "undo",
}  # fmt: skip


def metrics_for(part: ChosenPart) -> list[Metric]:
    """Return the metrics that exist for this part of the business and segment, in their order."""
    return [metric for metric in METRICS.values() if metric.can_be_narrowed(part.scope, part.segment)]


def written(metric: Metric, value: Value) -> str:
    """Return a metric's value in words of the reader's language."""
    if value is None:
        return formats.NOTHING
    if metric.unit == Unit.MONEY:
        return formats.money(round(value))
    if metric.unit == Unit.PERCENT:
        return formats.percent(value)
    return formats.number(value, metric.digits)


def headline(metric: Metric, value: Value) -> str:
    """Return the value as a headline: amounts of many digits without their cents."""
    if metric.unit == Unit.MONEY and value is not None and abs(value) >= 100_000:
        return formats.whole_money(round(value))
    return written(metric, value)


def strip(period: ChosenPeriod, part: ChosenPart, codes: Sequence[str] = STRIP) -> list[Delta]:
    """Return headline figures of the period with their change against what it is compared with."""
    known = {metric.code for metric in metrics_for(part)}
    codes = [code for code in codes if code in known]
    now = _values(codes, period.window, period, part)
    if not _had_begun(period.before(period.window).start):
        now |= {code: None for code in AGAINST_BUYERS_BEFORE if code in now}
    compared = period.compared if period.compared and _had_begun(period.compared[0]) else None
    before = _values(codes, Window(compared[0], _after(compared[1])), period, part) if compared else {}
    return [
        Delta(
            str(METRICS[code].label),
            headline(METRICS[code], now[code]),
            change(now[code], before.get(code)),
            better=METRICS[code].better,
            against=period.against,
            icon=ICONS.get(code, ""),
            url=period.url(metric=code) + "#chart",
        )
        for code in codes
    ]


def _had_begun(day: date) -> bool:
    """Return whether there were orders before a day: else the days from it on are cut off, no measure."""
    return Order.objects.filter(ordered_at__lt=first_instant(day)).exists()


def change(value: Value, earlier: Value) -> float | None:
    """Return the relative change, or None without something to compare with."""
    return float(value) / float(earlier) - 1 if earlier and value is not None else None


def metric_chart(metric: Metric, period: ChosenPeriod, part: ChosenPart, values: Sequence[Value]) -> Chart:
    """Return one metric over the period, with what it is compared with as a dashed line."""
    series = [Series(str(metric.label), list(values))]
    if period.compared:
        windows = windows_of(*period.compared, period.grain)
        earlier = _series([metric.code], windows, period.grain, part)[metric.code]
        earlier = (list(earlier) + [None] * len(values))[: len(values)]
        series.append(Series(period.compared_in_words, earlier, colour=2, dashed=True))
    return Chart(
        title=str(metric.label),
        labels=period.labels,
        series=series,
        unit=metric.unit,
        axis=str(Grain(period.grain).label),
        key=metric.code,
    )


def period_values(
    metrics: Iterable[Metric], period: ChosenPeriod, part: ChosenPart
) -> tuple[list[Window], dict[str, list[Value]]]:
    """Return the whole periods of the chosen days, and each metric's value in each.

    Who did not come back can only be said of a period that is over: of the one under way it is left open.
    """
    windows = windows_of(period.start, period.end, period.grain)
    values = _series([metric.code for metric in metrics], windows, period.grain, part)
    if windows[-1].end > timezone.localdate():
        for code in ONLY_AT_ITS_END:
            if code in values:
                values[code] = [*values[code][:-1], None]
    return windows, values


def metric_table(metrics: Iterable[Metric], period: ChosenPeriod, values: dict[str, list[Value]]) -> Table:
    """Return every metric by period, the latest first."""
    return Table(
        [Column(_("Key figure")), *(Column(label, numeric=True) for label in reversed(period.labels))],
        [
            [
                Cell(str(metric.label), url=period.url(metric=metric.code) + "#chart"),
                *(_cell(metric, value) for value in reversed(values[metric.code])),
            ]
            for metric in metrics
        ],
        caption=_("All key figures by period"),
        key="key-figures",
    )


def _cell(metric: Metric, value: Value) -> Cell:
    plain = value
    if metric.unit == Unit.MONEY and value is not None:
        plain = formats.major(round(value))
    return Cell(written(metric, value), value="" if plain is None else plain)


def lifecycle_chart(period: ChosenPeriod, values: dict[str, list[Value]]) -> Chart:
    """Return who bought by how they came, stacked, and below zero who went quiet."""
    return Chart(
        title=_("New, returning, won back, gone quiet"),
        labels=period.labels,
        series=[
            Series(_("New"), values["new_buyers"], colour=1),
            Series(_("Returning"), values["retained"], colour=3),
            Series(_("Won back"), values["resurrecting"], colour=5),
            Series(_("Gone quiet"), [-(value or 0) for value in values["dormant"]], colour=2),
        ],
        kind="bar",
        stacked=True,
        axis=str(Grain(period.grain).label),
        key="lifecycle",
    )


def retention_chart(period: ChosenPeriod, values: dict[str, list[Value]]) -> Chart:
    """Return retention counted both ways, and churn."""
    return Chart(
        title=_("Retention and churn"),
        labels=period.labels,
        series=[
            Series(str(METRICS[code].label), values[code], colour=colour)
            for code, colour in (("retention_rate", 1), ("net_retention_rate", 3), ("churn_rate", 2))
        ],
        unit="percent",
        axis=str(Grain(period.grain).label),
        key="retention",
    )


def lifecycle_funnel(part: ChosenPart) -> Chart:
    """Return how many of all customers bought, bought again, and became regulars."""
    values = lifecycle_steps(segment=part.segment)
    return Chart(
        title=_("From stranger to regular"),
        labels=[
            _("Known"),
            _("Bought at least once"),
            _("Bought at least twice"),
            _("Four times or more"),
            _("Of these, in the last 90 days"),
        ],
        series=[Series(_("Customers"), values)],
        kind="funnel",
        axis=_("Step"),
        key="lifecycle-funnel",
    )


MEASURES = {"rates": "percent", "orders_each": "number", "spent_each": "money"}


def cohort_chart(cohorts: Sequence[Cohort], measure: str) -> Chart:
    """Return the heat map of one measure: a row for each cohort, a column for each month since."""
    months = max((len(cohort.active) for cohort in cohorts), default=0)
    titles = {
        "rates": _("Share of each cohort that bought, by months since the first order"),
        "orders_each": _("Orders per customer of each cohort, by months since the first order"),
        "spent_each": _("Spent per customer of each cohort up to each month since the first order"),
    }
    columns = [[_at(getattr(cohort, measure), month) for cohort in cohorts] for month in range(months)]
    # Everybody bought in the month that makes the cohort: it would leave no colour for the others.
    later = [value for column in columns[1:] for value in column if value is not None]
    return Chart(
        title=titles[measure],
        labels=[f"{formats.month(cohort.month)} · {formats.number(cohort.size)}" for cohort in cohorts],
        series=[
            Series(_("Month 0") if month == 0 else f"+{month}", column)
            for month, column in enumerate(columns)
        ],
        kind="heat",
        unit=MEASURES[measure],
        axis=_("First order"),
        key=f"cohorts-{measure.replace('_', '-')}",
        highest=max(later, default=None) or None,
    )


def cohort_curve(cohorts: Sequence[Cohort]) -> Chart:
    """Return the retention of all cohorts together, each month since over those that have come so far."""
    months = max((len(cohort.active) for cohort in cohorts), default=0)
    shares = []
    for month in range(1, months):
        far = [cohort for cohort in cohorts if len(cohort.active) > month]
        size = sum(cohort.size for cohort in far)
        shares.append(sum(cohort.active[month] for cohort in far) / size if size else None)
    return Chart(
        title=_("All cohorts together"),
        labels=[f"+{month}" for month in range(1, months)],
        series=[Series(_("Bought in that month"), shares)],
        unit="percent",
        axis=_("Months since the first order"),
        key="cohort-curve",
        small=True,
    )


def _at(values: Sequence[Value], month: int) -> Value:
    return values[month] if month < len(values) else None


def _values(codes: Sequence[str], window: Window, period: ChosenPeriod, part: ChosenPart) -> dict[str, Value]:
    found = metric_values(codes, [window], period.before(window), scope=part.scope, segment=part.segment)
    return {code: value for code, (value,) in found.items()}


def _series(codes: Sequence[str], windows: Sequence[Window], grain: Grain, part: ChosenPart):
    return metric_values(codes, windows, preceding(windows, grain), scope=part.scope, segment=part.segment)


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
