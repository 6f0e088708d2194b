"""The page that says what apologies did."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from coupons.services import ApologyReport, Comparison, known_apology_report
from operations.figure_files import ChartsPage
from operations.figures import Chart, Column, Delta, Series, Table
from operations.formats import money, number, percent
from operations.formats import month as month_name


class ApologyReportView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """Do those who got an apology still buy, and do fewer complain."""

    permission_required = "coupons.view_apology"
    template_name = "coupons/apology_report.html"
    title = gettext_lazy("What apologies did")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        report = known_apology_report(at=timezone.now())
        return super().get_context_data(
            **kwargs,
            figures=_figures(report),
            buying=_buying_chart(report) if any(one.comparable for one in report.comparisons) else None,
            compared=_compared(report),
            complaints=_complaints_chart(report),
            months=_months(report),
        )


def _figures(report: ApologyReport) -> list[Delta]:
    latest = report.months[-1].complaint_rate
    return [
        Delta(_("Apologies"), number(report.apologies), hint=_("in thirteen months")),
        Delta(_("Worth at most"), money(report.worth_amount)),
        *(
            Delta(
                _("Bought within %(days)s days") % {"days": one.days},
                percent(one.rate),
                hint=_("similar customers: %(rate)s") % {"rate": percent(one.similar_rate)},
            )
            for one in report.comparisons
        ),
        Delta(
            _("Complaints per 1,000 orders"),
            number(latest, 1) if latest is not None else "–",
            hint=_("this month"),
        ),
    ]


def _buying_chart(report: ApologyReport) -> Chart:
    return Chart(
        _("Who bought again"),
        [_("within %(days)s days") % {"days": one.days} for one in report.comparisons],
        [
            Series(_("After an apology"), [one.rate for one in report.comparisons]),
            Series(_("Similar customers without one"), [one.similar_rate for one in report.comparisons]),
        ],
        kind="bar",
        unit="percent",
        key="bought-again",
    )


def _compared(report: ApologyReport) -> Table:
    return Table(
        [
            Column(_("Looked at after")),
            Column(_("Got an apology"), numeric=True),
            Column(_("with somebody to compare"), numeric=True),
            Column(_("bought again"), numeric=True),
            Column(_("similar ones bought again"), numeric=True),
            Column(_("difference"), numeric=True),
        ],
        [_compared_row(one) for one in report.comparisons],
        caption=_("Customers who got an apology beside similar ones who got none"),
    )


def _compared_row(one: Comparison) -> list[str]:
    difference = "–"
    if one.difference is not None:
        points = number(one.difference * 100, 1)
        difference = _("%(points)s points") % {"points": f"+{points}" if one.difference > 0 else points}
    return [
        _("%(days)s days") % {"days": one.days},
        number(one.treated),
        number(one.comparable),
        percent(one.rate),
        percent(one.similar_rate),
        difference,
    ]


def _complaints_chart(report: ApologyReport) -> Chart:
    return Chart(
        _("Complaints per 1,000 orders"),
        [month_name(month.first) for month in report.months],
        [
            Series(
                _("Complaints per 1,000 orders"), [_rounded(month.complaint_rate) for month in report.months]
            )
        ],
        kind="line",
        key="complaints",
    )


def _rounded(rate: Decimal | None) -> float | None:
    return None if rate is None else round(float(rate), 2)


def _months(report: ApologyReport) -> Table:
    return Table(
        [
            Column(_("Month")),
            Column(_("Apologies"), numeric=True),
            Column(_("Worth at most"), numeric=True),
            Column(_("Complaints"), numeric=True),
            Column(_("Orders"), numeric=True),
            Column(_("per 1,000"), numeric=True),
        ],
        [
            [
                month_name(month.first),
                number(month.apologies),
                money(month.worth_amount),
                number(month.complaints),
                number(month.orders),
                number(month.complaint_rate, 1) if month.complaint_rate is not None else "–",
            ]
            for month in reversed(report.months)
        ],
        caption=_("Apologies and complaints by month"),
    )
