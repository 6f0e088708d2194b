"""What an article was offered for, day by day, beside the lowest price of the 30 days before each day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from customers.models import Product, ProductPrice
from customers.services.prices import LOOKED_BACK

DAY = timedelta(days=1)


@dataclass(frozen=True)
class PriceDay:
    """A day of an article: its lowest and its last price, and the lowest of the 30 days before.

    Minor units, gross, None while nobody had told us. `known` says whether the day has a price of its own;
    otherwise it carries on the last one before it.
    """

    day: date
    lowest_amount: int | None
    last_amount: int | None
    before_amount: int | None
    known: bool


def price_days(product: Product, *, until: date, days: int) -> list[PriceDay]:
    """Return so many days of the article's prices, the last of them `until`."""
    first = until - (days - 1) * DAY - LOOKED_BACK
    rows = ProductPrice.objects.filter(product=product, day__lte=until)
    earlier = rows.filter(day__lt=first).order_by("-day").first()
    given = [*([earlier] if earlier else []), *rows.filter(day__gte=first).order_by("day")]
    return prices_by_day(
        [(row.day, row.lowest_amount, row.last_amount) for row in given],
        until=until,
        days=days,
        told=product.unit_price_amount is not None,
    )


def prices_by_day(
    rows: Iterable[tuple[date, int, int]], *, until: date, days: int, told: bool
) -> list[PriceDay]:
    """Lay rows of (day, lowest, last), in the order of their days, out over every day.

    A price that was `told` holds until the next one and counts among the 30 days before; one known from sales
    counts on the days of sale alone, as in `with_prices`.
    """
    day = until - (days - 1) * DAY - LOOKED_BACK
    known = {each: (lowest, amount) for each, lowest, amount in rows}
    last = next((known[each][1] for each in sorted(known, reverse=True) if each < day), None)
    found: list[PriceDay] = []
    counted: list[int | None] = []
    while day <= until:
        lowest, last = known.get(day, (last, last))
        before = [amount for amount in counted[-LOOKED_BACK.days :] if amount is not None]
        found.append(PriceDay(day, lowest, last, min(before, default=None), day in known))
        counted.append(lowest if told or day in known else None)
        day += DAY
    return found[-days:]
