"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge, Part

TABLES = [
    CustomerTable("coupons.Apology", owner="order__customer", blank={"reason": ""}),
    CustomerTable("coupons.Coupon", "holder", blank={"reason": ""}),
    CustomerTable("coupons.CodeBatch", "holder"),
    CustomerTable("coupons.CouponAttempt", hidden=frozenset({"client"})),
    CustomerTable("coupons.Publication"),
    CustomerTable(
        "coupons.PersonalOffer",
        on_merge=OnMerge.STEP,
        step="coupons.services.merges.merge_personal_offers",
        on_erase=OnErase.DELETE,
        profile=True,
        derived=True,
    ),
    CustomerTable(
        "coupons.Account",
        on_merge=OnMerge.STEP,
        step="coupons.services.merges.merge_accounts",
        parts=(
            Part(
                "coupons.LedgerEntry",
                "account",
                blank={"reason": ""},
                hidden=frozenset({"source_key", "chain_hash"}),
            ),
            Part("coupons.Lot", "account"),
            Part(
                "coupons.GiftCard",
                "account",
                blank={"note": ""},
                hidden=frozenset({"code_hash", "source_key", "code_version"}),
            ),
        ),
    ),
    CustomerTable(
        "coupons.GiftCardRequest",
        owner="card__account__customer",
        blank={"note": ""},
        hidden=frozenset({"parameters"}),
    ),
    CustomerTable(
        "coupons.LimitCounter",
        on_merge=OnMerge.STEP,
        step="coupons.services.merges.merge_counters",
        settle="coupons.services.merges.settle_counters",
        on_erase=OnErase.DELETE,
        derived=True,
    ),
    CustomerTable(
        "coupons.RedemptionStack",
        owner="order__customer",
        blank={"cart": {}, "trace": [], "rollback_reason": ""},
    ),
    CustomerTable("coupons.Redemption", owner="stack__customer"),
    CustomerTable("coupons.Reservation", on_erase=OnErase.DELETE, derived=True),
]
