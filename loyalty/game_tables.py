"""What a merge, an export and an erasure do with the tables of games."""

from customers.registry import CustomerTable, OnErase, OnMerge

STEPS = "loyalty.services.game_merges"
CAUSE = frozenset({"source_key"})
GAME_TABLES = [
    CustomerTable("loyalty.DrawParticipant", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_participants"),
    CustomerTable("loyalty.DrawEntry", blank={"reason": ""}, hidden=CAUSE),
    CustomerTable("loyalty.DrawLine", derived=True),
    CustomerTable("loyalty.DrawPlay", hidden=CAUSE),
    CustomerTable("loyalty.DrawWinner", blank={"reason": ""}, hidden=frozenset({"problem"})),
    CustomerTable(
        "loyalty.ChallengeParticipant",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_challengers",
        settle="loyalty.services.challenge_progress.settle_challenges",
    ),
    CustomerTable("loyalty.ChallengeStep", hidden=CAUSE, derived=True),
    CustomerTable(
        "loyalty.ChallengeCompletion",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.absorb_rows",
        hidden=frozenset({"problem"}),
    ),
    CustomerTable(
        "loyalty.BadgeAward",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.absorb_rows",
        blank={"reason": ""},
        hidden=CAUSE,
    ),
    CustomerTable(
        "loyalty.LeaderboardMember",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.absorb_rows",
        on_erase=OnErase.DELETE,
    ),
    CustomerTable(
        "loyalty.LeaderboardPlace",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.absorb_rows",
        blank={"nickname": ""},
    ),
]
