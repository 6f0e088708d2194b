"""What the page of an article's prices shows: where they stand, their course, and each change."""

from datetime import date
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Product
from customers.price_history import PriceDay, price_days
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table

PERIODS = (90, 365, 730)


def price_context(product: Product, *, today: date, days: int) -> dict[str, Any]:
    """Return everything the page draws of so many days until today."""
    history = price_days(product, until=today, days=days)
    now, changes = history[-1], changes_of(history)
    price = now.last_amount if product.unit_price_amount is None else product.unit_price_amount
    lowest = now.before_amount
    return {
        "product": product,
        "periods": PERIODS,
        "days": days,
        "known": price is not None,
        "raised": None not in (price, lowest) and price > lowest,
        "price_amount": price,
        "lowest_amount": lowest,
        "figures": _figures(product, price, lowest, changes),
        "chart": _chart(history),
        "table": _table(changes),
    }


def changes_of(history: list[PriceDay]) -> list[tuple[PriceDay, int]]:
    """Return the days whose lowest price is another than the day before, newest first, with that price."""
    return [
        (day, before.lowest_amount)
        for before, day in reversed(list(pairwise(history)))
        if before.lowest_amount not in (None, day.lowest_amount)
    ]


def _figures(
    product: Product, price: int | None, lowest: int | None, changes: list[tuple[PriceDay, int]]
) -> list[Delta]:
    told = product.unit_price_amount is not None
    times = ngettext("%(count)s time in these days", "%(count)s times in these days", len(changes))
    return [
        Delta(
            _("Price now"),
            formats.money(price),
            hint=_("as your systems told it") if told else _("as it was last sold for"),
            icon="sell",
        ),
        Delta(
            _("Lowest of the 30 days before today"),
            formats.money(lowest),
            hint=_("what a reduction is announced from"),
            icon="south",
        ),
        Delta(
            _("Last changed"),
            formats.day(changes[0][0].day) if changes else "–",
            hint=times % {"count": formats.number(len(changes))} if changes else _("not in these days"),
            icon="update",
        ),
    ]


def _chart(history: list[PriceDay]) -> Chart:
    return Chart(
        _("Price by day"),
        [formats.day(one.day) for one in history],
        [
            Series(_("Lowest price of the day"), [one.lowest_amount for one in history], stepped=True),
            Series(
                _("Lowest of the 30 days before"),
                [one.before_amount for one in history],
                dashed=True,
                stepped=True,
            ),
        ],
        unit="money",
        axis=_("day"),
        key="prices",
    )


def _table(changes: list[tuple[PriceDay, int]]) -> Table:
    return Table(
        [
            Column(_("Day")),
            Column(_("From"), numeric=True),
            Column(_("To"), numeric=True),
            Column(_("Change"), numeric=True),
            Column(_("Lowest of the 30 days before"), numeric=True),
        ],
        [_row(day, amount) for day, amount in changes],
        caption=_("Changes of the lowest price of a day"),
        empty_title=_("The price did not change in these days"),
        empty_text=_("Each change stands here with its day, and the lowest price of the 30 days before it."),
        empty_icon="sell",
        key="changes",
    )


def _row(day: PriceDay, before: int) -> list[Any]:
    share = (day.lowest_amount - before) / before if before else None
    return [
        formats.day(day.day),
        _amount(before),
        _amount(day.lowest_amount),
        Cell(formats.change(share), value=share),
        _amount(day.before_amount),
    ]


def _amount(amount: int | None) -> Cell:
    return Cell(formats.money(amount), value=formats.major(amount))
