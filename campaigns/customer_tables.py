"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part

TABLES = [
    CustomerTable(
        "campaigns.Message",
        on_merge=OnMerge.STEP,
        step="campaigns.services.merges.merge_messages",
        settle="campaigns.services.merges.settle_coupons",
        blank={"address": "", "detail": ""},
        hidden=frozenset({"token", "owner", "lease_until", "address_hash", "provider_id"}),
        parts=(Part("campaigns.ProviderEvent", "message", blank={"detail": ""}, hidden=frozenset({"key"})),),
    ),
    CustomerTable(
        "campaigns.PushSubscription",
        on_erase=OnErase.DELETE,
        hidden=frozenset({"p256dh", "auth"}),
    ),
    CustomerTable(
        "campaigns.PlacementShowing",
        on_merge=OnMerge.STEP,
        step="campaigns.services.page_merges.merge_showings",
        hidden=frozenset({"token"}),
    ),
    CustomerTable(
        "campaigns.LandingClaim",
        blank={"address": "", "first_name": "", "country": "", "utm": {}},
        hidden=frozenset({"token", "mailbox_hash"}),
    ),
    CustomerTable(
        "campaigns.ShareLink",
        on_merge=OnMerge.STEP,
        step="campaigns.services.page_merges.merge_share_links",
        blank={"name": ""},
    ),
    CustomerTable(
        "campaigns.Occasion",
        on_merge=OnMerge.STEP,
        step="campaigns.services.merges.merge_occasions",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    CustomerTable(
        "campaigns.JourneyPosition",
        on_merge=OnMerge.STEP,
        step="campaigns.services.merges.merge_positions",
        on_erase=OnErase.DELETE,
        hidden=frozenset({"held_out", "laps"}),
        derived=True,
    ),
]
