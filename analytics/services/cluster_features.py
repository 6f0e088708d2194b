"""What customers are compared by, read for everybody who bought and put on scales that are about normal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from psycopg import sql

from analytics.columns import read_columns
from analytics.models import ClusterModel

Feature = ClusterModel.Feature
# Features that are traits. Who has none stands in the middle; without any sign of interest, at 0.
TRAITS = {
    Feature.ENGAGEMENT: "engagement",
    Feature.BUY_PROBABILITY: "buy_probability_30",
    Feature.DISCOUNTS: "discount_sensitivity",
}
KNOWN_SHARE = 0.5
BUYERS = """
SELECT rollup.customer_id::bigint,
       greatest({as_of}::date - (rollup.last_order_at AT TIME ZONE {zone})::date, 0)::float8,
       rollup.orders::float8, (rollup.net_amount::float8 / rollup.orders), rollup.net_amount::bigint {columns}
FROM customers_rollup AS rollup
JOIN customers_customer AS customer ON customer.id = rollup.customer_id
{joins}
WHERE rollup.scope = 'ALL' AND rollup.scope_value = '' AND rollup.orders > 0
  AND customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL
  AND customer.profiling = 'ALLOWED'
ORDER BY rollup.customer_id
"""
TRAIT_COLUMN = ", coalesce(({alias}.value #>> '{{}}')::float8, 'NaN')::float8"
TRAIT_JOIN = """
LEFT JOIN customers_trait AS {alias} ON {alias}.customer_id = rollup.customer_id AND {alias}.code = {code}
    AND jsonb_typeof({alias}.value) = 'number'
"""


@dataclass(frozen=True)
class Buyers:
    """Everybody who bought: `values` are features as people read them, `scaled` on about normal scales."""

    customer_ids: NDArray[np.int64]
    features: list[str]
    values: NDArray[np.float64]
    scaled: NDArray[np.float64]
    net_amount: NDArray[np.int64]


def read_buyers(features: Sequence[str], *, as_of: date) -> Buyers:
    """Read everybody who bought with these features; one that few people have is left out."""
    traits = [feature for feature in features if feature in TRAITS]
    query = sql.SQL(BUYERS).format(
        as_of=as_of,
        zone=settings.PROGRAMME_TIME_ZONE,
        columns=sql.SQL("").join(
            sql.SQL(TRAIT_COLUMN).format(alias=sql.Identifier(f"trait_{each}")) for each in traits
        ),
        joins=sql.SQL("").join(
            sql.SQL(TRAIT_JOIN).format(alias=sql.Identifier(f"trait_{each}"), code=TRAITS[Feature(each)])
            for each in traits
        ),
    )
    usual = {Feature.RECENCY.value: "f", Feature.FREQUENCY.value: "f", Feature.MONETARY.value: "f"}
    kinds = {"customer_id": "i"} | usual | {"net_amount": "i"} | dict.fromkeys(traits, "f")
    read = read_columns(query, kinds)
    used = [each for each in features if each not in TRAITS or _is_known(each, read[each])]
    columns = {each: _filled(each, read[each]) for each in used}
    rows = len(read["customer_id"])
    return Buyers(
        customer_ids=read["customer_id"],
        features=used,
        values=np.column_stack(list(columns.values())) if used else np.zeros((rows, 0)),
        scaled=np.column_stack([_on_a_scale(each, column) for each, column in columns.items()])
        if used
        else np.zeros((rows, 0)),
        net_amount=read["net_amount"],
    )


def _is_known(feature: str, column: NDArray[np.float64]) -> bool:
    known = ~np.isnan(column)
    return bool(known.any()) if feature == Feature.ENGAGEMENT else bool(known.mean() >= KNOWN_SHARE)


def _filled(feature: str, column: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = np.isnan(column)
    if not missing.any():
        return column
    return np.where(missing, 0.0 if feature == Feature.ENGAGEMENT else np.nanmedian(column), column)


def _on_a_scale(feature: str, column: NDArray[np.float64]) -> NDArray[np.float64]:
    if feature == Feature.BUY_PROBABILITY:
        share = np.clip(column, 0.001, 0.999)
        return np.log(share / (1 - share))
    return column if feature == Feature.DISCOUNTS else np.log1p(np.maximum(column, 0.0))
