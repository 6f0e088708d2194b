"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part

STEPS = "customers.services.merge_steps"
TABLES = [
    CustomerTable("customers.Customer", "merged_into", on_merge=OnMerge.STAY),
    CustomerTable("customers.SourceProfile", on_erase=OnErase.KEEP, blank={"data": {}}),
    CustomerTable(
        "customers.Identity", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_identities", on_erase=OnErase.DELETE
    ),
    # Derived: refresh_golden_records takes it from who went and writes it anew for who stays.
    CustomerTable("customers.GoldenValue", on_merge=OnMerge.STAY, on_erase=OnErase.DELETE, derived=True),
    CustomerTable("customers.LockedValue", on_erase=OnErase.DELETE),
    # A pair is looked for anew, with whoever stays.
    CustomerTable(
        "customers.DuplicateCandidate", "first", on_merge=OnMerge.STAY, on_erase=OnErase.DELETE, derived=True
    ),
    CustomerTable(
        "customers.DuplicateCandidate", "second", on_merge=OnMerge.STAY, on_erase=OnErase.DELETE, derived=True
    ),
    CustomerTable("customers.ConsentRecord", blank={"address": "", "proof": {}}),
    CustomerTable(
        "customers.Consent",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_consents",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    CustomerTable(
        "customers.Order",
        owner="source_profile__customer",
        hidden=frozenset({"content_hash"}),
        parts=(Part("customers.OrderLine", "order"), Part("customers.Return", "order")),
    ),
    CustomerTable(
        "customers.Event",
        owner="source_profile__customer",
        blank={"payload": {}},
        hidden=frozenset({"content_hash"}),
    ),
    CustomerTable(
        "customers.Rollup",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_rollups",
        settle=f"{STEPS}.settle_rollups",
    ),
    CustomerTable("customers.MonthlyRollup", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_rollups"),
    CustomerTable("customers.ScopedRollup", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_rollups"),
    CustomerTable(
        "customers.SegmentMembership",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_memberships",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    CustomerTable(
        "customers.SegmentOverride",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_decisions",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable(
        "customers.Trait",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_traits",
        on_erase=OnErase.DELETE,
        profile=True,
        derived=True,
    ),
    CustomerTable(
        "customers.DoNotMerge",
        "first",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_pairs",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable(
        "customers.DoNotMerge",
        "second",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_pairs",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable("customers.AssetOwnership", on_erase=OnErase.DELETE),
    CustomerTable(
        "customers.Lead",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_leads",
        settle="customers.services.leads.settle_leads",
        on_erase=OnErase.DELETE,
    ),
    # What was merged is history: it names the records of then.
    CustomerTable(
        "customers.MergeOperation",
        "survivor",
        on_merge=OnMerge.STAY,
        blank={"snapshot": {}, "reason": ""},
        parts=(
            Part(
                "customers.MergedRow",
                "operation",
                blank={"before": None, "after": None},
                hidden=frozenset({"before", "after"}),
            ),
        ),
    ),
    CustomerTable(
        "customers.MergedRow",
        "from_customer",
        on_merge=OnMerge.STAY,
        blank={"before": None, "after": None},
        hidden=frozenset({"before", "after"}),
    ),
    CustomerTable(
        "customers.RightsRequest",
        settle="customers.services.profiling.settle_processing",
        blank={"reason": ""},
    ),
    CustomerTable("customers.ImportedRow", on_erase=OnErase.DELETE),
    CustomerTable("customers.CustomerNote", on_erase=OnErase.DELETE),
    CustomerTable(
        "customers.CompanyContact",
        "company",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_contacts",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable(
        "customers.CompanyContact",
        "person",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_contacts",
        on_erase=OnErase.DELETE,
    ),
]
