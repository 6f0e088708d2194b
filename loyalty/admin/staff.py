"""Employees, and the board of the stores: who won how many members and friends."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from loyalty.models import Employee
from loyalty.services.store_board import (
    Board,
    Line,
    Score,
    board_of,
    following,
    months_of,
    previous,
    this_month,
)
from operations import formats
from operations.admin.pages import PageMixin
from operations.figure_files import wanted_file
from operations.figures import Cell, Chart, Column, Delta, Series, Table


@admin.register(Employee)
class EmployeeAdmin(PageMixin, ModelAdmin):
    """Who works in the stores. Somebody who left is no longer active: what they won stays theirs."""

    list_display = ["name", "code", "store", "active"]
    list_filter = ["active", "store"]
    list_select_related = ["store"]
    list_per_page = 25
    search_fields = ["name", "code"]
    autocomplete_fields = ["store"]
    fields = ["name", "code", "store", "user", "active"]

    def get_readonly_fields(self, request: HttpRequest, obj: Employee | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Employee | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        board = self.admin_site.admin_view(self.board_view)
        return [path("board/", board, name="loyalty_store_board"), *super().get_urls()]

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """Show what each store and its people achieved in a month, against the month before."""
        if not request.user.has_perm("loyalty.view_enrolment"):
            raise PermissionDenied
        now = this_month(timezone.now())
        month = _asked(request, now)
        board = board_of(month)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Store board"),
            "month": formats.month(month),
            "before": formats.month(previous(month)),
            "earlier": previous(month).isoformat(),
            "later": following(month).isoformat() if month < now else "",
            "figures": _strip(board),
            "stores": _store_table(board),
            "people": _people_table(board),
            "chart": _chart(board),
            "self_url": reverse("admin:loyalty_store_board"),
        }
        request.current_app = self.admin_site.name
        return wanted_file(request, context) or TemplateResponse(request, "loyalty/store_board.html", context)


def _asked(request: HttpRequest, latest: date) -> date:
    try:
        asked = parse_date(request.GET.get("month", ""))
    except ValueError:
        asked = None
    return min(asked.replace(day=1), latest) if asked and asked.year > 2000 else latest


def _strip(board: Board) -> list[Delta]:
    before = formats.month(previous(board.month))
    return [
        Delta(
            str(column.title),
            formats.number(score.now),
            delta=(score.now - score.before) / score.before if score.before else None,
            against=before,
            icon=column.icon,
        )
        for column in board.columns
        for score in [board.totals.get(column.code, Score())]
    ]


def _store_table(board: Board) -> Table:
    return _table(
        board,
        [(line, [Cell(line.name or _("Without a store"))]) for line in board.stores],
        [Column(_("Store"))],
        caption=_("Stores by rank"),
        key="stores",
    )


def _people_table(board: Board) -> Table:
    people = [(person, store) for store in board.stores for person in store.people if person.name]
    people.sort(key=lambda pair: tuple(-_score(pair[0], column.code).now for column in board.columns))
    rows = [(person, [person.name, store.name or formats.NOTHING]) for person, store in people]
    return _table(
        board, rows, [Column(_("Employee")), Column(_("Store"))], caption=_("People by rank"), key="people"
    )


def _table(
    board: Board, rows: list[tuple[Line, list[Any]]], names: list[Column], *, caption: str, key: str
) -> Table:
    cells = []
    for place, (line, named) in enumerate(rows, start=1):
        row = [str(line.rank if key == "stores" else place), *named]
        for column in board.columns:
            score = _score(line, column.code)
            row.append(Cell(_written(score), value=score.now))
        cells.append(row)
    columns = [Column("#", numeric=True), *names]
    columns += [Column(str(column.title), numeric=True) for column in board.columns]
    return Table(
        columns,
        cells,
        caption=caption,
        empty_title=_("Nothing in this month"),
        empty_text=_("Tills tell who enrolled whom (POST /enrolments); posters carry a code of their store."),
        empty_icon="storefront",
        key=key,
    )


def _written(score: Score) -> str:
    if score.now == score.before == 0:
        return formats.NOTHING
    difference = score.now - score.before
    return formats.number(score.now) + (f" ({difference:+d})" if difference else "")


def _score(line: Line, code: str) -> Score:
    return line.scores.get(code, Score())


def _chart(board: Board) -> Chart:
    drawn = [
        months_of(column, board.month)
        for column in board.columns
        if column.code in ("enrolments", "referrals")
    ]
    titles = [str(column.title) for column in board.columns if column.code in ("enrolments", "referrals")]
    labels = [formats.month(month) for month, _count in drawn[0]] if drawn else []
    series = [
        Series(title, [count for _month, count in months])
        for title, months in zip(titles, drawn, strict=True)
    ]
    return Chart(_("By month"), labels, series, kind="bar", key="months")
