"""What a merge, an export and an erasure do with the tables of tiers and memberships."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part

BELONGING_TABLES: list[CustomerTable] = [
    # Periods name who stood there; what the survivor has of them is worked out anew.
    CustomerTable(
        "loyalty.TierPeriod",
        on_merge=OnMerge.STAY,
        step="loyalty.services.tier_merges.merge_tiers",
        settle="loyalty.services.tier_merges.settle_tiers",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    CustomerTable(
        "loyalty.Membership",
        on_merge=OnMerge.STEP,
        step="loyalty.services.membership_merges.merge_plan_memberships",
        settle="loyalty.services.membership_merges.settle_plan_memberships",
        blank={"reason": ""},
        parts=(Part("loyalty.MembershipPayment", "membership"),),
    ),
]
