"""What a load shall make, and the ids and names that its blocks share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

CUSTOMERS_AT_ONCE = 50_000
ORDERS_AT_ONCE = 100_000
# Who orders: most people once in a while, a few often; prospects and strangers never.
PROSPECTS, STRANGERS = 0.06, 0.02
ENROLLED_BEFORE = 0.7

PRODUCT_LINES = [
    "Tyres", "Batteries", "Oil and filters", "Car care", "Tools", "Garden", "Paint", "Lighting", "Kitchen",
    "Bathroom", "Heating", "Toys", "Bicycles", "Camping", "Running", "Skiing", "Fresh food", "Bakery",
    "Dairy", "Wine", "Coffee", "Baby", "Pets", "Pharmacy", "Cosmetics", "Perfume", "Books", "Stationery",
    "Phones", "Computers", "Television", "Audio", "Women", "Men", "Children", "Shoes", "Bags", "Jewellery",
    "Furniture", "Textiles",
]  # fmt: skip
BRANDS = ["Alba", "Brio", "Corvo", "Delta", "Etna", "Fiore", "Gamma", "Helios", "Isola", "Lido"]
PRODUCTS_PER_LINE = 50
STORES = 120
SALES_CHANNELS = {"store": 0.62, "web": 0.25, "app": 0.12, "phone": 0.01}
BUSINESS_UNITS = ["retail", "online", "services"]


@dataclass(frozen=True)
class Plan:
    """How much to make, from which dice, in which time up to which instant."""

    customers: int
    orders: int
    seed: int
    until: datetime
    history: timedelta = timedelta(days=730)

    @property
    def begins(self) -> datetime:
        """Return when the first order may be."""
        return self.until - self.history

    @property
    def earliest(self) -> datetime:
        """Return when the first customer came."""
        return self.begins - self.history / 2

    @property
    def months(self) -> int:
        """Return how many months lie between the first customer and the end."""
        return round((self.until - self.earliest) / timedelta(days=30.4))

    def customer_blocks(self) -> Iterator[tuple[int, int]]:
        """Yield the number of each block's first customer and how many it has."""
        return _blocks(self.customers, CUSTOMERS_AT_ONCE)

    def order_blocks(self) -> Iterator[tuple[int, int]]:
        return _blocks(self.orders, ORDERS_AT_ONCE)

    def prospects(self, numbers: np.ndarray) -> np.ndarray:
        """Return who of these customers is known by an e-mail address alone."""
        return _share(numbers, 1) < PROSPECTS

    def strangers(self, numbers: np.ndarray) -> np.ndarray:
        """Return who of these customers is known by a cookie alone."""
        share = _share(numbers, 1)
        return (share >= PROSPECTS) & (share < PROSPECTS + STRANGERS)

    def liveliness(self, numbers: np.ndarray) -> np.ndarray:
        """Return how likely an order is this customer's, from 0 (never) to 1."""
        share = _share(numbers, 2)
        return np.where(_share(numbers, 1) < PROSPECTS + STRANGERS, 0.0, share * share * share)

    def enrolled(self, when: np.ndarray) -> np.ndarray:
        """Return how many customers there are at these parts (0 to 1) of the history."""
        return np.maximum(1, self.customers * (ENROLLED_BEFORE + (1 - ENROLLED_BEFORE) * when)).astype(
            "int64"
        )

    def enrolment(self, numbers: np.ndarray) -> np.ndarray:
        """Return when these customers came, as Unix times; the inverse of `enrolled`, and before it."""
        part = (numbers + 1) / self.customers
        within = (part - ENROLLED_BEFORE) / (1 - ENROLLED_BEFORE)
        before = (part / ENROLLED_BEFORE - 1) / 2
        return self.begins.timestamp() + np.where(within > 0, within, before) * self.history.total_seconds()


@dataclass
class Directory:
    """Our ids. Those of customers, their first profiles, orders and consents follow from the first."""

    pos: int
    shop: int
    partner: int
    own: int
    customers: int
    profiles: int
    orders: int
    consents: int
    products: np.ndarray
    prices: np.ndarray
    tax_rates: np.ndarray
    stores: np.ndarray
    sales_channels: np.ndarray
    business_units: np.ndarray

    def take_consents(self, count: int) -> np.ndarray:
        """Return the next ids of consent records."""
        self.consents += count
        return np.arange(self.consents - count, self.consents)


def _share(numbers: np.ndarray, kind: int) -> np.ndarray:
    """Return a number between 0 and 1 that belongs to each customer for ever (a 64-bit mix)."""
    mixed = numbers.astype("uint64") * np.uint64(0x9E3779B97F4A7C15) + np.uint64(kind * 0x632BE59BD9B4E019)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed.astype("float64") / 2**64


def _blocks(total: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, total, size):
        yield first, min(size, total - first)
