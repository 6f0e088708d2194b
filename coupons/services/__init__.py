from coupons.services.apologies import (
    Allowance,
    allowance_of,
    approve_apology,
    decide_apology,
    issue_apology,
)
from coupons.services.budgets import take_from_budgets
from coupons.services.buyers import Buyer, buyer_of, find_buyer
from coupons.services.coupons import (
    issue_coupons,
    issue_in_batches,
    queue_coupons,
    switch_off_coupon,
    switch_on_coupon,
)
from coupons.services.ledger import (
    claw_back,
    credit,
    credit_from_query,
    debit,
    expire_lots,
    open_account,
    reverse,
)
from coupons.services.promotions import (
    activate_promotion,
    clone_promotion,
    create_promotion,
    edit_promotion,
    move_promotions,
    restore_version,
    resume_promotion,
    stop_promotion,
)
from coupons.services.publications import publish_coupon, withdraw_publication
from coupons.services.redemptions import (
    Verdict,
    qualify,
    redeem_stack,
    validate_stack,
)
from coupons.services.returns import link_return, return_lines
from coupons.services.rollbacks import find_stack, link_order, roll_back_order, roll_back_redemption
from coupons.services.spendings import Purchase, Redeemable, Spending
from coupons.services.versions import Author

__all__ = [
    "Allowance",
    "Author",
    "Buyer",
    "Purchase",
    "Redeemable",
    "Spending",
    "Verdict",
    "activate_promotion",
    "allowance_of",
    "approve_apology",
    "buyer_of",
    "claw_back",
    "clone_promotion",
    "create_promotion",
    "credit",
    "credit_from_query",
    "debit",
    "decide_apology",
    "edit_promotion",
    "expire_lots",
    "find_buyer",
    "find_stack",
    "issue_apology",
    "issue_coupons",
    "issue_in_batches",
    "link_order",
    "link_return",
    "move_promotions",
    "open_account",
    "publish_coupon",
    "qualify",
    "queue_coupons",
    "redeem_stack",
    "restore_version",
    "resume_promotion",
    "return_lines",
    "reverse",
    "roll_back_order",
    "roll_back_redemption",
    "stop_promotion",
    "switch_off_coupon",
    "switch_on_coupon",
    "take_from_budgets",
    "validate_stack",
    "withdraw_publication",
]
