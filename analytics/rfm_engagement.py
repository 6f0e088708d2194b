"""Recency by engagement: who still looks at what the merchant does though they bought long ago."""

from typing import Any

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from analytics.models import RfmModel, RfmScore
from analytics.rfm_map import scores_url
from analytics.rules import SCORES
from analytics.services.kpis import average
from operations.figures import Column, Table


def engagement_grid(model: RfmModel) -> dict[str, Any]:
    """Return the cells of R by E, the most engaged first, then those of whom nothing was heard."""
    sums = {
        (row["r"], row["e"]): row
        for row in RfmScore.objects.of(model)
        .values("r", "e")
        .annotate(customers=Count("pk"), amount=Sum("net_amount"))
    }
    rows = []
    for e in (*range(SCORES, 0, -1), None):
        cells = [_cell(model, r, e, sums.get((r, e))) for r in range(1, SCORES + 1)]
        rows.append({"e": e, "cells": cells, "customers": sum(cell["customers"] for cell in cells)})
    return {
        "grid": rows,
        "busiest": max(cell["customers"] for row in rows for cell in row["cells"]),
        "engaged": sum(row["customers"] for row in rows if row["e"] is not None),
        "quiet": rows[-1]["customers"],
        "table": _table(rows),
    }


def _cell(model: RfmModel, r: int, e: int | None, found: dict[str, Any] | None) -> dict[str, Any]:
    customers = found["customers"] if found else 0
    filters = {"e__isnull": 1} if e is None else {"e": e}
    return {
        "r": r,
        "e": e,
        "customers": customers,
        "average_amount": average(found["amount"], customers) if found else None,
        "url": scores_url(model, r=r, **filters),
        "scores": f"r{r} e{e}" if e else "",
        "title": "",
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        columns=[Column(_("Engagement")), *(Column(f"R{r}", numeric=True) for r in range(1, SCORES + 1))],
        rows=[
            [f"E{row['e']}" if row["e"] else _("no sign"), *(cell["customers"] for cell in row["cells"])]
            for row in rows
        ],
        caption=_("Customers by engagement (rows) and recency (columns)"),
        key="engagement",
    )
