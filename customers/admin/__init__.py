"""The console's pages about customers, what they bought and what happened to them."""

from customers.admin import (
    catalogue,
    customers,
    duplicates,
    identities,
    imports,
    ledgers,
    orders,
    quarantine,
    rights,
    segments,
)

__all__ = [
    "catalogue",
    "customers",
    "duplicates",
    "identities",
    "imports",
    "ledgers",
    "orders",
    "quarantine",
    "rights",
    "segments",
]
