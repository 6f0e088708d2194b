"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge

STEPS = "referrals.services.merges"
TABLES = [
    CustomerTable("referrals.ReferralCode", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_codes"),
    # The same step for both sides: a referral between the two is one of each.
    CustomerTable(
        "referrals.Referral",
        "referrer",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_referrals",
        settle="referrals.services.leaderboard.settle_codes",
        blank={"review_note": ""},
        hidden=frozenset({"review_note", "risk_score", "risk_signals"}),
    ),
    CustomerTable(
        "referrals.Referral",
        "referee",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_referrals",
        blank={"review_note": ""},
        hidden=frozenset({"review_note", "risk_score", "risk_signals"}),
    ),
    CustomerTable("referrals.ReferralReward"),
    CustomerTable(
        "referrals.Fingerprint",
        on_merge=OnMerge.STEP,
        step=f"{STEPS}.merge_fingerprints",
        on_erase=OnErase.DELETE,
        hidden=frozenset({"digest"}),
    ),
    CustomerTable("referrals.StepReward", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_steps"),
    CustomerTable("referrals.Payout"),
    CustomerTable("referrals.CashEntry", settle="referrals.services.cash.settle_cash"),
]
