"""What the page of the cut-off shows: the steps of the slider, the curve, and the loyalty levels."""

from decimal import Decimal
from typing import Any

from babel.numbers import format_currency, get_currency_precision
from django.conf import settings
from django.utils.translation import gettext as _

from analytics.cut_off import CutOff, cut_off
from analytics.models import RfmCutOff, RfmRun
from analytics.models.cut_off import people_by_sum
from analytics.rules import LEVELS
from operations import formats
from operations.figures import Cell, Chart, ChartKind, Column, Series, Table


def cut_off_figures(row: RfmCutOff, run: RfmRun) -> dict[str, Any]:
    """Return the context of the page; the slider begins at the chosen, or else the suggested sum."""
    found = cut_off(row.groups(run), row.terms)
    return {
        "steps": found.steps,
        "smallest": found.smallest_worthwhile,
        "most_profitable": found.most_profitable,
        "begin": row.chosen_sum or found.smallest_worthwhile or found.steps[-1].score_sum,
        "sums": _table(found),
        "curve": _curve(found),
        "levels": _levels(run),
    }


def _table(found: CutOff) -> Table:
    return Table(
        columns=[
            Column(_("Sum"), numeric=True),
            Column(_("Customers today"), numeric=True),
            Column(_("Bought"), numeric=True),
            Column(_("A contact earns"), numeric=True),
            Column(_("A contact costs"), numeric=True),
            Column(_("Judgement")),
        ],
        rows=[
            [
                Cell(str(step.score_sum), value=step.score_sum),
                Cell(formats.number(step.group.customers), value=step.group.customers),
                Cell(formats.percent(step.group.buy_rate), value=step.group.buy_rate),
                _fine_money(step.earned) if step.group.observed else formats.NOTHING,
                _fine_money(step.cost),
                Cell(_("pays"), tone="good") if step.is_worth_it else Cell(_("does not pay"), tone="warn"),
            ]
            for step in found.steps
        ],
        caption=_("What a contact earns and costs by sum of scores"),
        key="sums",
    )


def _curve(found: CutOff) -> Chart:
    return Chart(
        title=_("What contacting everybody from a sum up leaves"),
        labels=[str(step.score_sum) for step in found.steps],
        series=[Series(_("Left after costs"), [step.profit for step in found.steps])],
        kind=ChartKind.BAR,
        unit="money",
        axis=_("From the sum"),
        key="profit",
        small=True,
    )


def _levels(run: RfmRun) -> Table:
    people = people_by_sum(run)
    total = sum(people.values())
    rows = []
    for level in reversed(LEVELS):
        count = sum(size for score_sum, size in people.items() if level.lowest <= score_sum <= level.highest)
        share = count / total if total else 0
        rows.append(
            [
                str(level.name),
                f"{level.lowest}–{level.highest}",
                Cell(formats.number(count), value=count),
                Cell(formats.percent(share), value=share),
            ]
        )
    return Table(
        columns=[
            Column(_("Loyalty level")), Column(_("Sum of scores")), Column(_("Customers"), numeric=True),
            Column(_("Share"), numeric=True),
        ],
        rows=rows,
        caption=_("Customers by loyalty level"),
        key="levels",
    )  # fmt: skip


def _fine_money(amount: Any) -> Cell:
    """Return minor units that may have fractions: what a contact costs is often less than a cent."""
    currency = settings.PROGRAMME_CURRENCY
    major = Decimal(amount).scaleb(-get_currency_precision(currency))
    pattern = "¤#,##0.00##" if formats.locale().language == "en" else "#,##0.00##\xa0¤"
    written = format_currency(major, currency, pattern, locale=formats.locale(), currency_digits=False)
    return Cell(written, value=major)
