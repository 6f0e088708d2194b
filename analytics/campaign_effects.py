"""What campaigns changed, as a strip, an interval plot and a table."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.result_figures import money_cell
from campaigns.results.lift import CampaignLift, overall_conversion, overall_revenue
from operations import formats
from operations.differences import Lift
from operations.figures import Cell, Chart, Column, Delta, Series, Table


def campaign_effects(lifts: Sequence[CampaignLift]) -> dict[str, Any]:
    """Return the context of the page; the last row of both charts is all campaigns together."""
    conversion, revenue = overall_conversion(lifts), overall_revenue(lifts)
    names = [one.campaign.name for one in lifts]
    priced = [one for one in lifts if one.revenue]
    together = _("All together")
    return {
        "strip": [
            _headline(_("Bought more often"), conversion, _points),
            Delta(_("Extra buyers"), formats.number(sum(one.extra_buyers for one in lifts))),
            _headline(_("Extra revenue per person"), revenue, _amount),
            Delta(_("Extra revenue"), formats.money(round(sum(one.extra_amount for one in priced)))),
        ],
        "conversion": _plot(
            _("Bought within 30 days: treated less held out"),
            [*names, together],
            [*(one.conversion for one in lifts), conversion],
            unit="percent",
            key="conversion-lift",
        ),
        "revenue": _plot(
            _("Spent within 30 days per person: treated less held out"),
            [*(one.campaign.name for one in priced), together],
            [*(one.revenue for one in priced), revenue],
            unit="money",
            key="revenue-lift",
        )
        if revenue
        else None,
        "conversion_note": _("points of a share, with the interval of 95 %"),
        "revenue_note": _("with the interval of 95 % (Welch)"),
        "table": _table(lifts),
    }


def _headline(label: str, lift: Lift | None, write) -> Delta:
    if lift is None:
        return Delta(label, formats.NOTHING)
    sure = _("significant") if lift.significant else _("not significant")
    return Delta(label, write(lift.difference), hint=f"{write(lift.low)} – {write(lift.high)}, {sure}")


def _plot(title: str, names: list[str], lifts: list[Lift | None], *, unit: str, key: str) -> Chart:
    ends = [(one.difference, one.low, one.high) if one else (None, None, None) for one in lifts]
    values, low, high = (list(column) for column in zip(*ends, strict=True))
    return Chart(
        title=title,
        labels=names,
        series=[Series(_("Difference"), values, low=low, high=high)],
        kind="interval",
        unit=unit,
        axis=_("Campaign"),
        key=key,
    )


def _table(lifts: Sequence[CampaignLift]) -> Table:
    return Table(
        [
            Column(_("Campaign")),
            Column(_("Treated"), numeric=True),
            Column(_("bought"), numeric=True),
            Column(_("Held out"), numeric=True),
            Column(_("bought"), numeric=True),
            Column(_("Difference"), numeric=True),
            Column(_("Interval of 95 %"), numeric=True),
            Column(_("Judgement")),
            Column(_("Extra revenue"), numeric=True),
        ],
        [_row(one) for one in lifts],
        caption=_("What each campaign changed"),
        key="campaign-effects",
    )


def _row(one: CampaignLift) -> list[Any]:
    lift = one.conversion
    good = lift.low > 0
    words = _("Works") if good else _("Harms") if lift.high < 0 else _("Not significant")
    return [
        Cell(one.campaign.name, url=reverse("admin:campaigns_campaign_change", args=[one.campaign.pk])),
        Cell(formats.number(one.treated.people), value=one.treated.people),
        Cell(formats.percent(one.treated.rate), value=one.treated.rate),
        Cell(formats.number(one.holdout.people), value=one.holdout.people),
        Cell(formats.percent(one.holdout.rate), value=one.holdout.rate),
        Cell(_points(lift.difference), value=lift.difference),
        Cell(f"{_points(lift.low)} – {_points(lift.high)}"),
        Cell(words, tone="good" if good else "bad" if lift.high < 0 else "warn"),
        money_cell(one.extra_amount),
    ]


def _points(share: float) -> str:
    """Return a difference of shares in points: "+1.40"."""
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return _("%(points)s points") % {"points": sign + formats.number(abs(100 * share), 2)}


def _amount(amount: float) -> str:
    return formats.money(round(amount))
