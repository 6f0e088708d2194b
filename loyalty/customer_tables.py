"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable

TABLES: list[CustomerTable] = [
    CustomerTable("loyalty.RewardGrant", blank={"taken_back_reason": ""}, hidden=frozenset({"source_key"})),
]
