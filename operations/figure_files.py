"""Charts and tables of pages as CSV files: plain numbers, and nothing that a spreadsheet would execute."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify

from operations.cells import inert
from operations.figures import Cell, Chart, Table

PARAMETER = "csv"
PLACES = 6  # A share to a ten-thousandth of a percent; more digits only fill the column.
NO_BREAK_SPACES = str.maketrans({"\xa0": " ", "\u202f": " "})


def csv_response(figure: Chart | Table, name: str) -> HttpResponse:
    """Return the numbers of a chart or table as a file `name`.csv.

    Amounts of a chart are in whole units of the programme's currency, shares from 0 to 1; a cell of a table
    is its `value`, or else its text.
    """
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{slugify(name) or "figures"}.csv"'},
    )
    answer.write("\ufeff")
    writer = csv.writer(answer)
    for row in _chart_rows(figure) if isinstance(figure, Chart) else _table_rows(figure):
        writer.writerow([_written(cell) for cell in row])
    return answer


def _chart_rows(chart: Chart) -> Iterator[Iterable[Any]]:
    target = [] if chart.target is None else [chart.target_label or "target"]
    yield [chart.axis or chart.title, *chart.headings, *target]
    for label, values in chart.rows:
        extra = [] if chart.target is None else [chart.target]
        yield [label, *(_plain(value, chart.unit) for value in (*values, *extra))]


def _plain(value: float | int | None, unit: str) -> Any:
    if value is None or unit != "money":
        return value
    return Decimal(str(value)).scaleb(-get_currency_precision(settings.PROGRAMME_CURRENCY))


def _table_rows(table: Table) -> Iterator[Iterable[Any]]:
    yield [column.label for column in table.columns]
    for row in table.rows:
        yield [_of_cell(cell) for cell in row]


def _of_cell(cell: Any) -> Any:
    if not isinstance(cell, Cell):
        return cell
    return cell.text if cell.value is None else cell.value


def _written(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float) or (isinstance(value, Decimal) and value != round(value, PLACES)):
        return round(value, PLACES)
    if isinstance(value, bool | int | Decimal):
        return value
    return inert(str(value).translate(NO_BREAK_SPACES))


class ChartsPage:
    """Gives a TemplateView `?csv=KEY`: the chart or table of its context with that key, as a file."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return wanted_file(self.request, context) or super().render_to_response(context, **kwargs)


def wanted_file(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return the file that this request asks for, or None when it asks for the page.

    Raises Http404 when no chart or table of the context has that key.
    """
    key = request.GET.get(PARAMETER, "")
    if not key:
        return None
    for figure in _figures(context):
        if figure.key == key:
            return csv_response(figure, key)
    raise Http404


def _figures(value: Any) -> Iterator[Chart | Table]:
    """Yield the charts and tables in a context, also those in its lists and dictionaries."""
    if isinstance(value, Chart | Table):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _figures(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _figures(each)
