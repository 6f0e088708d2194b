"""Campaigns side by side, as a chart and a table."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.result_figures import (
    effect_cell,
    interval_chart,
    judgement,
    money_cell,
    results_url,
)
from campaigns.results.report import CampaignReport
from operations import formats
from operations.figures import Cell, Column, Table


def comparison_context(reports: Sequence[CampaignReport]) -> dict[str, Any]:
    """Return the page that puts campaigns side by side."""
    measured = [report for report in reports if report.lift]
    names = [report.campaign.name for report in measured]
    return {
        "reports": reports,
        "table": _comparison_table(reports),
        "effects": interval_chart(
            _("Bought within 30 days: treated less held out"),
            names,
            [report.lift.conversion for report in measured],
            unit="percent",
            key="effects",
        )
        if measured
        else None,
    }


def _comparison_table(reports: Sequence[CampaignReport]) -> Table:
    return Table(
        [
            Column(_("Campaign")),
            Column(pgettext("how many", "Sent"), numeric=True),
            Column(_("Clicked"), numeric=True),
            Column(pgettext("how many", "Redeemed"), numeric=True),
            Column(_("Bought"), numeric=True),
            Column(_("Effect with its interval"), numeric=True),
            Column(_("Judgement")),
            Column(_("Extra revenue"), numeric=True),
            Column(_("Cost"), numeric=True),
            Column(_("Profit"), numeric=True),
            Column(_("Return"), numeric=True),
            Column(_("Last click"), numeric=True),
        ],
        [_comparison_row(report) for report in reports],
        caption=_("Campaigns side by side"),
        key="campaigns",
    )


def _comparison_row(report: CampaignReport) -> list[Any]:
    figures, lift = report.figures, report.lift
    sent = figures.sent
    return [
        Cell(report.campaign.name, url=results_url(report.campaign)),
        Cell(formats.number(sent), value=sent),
        *(
            Cell(
                formats.percent(part / sent) if sent else formats.NOTHING, value=part / sent if sent else None
            )
            for part in (figures.clicked, figures.redeemed, figures.bought)
        ),
        effect_cell(lift.conversion) if lift else formats.NOTHING,
        judgement(lift.conversion) if lift else Cell(_("No holdout"), tone="warn"),
        money_cell(report.extra_amount),
        money_cell(report.cost.amount),
        money_cell(report.profit),
        Cell(formats.percent(report.roi) if report.roi is not None else formats.NOTHING, value=report.roi),
        money_cell(report.attributed.amount),
    ]
