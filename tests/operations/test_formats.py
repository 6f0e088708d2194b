"""Amounts, numbers and instants as people in Italy and Britain write them."""

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import override

from operations import formats
from operations.figures import Chart, Series

EVENING = datetime(2026, 10, 5, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("it", ["1.284,50 €", "1.284 €", "41.502", "12,3%", "+5,4%", "6 ott 2026", "6 ott 2026, 00:30", "–"]),
        ("en", ["€1,284.50", "€1,284", "41,502", "12.3%", "+5.4%", "6 Oct 2026", "6 Oct 2026, 00:30", "–"]),
    ],
)
def test_values_are_written_as_the_reader_writes_them(language, expected):
    with override(language):
        written = [
            formats.money(128450),
            formats.whole_money(128450),
            formats.number(41502),
            formats.percent(0.123),
            formats.change(0.054),
            formats.day(EVENING),
            formats.moment(EVENING),
            formats.money(None),
        ]

    assert [text.replace("\xa0", " ") for text in written] == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("it", ["+50,00 €", "−6,99 €", "0,00 €", "–"]), ("en", ["+€50.00", "−€6.99", "€0.00", "–"])],
)
def test_a_change_of_money_has_its_sign_in_front(language, expected):
    with override(language):
        written = [formats.money_change(amount) for amount in (5000, -699, 0, None)]

    assert [text.replace("\xa0", " ") for text in written] == expected


def test_a_currency_without_minor_units_has_none():
    with override("en"):
        assert formats.money(1500, "JPY") == "JP¥1,500"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("it", ["31 marzo", "5 ott 2026", "6 ott 2026, 00:30"]),
        ("en", ["31 March", "5 Oct 2026", "6 Oct 2026, 00:30"]),
    ],
)
def test_lists_write_months_as_pages_do(language, expected):
    with override(language):
        listed = [date_format(date(2026, 10, 5)), date_format(timezone.localtime(EVENING), "DATETIME_FORMAT")]

        assert [formats.day_of_any_year(date(2026, 3, 31)), *listed] == expected


def test_a_date_stays_its_day():
    with override("en"):
        assert formats.day(date(2026, 10, 5)) == "5 Oct 2026"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(5, "5 s"), (125, "2 min 5 s"), (7260, "2 h 1 min"), (172800, "2 days"), (None, "–")],
)
def test_durations_are_written_in_their_largest_units(seconds, expected):
    assert formats.duration(seconds) == expected


def test_a_change_is_coloured_by_whether_it_is_good():
    template = Template(
        '{% load fidelio %}{% delta 0.1 better="up" %}|{% delta 0.1 better="down" %}|{% delta 0 %}'
    )

    good, bad, none = template.render(Context()).split("|")

    assert "fi-delta-good" in good
    assert "fi-delta-bad" in bad
    assert "fi-delta-" not in none.replace('fi-delta"', "")


def test_a_chart_brings_its_numbers_as_a_table():
    chart = Chart("Revenue", ["Mon", "Tue"], [Series("Revenue", [123456, None])], unit="money", axis="Day")

    with override("en"):
        page = Template("{% load fidelio %}{% chart chart %}").render(Context({"chart": chart}))

    assert '<th scope="row">Mon</th><td class="fi-num">€1,234.56</td>' in page
    assert '<th scope="row">Tue</th><td class="fi-num">–</td>' in page
    assert "data-fi-chart=" in page
