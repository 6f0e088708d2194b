"""The console's pages about customers, what they bought and what happened to them."""

from customers.admin import (
    assets,
    catalogue,
    customers,
    duplicates,
    identities,
    imports,
    leads,
    ledgers,
    orders,
    quarantine,
    rights,
    segments,
    suppressions,
    topics,
)

__all__ = [
    "assets",
    "catalogue",
    "customers",
    "duplicates",
    "identities",
    "imports",
    "leads",
    "ledgers",
    "orders",
    "quarantine",
    "rights",
    "segments",
    "suppressions",
    "topics",
]
