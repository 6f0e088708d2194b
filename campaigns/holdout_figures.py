"""What the global holdout shows, as a strip, a chart and a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.result_figures import (
    amount,
    between,
    interval_chart,
    judgement,
    money_cell,
    points,
    share_of,
    sureness,
)
from campaigns.results.overall import OverallLift
from operations import formats
from operations.figures import Cell, Column, Delta, Table


def overall_context(found: Sequence[OverallLift], *, at: datetime) -> dict[str, Any]:
    """Return the page of the global holdout: its periods, newest first."""
    newest = found[0] if found else None
    return {
        "periods": found,
        "strip": _overall_strip(newest) if newest else [],
        "chart": interval_chart(
            _("Bought in the period: all others less those kept out"),
            [_period(one, at=at) for one in found],
            [one.conversion for one in found],
            unit="percent",
            key="overall",
        )
        if newest and newest.conversion
        else None,
        "table": _overall_table(found, at=at),
    }


def _overall_strip(one: OverallLift) -> list[Delta]:
    conversion, revenue = one.conversion, one.revenue
    return [
        Delta(_("Could be reached"), formats.number(one.reached.people), icon="group"),
        Delta(_("Kept out"), formats.number(one.kept_out.people), icon="visibility_off"),
        Delta(
            _("Bought more often"),
            points(conversion.difference) if conversion else formats.NOTHING,
            hint=f"{between(conversion, points)}, {sureness(conversion)}" if conversion else "",
            icon="balance",
        ),
        Delta(
            _("Extra revenue"),
            amount(one.extra_amount) if one.extra_amount is not None else formats.NOTHING,
            hint=between(revenue, amount) + " " + _("per person") if revenue else "",
            icon="payments",
        ),
    ]


def _overall_table(found: Sequence[OverallLift], *, at: datetime) -> Table:
    return Table(
        [
            Column(_("Period")),
            Column(_("Share kept out"), numeric=True),
            Column(_("Could be reached"), numeric=True),
            Column(_("bought"), numeric=True),
            Column(_("Kept out"), numeric=True),
            Column(_("bought"), numeric=True),
            Column(_("Effect"), numeric=True),
            Column(_("Interval of 95 %"), numeric=True),
            Column(_("Judgement")),
            Column(_("Extra revenue"), numeric=True),
        ],
        [
            [
                _period(one, at=at),
                f"{one.period.percent} %",
                Cell(formats.number(one.reached.people), value=one.reached.people),
                share_of(one.reached.bought, one.reached.people),
                Cell(formats.number(one.kept_out.people), value=one.kept_out.people),
                share_of(one.kept_out.bought, one.kept_out.people),
                Cell(points(one.conversion.difference), value=one.conversion.difference)
                if one.conversion
                else formats.NOTHING,
                between(one.conversion, points) if one.conversion else formats.NOTHING,
                judgement(one.conversion) if one.conversion else "",
                money_cell(one.extra_amount),
            ]
            for one in found
        ],
        caption=_("All campaigns together"),
        key="overall-table",
    )


def _period(one: OverallLift, *, at: datetime) -> str:
    ends_at = one.period.ends_at
    until = formats.day(timezone.localdate(ends_at)) if ends_at and ends_at <= at else _("now")
    return f"{formats.day(timezone.localdate(one.period.starts_at))} – {until}"
