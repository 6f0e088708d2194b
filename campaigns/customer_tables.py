"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnMerge

TABLES = [
    CustomerTable(
        "campaigns.Message",
        on_merge=OnMerge.STEP,
        step="campaigns.services.merges.merge_messages",
        blank={"address": "", "detail": ""},
        hidden=frozenset({"token", "owner", "lease_until", "address_hash"}),
    ),
]
