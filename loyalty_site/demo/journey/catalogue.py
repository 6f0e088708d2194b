"""Products and stores as rows to copy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from customers.models import Product, Store
from customers.services.bulk import copy_rows, reserve_ids
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.invention import City, invent_city

PRODUCT_COLUMNS = [
    "id", "sku", "name", "brand", "category", "product_line", "collection", "tax_rate", "created_at",
]  # fmt: skip
STORE_COLUMNS = ["id", "code", "name", "country", "region", "city", "postcode", "store_group"]

REDUCED_RATE, FULL_RATE = 10, 22
FOOD = {
    "CHEF SHOPPE", "DELI", "FROZEN GROCERY", "GROCERY", "MEAT", "MEAT-PCKGD", "NUTRITION", "PASTRY",
    "PRODUCE", "RESTAURANT", "SALAD BAR", "SEAFOOD", "SEAFOOD-PCKGD",
}  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """Our ids by the data's ids, and what depends on a product or a store."""

    products: pd.Series
    tax_rates: pd.Series
    stores: pd.Series
    cities: dict[int, City]


def write_catalogue(dataset: Dataset, *, at: datetime) -> Catalogue:
    """Write products and stores; a product that was sold but never described becomes a stub."""
    described = dataset.products
    sold = dataset.transactions["product_id"].drop_duplicates()
    undescribed = sold[~sold.isin(described["product_id"])].tolist()
    numbers = described["product_id"].tolist() + undescribed
    ids = reserve_ids(Product, count=len(numbers))
    rates = [_tax_rate(department) for department in described["department"]] + [None] * len(undescribed)
    copy_rows(Product, PRODUCT_COLUMNS, _product_rows(described, undescribed, ids, rates, at))

    stores = sorted(int(store) for store in dataset.baskets["store_id"].unique())
    cities = {store: invent_city(store) for store in stores}
    store_ids = reserve_ids(Store, count=len(stores))
    copy_rows(Store, STORE_COLUMNS, _store_rows(stores, store_ids, cities))
    return Catalogue(
        products=pd.Series(ids, index=numbers),
        tax_rates=pd.Series(rates, index=numbers, dtype="Int64"),
        stores=pd.Series(store_ids, index=stores),
        cities=cities,
    )


def _product_rows(
    described: pd.DataFrame, undescribed: list[int], ids: list[int], rates: list[int | None], at: datetime
) -> Iterator[tuple]:
    texts = described[["product_type", "package_size", "brand", "product_category", "department"]].fillna("")
    known = zip(ids, described["product_id"], rates, texts.itertuples(index=False), strict=False)
    for pk, number, rate, (kind, size, brand, category, department) in known:
        name = f"{kind or category} {size}".strip().capitalize()
        yield pk, str(number), name, brand, category, department, "", rate, at
    for pk, number in zip(ids[len(described) :], undescribed, strict=True):
        yield pk, str(number), "", "", "", "", "", None, at


def _store_rows(stores: list[int], ids: list[int], cities: dict[int, City]) -> Iterator[tuple]:
    for pk, store in zip(ids, stores, strict=True):
        city = cities[store]
        name = f"Demo {city.name} {store}"
        yield pk, str(store), name, "IT", city.region, city.name, city.postcode, city.area


def _tax_rate(department: str) -> int:
    """Return a plausible Italian rate in percent; the data know none."""
    return REDUCED_RATE if department in FOOD else FULL_RATE
