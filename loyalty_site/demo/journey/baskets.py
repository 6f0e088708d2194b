"""Baskets as orders, and their lines. Cents; a line's amount is before the shop's discount."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import pyarrow as pa
from django.conf import settings
from pyarrow import csv

from customers.models import Order, OrderLine, SalesChannel, Source
from customers.services.bulk import copy_csv, reserve_ids
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.catalogue import Catalogue
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.households import Households

BLOCK_LINES = 100_000


def write_orders(
    dataset: Dataset,
    *,
    source: Source,
    sales_channel: SalesChannel,
    households: Households,
    catalogue: Catalogue,
    calendar: Calendar,
    at: datetime,
) -> pd.Series:
    """Write one paid order per basket; returns our order ids by basket id."""
    baskets = dataset.baskets
    cents = _cents(dataset.transactions["sales_value"])
    totals = cents.groupby(dataset.transactions["basket_id"], sort=False).sum().to_numpy()
    ids = pd.Series(reserve_ids(Order, count=len(baskets)), index=baskets["basket_id"].to_numpy())
    orders = pd.DataFrame(
        {
            "id": ids.to_numpy(),
            "source_id": source.pk,
            "external_id": baskets["basket_id"].astype(str).to_numpy(),
            "source_profile_id": households.profiles.loc[baskets["household_id"]].to_numpy(),
            "customer_id": households.customers.loc[baskets["household_id"]].to_numpy(),
            "ordered_at": calendar.instants(baskets["transaction_timestamp"]).array,
            "status": Order.Status.PAID.value,
            "currency": settings.PROGRAMME_CURRENCY,
            "sales_channel_id": sales_channel.pk,
            "store_id": catalogue.stores.loc[baskets["store_id"]].to_numpy(),
            "total_amount": totals,
            "shipping_amount": 0,
            "refunded_amount": 0,
            "content_hash": [_fingerprint(*pair) for pair in zip(ids.index, totals, strict=True)],
        }
    )
    orders["created_at"] = pd.Timestamp(at)
    copy_csv(Order, list(orders.columns), _csv(orders))
    return ids


def write_lines(dataset: Dataset, *, orders: pd.Series, catalogue: Catalogue) -> Iterator[int]:
    """Write the lines in blocks; yields the size of each."""
    transactions = dataset.transactions
    place = transactions.groupby("basket_id", sort=False).cumcount() + 1
    for start in range(0, len(transactions), BLOCK_LINES):
        block = transactions.iloc[start : start + BLOCK_LINES]
        discount = _cents(block["retail_disc"])
        lines = pd.DataFrame(
            {
                "order_id": orders.loc[block["basket_id"]].to_numpy(),
                "line_id": place.iloc[start : start + BLOCK_LINES].astype(str).to_numpy(),
                "product_id": catalogue.products.loc[block["product_id"]].to_numpy(),
                "quantity": block["quantity"].to_numpy(),
                "amount": (_cents(block["sales_value"]) + discount).to_numpy(),
                "discount_amount": discount.to_numpy(),
                "tax_rate": catalogue.tax_rates.loc[block["product_id"]].to_numpy(),
            }
        )
        yield copy_csv(OrderLine, list(lines.columns), _csv(lines))


def _cents(dollars: pd.Series) -> pd.Series:
    return (dollars * 100).round().astype("int64")


def _fingerprint(basket: int, total: int) -> str:
    return "\\x" + hashlib.sha256(f"{basket}:{total}".encode()).hexdigest()


def _csv(frame: pd.DataFrame) -> memoryview:
    output = pa.BufferOutputStream()
    csv.write_csv(
        pa.Table.from_pandas(frame, preserve_index=False), output, csv.WriteOptions(include_header=False)
    )
    return memoryview(output.getvalue())
