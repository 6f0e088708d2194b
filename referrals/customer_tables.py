"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnMerge

TABLES = [
    CustomerTable("referrals.ReferralCode", on_merge=OnMerge.STEP),
    CustomerTable("referrals.Referral", "referrer", on_merge=OnMerge.STEP),
    CustomerTable("referrals.Referral", "referee", on_merge=OnMerge.STEP),
    CustomerTable("referrals.ReferralReward"),
]
