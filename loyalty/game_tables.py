"""What a merge, an export and an erasure do with the tables of games."""

from customers.registry import CustomerTable, OnMerge

STEPS = "loyalty.services.game_merges"
GAME_TABLES = [
    CustomerTable("loyalty.DrawParticipant", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_participants"),
    CustomerTable("loyalty.DrawEntry", blank={"reason": ""}, hidden=frozenset({"source_key"})),
]
