"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part

TABLES = [
    CustomerTable("customers.Customer", "merged_into", on_merge=OnMerge.STAY),
    CustomerTable("customers.SourceProfile", on_erase=OnErase.KEEP, blank={"data": {}}),
    CustomerTable("customers.Identity", on_erase=OnErase.DELETE),
    # Derived: refresh_golden_records takes it from who went and writes it anew for who stays.
    CustomerTable("customers.GoldenValue", on_merge=OnMerge.STAY, on_erase=OnErase.DELETE),
    CustomerTable("customers.LockedValue", on_erase=OnErase.DELETE),
    CustomerTable("customers.ConsentRecord", blank={"address": "", "proof": {}}),
    CustomerTable("customers.Consent", on_merge=OnMerge.STEP, on_erase=OnErase.DELETE),
    CustomerTable(
        "customers.Order",
        hidden=frozenset({"content_hash"}),
        parts=(Part("customers.OrderLine", "order"), Part("customers.Return", "order")),
    ),
    CustomerTable("customers.Event", blank={"payload": {}}, hidden=frozenset({"content_hash"})),
    CustomerTable("customers.Rollup", on_merge=OnMerge.STEP),
    CustomerTable("customers.MonthlyRollup", on_merge=OnMerge.STEP),
    CustomerTable("customers.SegmentMembership", on_merge=OnMerge.STEP, on_erase=OnErase.DELETE),
    CustomerTable("customers.Trait", on_merge=OnMerge.STEP, on_erase=OnErase.DELETE),
    CustomerTable("customers.RightsRequest", blank={"reason": ""}),
]
