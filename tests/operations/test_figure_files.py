"""Charts and tables as files."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.http import Http404, QueryDict

from operations.figure_files import csv_response, wanted_file
from operations.figures import Cell, Chart, Column, Series, Table

REVENUE = Chart(
    "Revenue", ["Oct", "Nov"], [Series("Now", [123456, None]), Series("Before", [5, 10])],
    unit="money", axis="Month", key="revenue", target=20_000,
)  # fmt: skip


def text(answer) -> str:
    return answer.content.decode("utf-8-sig")


def test_amounts_are_in_whole_units_and_gaps_are_empty():
    answer = csv_response(REVENUE, "Revenue by month")

    assert text(answer).splitlines() == [
        "Month,Now,Before,target",
        "Oct,1234.56,0.05,200.00",
        "Nov,,0.10,200.00",
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="revenue-by-month.csv"'


def test_an_interval_has_both_ends():
    chart = Chart("Lift", ["A"], [Series("Lift", [0.014], low=[-0.0001], high=[0.0281])], kind="interval")

    assert text(csv_response(chart, "lift")).splitlines()[1] == "A,0.014,-0.0001,0.0281"


def test_a_spreadsheet_does_not_execute_a_name():
    table = Table(
        [Column("=1+1"), Column("n", numeric=True)], [["=HYPERLINK(1)", Cell("1 284 €", value=1284)]]
    )

    assert text(csv_response(table, "t")).splitlines() == ["'=1+1,n", "'=HYPERLINK(1),1284"]


def test_a_share_has_no_more_digits_than_anybody_reads():
    table = Table(
        [Column("Share"), Column("Rate")],
        [[Cell("33 %", value=1 / 3), Cell("1/7", value=Decimal(1) / 7)], [Cell("1", value=1.0), "2"]],
    )

    assert text(csv_response(table, "t")).splitlines()[1:] == ["0.333333,0.142857", "1.0,2"]


def test_a_page_answers_with_the_figure_of_that_key():
    request = SimpleNamespace(GET=QueryDict("csv=revenue"))

    assert "1234.56" in text(wanted_file(request, {"cards": [{"chart": REVENUE}]}))
    assert wanted_file(SimpleNamespace(GET=QueryDict("")), {"chart": REVENUE}) is None
    with pytest.raises(Http404):
        wanted_file(SimpleNamespace(GET=QueryDict("csv=other")), {"chart": REVENUE})


def test_a_funnel_tells_the_share_of_the_first_and_of_the_step_before():
    steps = Chart("Funnel", ["Sent", "Clicked", "Bought"], [Series("People", [200, 50, 10])]).steps

    assert [(step.share, step.of_before) for step in steps] == [(1.0, None), (0.25, 0.25), (0.05, 0.2)]
