"""What is owed on gift cards and points at the end of any day: charts, tables, and a file."""

import csv
from datetime import date
from fractions import Fraction
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.generic import TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin

from coupons.breakage import Breakage, breakage_at
from coupons.liabilities import Position, liabilities_at
from operations.cells import inert
from operations.date_fields import DayField
from operations.figure_files import ChartsPage
from operations.figures import Cell, Chart, Column, Delta, Series, Table
from operations.formats import major, money, number, percent
from operations.formats import month as month_name

PERMISSION = "coupons.view_liabilities"
MONTH_COLUMNS = {
    "credited": "credited",
    "spent": "spent",
    "taken_back": "taken_back",
    "given_back": "returned",
    "expired": "expired",
    "owed": "owed",
}


class DayForm(forms.Form):
    day = DayField(label=gettext_lazy("At the end of"), required=False)

    def day_or_today(self) -> date:
        today = timezone.localdate()
        if not self.is_valid() or not self.cleaned_data["day"]:
            return today
        return min(self.cleaned_data["day"], today)


class LiabilitiesView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """Strip, chart and table of every position."""

    permission_required = PERMISSION
    template_name = "coupons/liabilities.html"
    title = gettext_lazy("Liabilities")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        day = DayForm(self.request.GET).day_or_today()
        positions = liabilities_at(day)
        breakage = breakage_at(day)
        return super().get_context_data(
            **kwargs,
            breakage=breakage if breakage.points or breakage.earned else None,
            breakage_figures=_breakage_figures(breakage),
            breakage_chart=_breakage_chart(breakage),
            day=day,
            form=DayForm(initial={"day": day}),
            figures=[_figure(position) for position in positions],
            charts=[_chart(position) for position in positions],
            table=_table(positions),
        )


class LiabilitiesFileView(UnfoldModelAdminViewMixin, View):
    """The same, month by month, as CSV; amounts in minor units."""

    permission_required = PERMISSION
    title = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        day = DayForm(request.GET).day_or_today()
        answer = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="liabilities-{day.isoformat()}.csv"'},
        )
        answer.write("\ufeff")
        writer = csv.writer(answer)
        writer.writerow(["kind", "currency", "tax", "month", *MONTH_COLUMNS])
        for position in liabilities_at(day):
            for month in position.months:
                row = [position.kind, position.currency, position.vat_kind, month.first_day.isoformat()]
                row += [getattr(month, name) for name in MONTH_COLUMNS.values()]
                writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
        return answer


def _figure(position: Position) -> Delta:
    before, now = position.months[-2].owed, position.units
    return Delta(
        position.name,
        money(position.amount, position.currency),
        delta=(now - before) / before if before else None,
        better="neither",
        against=_("since the month before;"),
        hint=_holders(position),
        icon="toll" if position.is_points else "card_giftcard",
    )


def _holders(position: Position) -> str:
    words = {"count": number(position.accounts)}
    if not position.is_points:
        return ngettext("on %(count)s card", "on %(count)s cards", position.accounts) % words
    points = ngettext("%(points)s point", "%(points)s points", position.units)
    holders = ngettext("of %(count)s customer", "of %(count)s customers", position.accounts)
    return f"{points % {'points': number(position.units)}} {holders % words}"


def _chart(position: Position) -> Chart:
    unit = "number" if position.is_points else "money"
    return Chart(
        position.name,
        [month_name(month.first_day) for month in position.months],
        [
            Series(_("Owed at the end of the month"), [month.owed for month in position.months]),
            Series(_("Credited"), [month.credited for month in position.months]),
            Series(_("Spent"), [month.spent for month in position.months]),
            Series(pgettext("liabilities", "Taken back"), [month.taken_back for month in position.months]),
            Series(_("Given back"), [month.returned for month in position.months]),
            Series(_("Expired"), [month.expired for month in position.months]),
        ],
        unit=unit,
        key=slugify(f"{position.kind} {position.currency} {position.vat_kind}"),
    )


def _table(positions: list[Position]) -> Table:
    return Table(
        [
            Column(_("What")),
            Column(_("Owed"), numeric=True),
            Column(_("Credited this month"), numeric=True),
            Column(_("Spent"), numeric=True),
            Column(pgettext("liabilities", "Taken back"), numeric=True),
            Column(_("Given back"), numeric=True),
            Column(_("Expired"), numeric=True),
            Column(_("Tax at issue"), numeric=True),
        ],
        [_row(position) for position in positions],
        caption=_("What is owed, by kind"),
        key="kinds",
        empty_title=_("Nothing is owed"),
        empty_text=_("Money on gift cards and points of customers will stand here."),
        empty_icon="account_balance_wallet",
    )


def _row(position: Position) -> list[str | Cell]:
    month = position.months[-1]
    counts = [month.credited, month.spent, month.taken_back, month.returned, month.expired]

    def amount(units: int) -> Cell:
        return Cell(money(units, position.currency), value=major(units, position.currency))

    def points(units: int) -> Cell:
        return Cell(number(units), value=units)

    moved = map(points if position.is_points else amount, counts)
    tax = amount(position.tax_amount) if position.vat_kind == "SPV" else "–"
    return [position.name, amount(position.amount), *moved, tax]


def _breakage_figures(breakage: Breakage) -> list[Delta]:
    rate = breakage.rate
    owed = breakage.points - breakage.expected
    return [
        Delta(
            _("Breakage of the last 12 months"),
            "–" if rate is None else percent(float(rate)),
            hint=_("%(expired)s of %(earned)s points that came to their end expired")
            % {"expired": number(breakage.expired), "earned": number(breakage.earned)},
            icon="hourglass_disabled",
        ),
        Delta(
            _("Expected to expire"),
            money(breakage.expected_amount),
            hint=_("%(points)s of the points that stand") % {"points": number(breakage.expected)},
            icon="event_busy",
        ),
        Delta(
            _("Expected to be spent"),
            money(owed * settings.POINT_VALUE_AMOUNT),
            hint=_("%(points)s points; %(for_ever)s of them never expire")
            % {"points": number(owed), "for_ever": number(breakage.for_ever)},
            icon="shopping_bag",
        ),
    ]


def _breakage_chart(breakage: Breakage) -> Chart:
    """Return points by months left, and how many of them are expected to expire."""
    ahead = breakage.ahead
    return Chart(
        _("Points by months left"),
        [str(one.months) for one in ahead],
        [
            Series(_("Points that stand"), [one.points for one in ahead]),
            Series(_("Expected to expire"), [int(one.expected + Fraction(1, 2)) for one in ahead]),
        ],
        kind="bar",
        axis=_("whole months of 30 days until they expire"),
        key="breakage",
    )
