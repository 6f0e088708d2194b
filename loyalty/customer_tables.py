"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part
from loyalty.belonging_tables import BELONGING_TABLES
from loyalty.game_tables import GAME_TABLES

TABLES: list[CustomerTable] = [
    CustomerTable("loyalty.RewardGrant", blank={"taken_back_reason": ""}, hidden=frozenset({"source_key"})),
    CustomerTable(
        "loyalty.MilestoneReach",
        on_merge=OnMerge.STEP,
        step="loyalty.services.milestone_merges.merge_reaches",
    ),
    CustomerTable("loyalty.Enrolment", hidden=frozenset({"source_key"})),
    CustomerTable("loyalty.Card", on_erase=OnErase.DELETE),
    CustomerTable(
        # Kept to tell the wallet's maker that the card says nothing of anybody any more.
        "loyalty.WalletPass",
        blank={"due": True, "attempts": 0},
        parts=(
            Part(
                "loyalty.WalletDevice",
                "wallet_pass",
                blank={"push_token": ""},
                hidden=frozenset({"push_token"}),
            ),
        ),
        derived=True,
    ),
    CustomerTable(
        "loyalty.JoinRequest",
        on_erase=OnErase.DELETE,
        hidden=frozenset({"token", "address_hash"}),
    ),
    # A link names the record it was made for, and a revocation stays with it.
    CustomerTable("loyalty.MemberLink", on_merge=OnMerge.STAY, on_erase=OnErase.DELETE, derived=True),
    CustomerTable("loyalty.PartnerPosting"),
    CustomerTable("loyalty.PointsAdjustment", blank={"reason": ""}, hidden=frozenset({"token"})),
    CustomerTable(
        "loyalty.TransferConsent",
        on_merge=OnMerge.STEP,
        step="loyalty.services.transfers.merge_consents",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable("loyalty.PointsTransfer", "giver", hidden=frozenset({"source_key"})),
    CustomerTable("loyalty.PointsTransfer", "receiver", hidden=frozenset({"source_key"})),
    CustomerTable(
        "loyalty.EarningCounter",
        on_merge=OnMerge.STEP,
        step="loyalty.services.merges.merge_earning_counters",
        settle="loyalty.services.merges.settle_earning_counters",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    *GAME_TABLES,
    *BELONGING_TABLES,
]
