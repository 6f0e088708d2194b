"""What the pages of the value model show: figures, charts and tables of one run."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.models import RfmModel, ValueRun
from analytics.services.value import segment_totals
from analytics.value_words import model_words
from customers.models import Segment
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table


def overview(run: ValueRun) -> dict[str, Any]:
    """Return the figures, charts and tables of a run's predictions."""
    return {
        "figures": _figures(run),
        "activity": _activity(run),
        "deciles": _deciles(run),
        "top_share": run.deciles[0]["share"] if run.deciles else None,
        "by_segment": _by_segment(run),
        "words": model_words(run.parameters),
    }


def back_test_page(run: ValueRun) -> dict[str, Any]:
    """Return the figures, charts and table of a run's back-test; empty without one."""
    test = run.holdout
    if not test:
        return {}
    labels = [str(tenth["number"]) for tenth in test["tenths"]]
    return {
        "test": test,
        "verdict": _verdict(test),
        "test_figures": _test_figures(test),
        "orders_chart": Chart(
            title=_("Orders of each tenth, predicted and actual"),
            labels=labels,
            series=[
                Series(_("Predicted"), [round(each["predicted_orders"], 3) for each in test["tenths"]]),
                Series(_("Actual"), [round(each["actual_orders"], 3) for each in test["tenths"]]),
            ],
            kind="bar",
            axis=_("Tenth"),
            key="orders",
        ),
        "calibration": Chart(
            title=_("Share that bought, predicted and actual"),
            labels=labels,
            series=[
                Series(_("Predicted"), [each["predicted_active"] for each in test["tenths"]], dashed=True),
                Series(_("Actual"), [each["actual_active"] for each in test["tenths"]]),
            ],
            unit="percent",
            axis=_("Tenth"),
            key="calibration",
        ),
        "tenths": _tenths(test),
    }


def _figures(run: ValueRun) -> list[Delta]:
    totals, before = run.totals, _before(run)
    months = run.economics["months"]
    return [
        Delta(
            _("Still customers"),
            formats.number(totals["active"]),
            hint=_("of %(customers)s who bought") % {"customers": formats.number(run.population)},
            icon="group",
        ),
        Delta(
            _("Orders expected in 90 days"),
            formats.number(totals["orders"]["90"]),
            _change(totals["orders"]["90"], before and before["orders"]["90"]),
            hint=_("days with a purchase"),
            icon="shopping_bag",
        ),
        Delta(
            _("Value expected in 90 days"),
            formats.whole_money(totals["values"]["90"]),
            hint=_("in a year: %(amount)s") % {"amount": formats.whole_money(totals["values"]["365"])},
            icon="payments",
        ),
        Delta(
            _("Lifetime value"),
            formats.whole_money(totals["clv"]),
            hint=_("margin of %(months)s months ahead") % {"months": months},
            icon="diamond",
        ),
        Delta(
            _("Per customer"),
            formats.money(round(totals["clv"] / run.population)) if run.population else formats.NOTHING,
            hint=_("lifetime value on average"),
            icon="person",
        ),
    ]


def _before(run: ValueRun) -> dict[str, Any] | None:
    earlier = run.model.runs.done().filter(as_of__lt=run.as_of).values_list("totals", flat=True).first()
    return earlier or None


def _change(now: float, before: float | None) -> float | None:
    return now / before - 1 if before else None


def _activity(run: ValueRun) -> Chart:
    return Chart(
        title=_("Customers by the probability of still being one"),
        labels=[
            f"{formats.percent(each['from'], 0)} – {formats.percent(each['to'], 0)}" for each in run.activity
        ],
        series=[Series(_("Customers"), [each["customers"] for each in run.activity])],
        kind="bar",
        axis=_("Probability"),
        key="activity",
    )


def _deciles(run: ValueRun) -> Chart:
    return Chart(
        title=_("Lifetime value by tenths of the customers"),
        labels=[
            _("Top 10%") if each["number"] == 1 else f"{(each['number'] - 1) * 10}–{each['number'] * 10}%"
            for each in run.deciles
        ],
        series=[Series(_("Lifetime value"), [each["clv"] for each in run.deciles])],
        kind="bar",
        unit="money",
        axis=_("Customers by value"),
        key="tenths",
    )


def _by_segment(run: ValueRun) -> Table:
    rows = segment_totals(run)
    model = RfmModel.objects.main()
    prefix = f"{model.code}--" if model else ""
    ids = dict(Segment.objects.filter(code__startswith=prefix).values_list("code", "pk")) if model else {}
    return Table(
        [
            Column(_("Segment")),
            Column(_("Customers"), numeric=True),
            Column(_("Still customers"), numeric=True),
            Column(_("Orders each, 90 days"), numeric=True),
            Column(_("Value, 90 days"), numeric=True),
            Column(_("Value, a year"), numeric=True),
            Column(_("Lifetime value each"), numeric=True),
            Column(_("Lifetime value"), numeric=True),
        ],
        [_segment_row(row, ids.get(f"{prefix}{row['code']}")) for row in rows],
        caption=_("What is expected of each RFM segment"),
        empty_title=_("No RFM segments yet"),
        empty_text=_("Run an RFM model first; the next run of this one sums its segments."),
        key="segments",
    )


def _segment_row(row: dict[str, Any], segment_id: int | None) -> list[Any]:
    customers = row["customers"]
    url = reverse("admin:customers_segment_change", args=[segment_id]) if segment_id else ""
    share, each = row["active"] / customers, row["orders"]["90"] / customers
    return [
        Cell(str(row["segment"].label), url=url),
        Cell(formats.number(customers), value=customers),
        Cell(formats.percent(share, 0), value=round(share, 4)),
        Cell(formats.number(each, 2), value=round(each, 4)),
        _amount(row["values"]["90"]),
        _amount(row["values"]["365"]),
        Cell(
            formats.money(round(row["clv"] / customers)), value=formats.major(round(row["clv"] / customers))
        ),
        _amount(row["clv"]),
    ]


def _amount(amount: int) -> Cell:
    return Cell(formats.whole_money(amount), value=formats.major(amount))


def _verdict(test: dict[str, Any]) -> tuple[str, str]:
    """Return a tone and a sentence on how far the predictions can be trusted."""
    actual = test["actual_orders"]
    off = abs(test["predicted_orders"] - actual) / actual if actual else 1.0
    if off <= 0.1 and test["mean_error"] <= test["naive_error"]:
        return "good", _("The model would have told the last weeks well: plan with its sums.")
    if off <= 0.25:
        return "warn", _(
            "The model would have told the last weeks roughly: who comes before whom is right, sums are not."
        )
    return "bad", _(
        "The model would have missed the last weeks: trust the order of the customers, and not the sums. A "
        "season or a big campaign in these weeks can be the reason."
    )


def _test_figures(test: dict[str, Any]) -> list[Delta]:
    off = test["predicted_orders"] / test["actual_orders"] - 1 if test["actual_orders"] else None
    return [
        Delta(
            _("Orders predicted"),
            formats.number(test["predicted_orders"]),
            off,
            better="neither",
            against=_("against %(orders)s that came") % {"orders": formats.number(test["actual_orders"])},
        ),
        Delta(
            _("Value predicted"),
            formats.whole_money(round(test["predicted_amount"])),
            hint=_("came: %(amount)s") % {"amount": formats.whole_money(test["actual_amount"])},
        ),
        Delta(
            _("Share that buys, predicted"),
            formats.percent(test["predicted_active"]),
            hint=_("came: %(share)s") % {"share": formats.percent(test["actual_active"])},
        ),
        Delta(
            _("Mean error"),
            formats.number(test["mean_error"], 2),
            hint=_("orders a customer; %(naive)s if everybody just went on as before")
            % {"naive": formats.number(test["naive_error"], 2)},
        ),
        Delta(
            _("Correlation"),
            formats.number(test["correlation"], 2),
            hint=_("of predicted and actual orders; 1 is perfect"),
        ),
    ]


def _tenths(test: dict[str, Any]) -> Table:
    return Table(
        [
            Column(_("Tenth")),
            Column(_("Customers"), numeric=True),
            Column(_("Orders predicted"), numeric=True),
            Column(_("Orders that came"), numeric=True),
            Column(_("Share that buys, predicted"), numeric=True),
            Column(_("Share that bought"), numeric=True),
        ],
        [
            [
                str(each["number"]),
                Cell(formats.number(each["customers"]), value=each["customers"]),
                Cell(formats.number(each["predicted_orders"], 2), value=each["predicted_orders"]),
                Cell(formats.number(each["actual_orders"], 2), value=each["actual_orders"]),
                Cell(formats.percent(each["predicted_active"]), value=each["predicted_active"]),
                Cell(formats.percent(each["actual_active"]), value=each["actual_active"]),
            ]
            for each in test["tenths"]
        ],
        caption=_("Predicted and actual orders by tenths of the customers"),
        key="back-test",
    )
