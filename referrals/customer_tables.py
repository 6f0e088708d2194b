"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnMerge

STEPS = "referrals.services.merges"
TABLES = [
    CustomerTable("referrals.ReferralCode", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_codes"),
    # The same step for both sides: a referral between the two is one of each.
    CustomerTable("referrals.Referral", "referrer", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_referrals"),
    CustomerTable("referrals.Referral", "referee", on_merge=OnMerge.STEP, step=f"{STEPS}.merge_referrals"),
    CustomerTable("referrals.ReferralReward"),
]
