"""A block of orders in the order of time, with their lines and what else happened on the way."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from customers.models import Event, Order, OrderLine
from loyalty_site.synthetic.columns import (
    constant,
    dice,
    digits,
    hashes,
    instants,
    pick,
    text,
    weighted,
    where,
)
from loyalty_site.synthetic.plan import BUSINESS_UNITS, SALES_CHANNELS, Directory, Plan
from loyalty_site.synthetic.records import Rows

LINES_PER_ORDER = [0.45, 0.27, 0.14, 0.08, 0.04, 0.02]  # Two on average.
ANONYMOUS, UNPAID = 0.03, 0.03
# One of these for every tenth order: type and payload.
DOINGS = {
    "product.viewed": '{"seconds":40}',
    "visit.recorded": '{"pages":5}',
    "cart.updated": '{"lines":[]}',
    "review.written": '{"rating":4}',
    "nps.answered": '{"score":9}',
}
DOINGS_WEIGHTS = [45, 35, 14, 3, 3]


def rows_of_orders(plan: Plan, directory: Directory, first: int, count: int, currency: str) -> Iterator[Rows]:
    """Yield the orders numbered from `first` with their lines and events."""
    generator = dice(plan.seed, "orders", first)
    when = (first + np.sort(generator.random(count)) * count) / plan.orders
    seconds = np.minimum(
        plan.begins.timestamp() + when * plan.history.total_seconds(), plan.until.timestamp() - 1
    )
    buyer = _buyers(plan, generator, when)
    known = generator.random(count) >= ANONYMOUS
    paid = generator.random(count) >= UNPAID
    channel = weighted(generator, list(SALES_CHANNELS.values()), count)
    lines, totals = _lines(directory, generator, first, count)
    at = instants(seconds)
    common = {
        "source_profile_id": where(known, pa.array(directory.profiles + buyer)),
        "customer_id": where(known, pa.array(directory.customers + buyer)),
        "sales_channel_id": directory.sales_channels[channel],
        "store_id": where(
            channel == 0, pa.array(directory.stores[generator.integers(0, len(directory.stores), count)])
        ),
        "currency": constant(currency, count),
        "content_hash": hashes(generator, count),
    }
    ids = directory.orders + first + np.arange(count)
    yield Rows(
        Order,
        common | {
            "id": ids,
            "source_id": np.where(channel == 0, directory.pos, directory.shop),
            "external_id": text("O", first + np.arange(count)),
            "ordered_at": at,
            "status": np.where(paid, "PAID", np.where(generator.random(count) < 0.7, "CANCELLED", "PENDING")),
            "business_unit_id": directory.business_units[np.minimum(channel, len(BUSINESS_UNITS) - 1)],
            "total_amount": totals,
            "shipping_amount": np.where((channel > 0) & (totals < 4_900), 490, 0),
            "refunded_amount": constant(0, count),
            "created_at": at,
        },
    )  # fmt: skip
    yield lines
    yield Rows(
        Event,
        common | {
            "type": constant("order.recorded", count),
            "occurred_at": at,
            "received_at": at,
            "source_id": constant(directory.own, count),
            "external_id": text("order:", ids, ":paid"),
            "amount": totals,
            "payload": text('{"order":', ids, "}"),
        },
        paid,
    )  # fmt: skip
    yield _doings(plan, directory, generator, first, seconds, buyer)


def _buyers(plan: Plan, generator: np.random.Generator, when: np.ndarray) -> np.ndarray:
    """Return a customer for each instant, of those enrolled by then, the lively ones more often."""
    pool = plan.enrolled(when)
    buyers = np.full(len(when), -1)
    for _ in range(1_000):
        missing = np.flatnonzero(buyers < 0)
        if not len(missing):
            break
        drawn = (generator.random(len(missing)) * pool[missing]).astype("int64")
        taken = generator.random(len(missing)) < plan.liveliness(drawn)
        buyers[missing[taken]] = drawn[taken]
    return np.maximum(buyers, 0)


def _lines(
    directory: Directory, generator: np.random.Generator, first: int, count: int
) -> tuple[Rows, np.ndarray]:
    """Return the lines, and the total of each order."""
    sizes = weighted(generator, LINES_PER_ORDER, count) + 1
    order = np.repeat(np.arange(count), sizes)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    product = (len(directory.products) * generator.random(len(order)) ** 2).astype("int64")
    pieces = np.where(generator.random(len(order)) < 0.85, 1, generator.integers(2, 5, len(order)))
    amounts = directory.prices[product] * pieces
    discounts = np.where(generator.random(len(order)) < 0.2, amounts // 5, 0)
    totals = np.zeros(count, dtype="int64")
    np.add.at(totals, order, amounts - discounts)
    rows = Rows(
        OrderLine,
        {
            "order_id": directory.orders + first + order,
            "line_id": place.astype("int32"),
            "product_id": directory.products[product],
            "quantity": pieces,
            "amount": amounts,
            "discount_amount": discounts,
            "tax_rate": directory.tax_rates[product],
        },
    )
    return rows, totals


def _doings(
    plan: Plan,
    directory: Directory,
    generator: np.random.Generator,
    first: int,
    seconds: np.ndarray,
    buyer: np.ndarray,
) -> Rows:
    """Return what the shop and the help desk saw of some of the buyers in the hours before."""
    chosen = np.arange(0, len(buyer), 10)
    kinds, count = weighted(generator, DOINGS_WEIGHTS, len(chosen)), len(chosen)
    product = directory.products[generator.integers(0, len(directory.products), count)]
    at = instants(seconds[chosen] - generator.integers(60, 7_200, count))
    return Rows(
        Event,
        {
            "type": pick(list(DOINGS), kinds),
            "occurred_at": at,
            "received_at": at,
            "source_id": constant(directory.shop, count),
            "external_id": text("E", digits(first + chosen, 9)),
            "source_profile_id": directory.profiles + buyer[chosen],
            "customer_id": directory.customers + buyer[chosen],
            "product_id": where(kinds != 1, pa.array(product)),
            "currency": constant("", count),
            "payload": pick(list(DOINGS.values()), kinds),
            "content_hash": hashes(generator, count),
        },
    )
