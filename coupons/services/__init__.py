from coupons.services.allowances import (
    Allowance,
    CustomerAllowance,
    allowance_of,
    customer_allowance_of,
)
from coupons.services.anchors import anchor_ledger
from coupons.services.apologies import approve_apology, decide_apology, issue_apology
from coupons.services.apology_report import (
    ApologyReport,
    Comparison,
    apology_report,
    known_apology_report,
    refresh_apology_report,
)
from coupons.services.attempts import forget_attempts, note_refusal
from coupons.services.batches import is_mistyped_code, queue_coupons
from coupons.services.budgets import take_from_budgets
from coupons.services.bulk_credits import credit_from_query
from coupons.services.buyers import Buyer, buyer_of, find_buyer
from coupons.services.code_files import import_codes
from coupons.services.coupons import extend_coupon, issue_coupons, switch_off_coupon, switch_on_coupon
from coupons.services.expiries import expire_lots
from coupons.services.gift_card_batches import fetch_codes, start_batch
from coupons.services.gift_card_purchases import take_back_gift_cards
from coupons.services.gift_card_requests import (
    GiftCardLimit,
    decide_gift_card,
    gift_card_limit,
    give_activation,
    give_batch,
    give_gift_card,
    give_top_up,
    show_new_code,
)
from coupons.services.gift_cards import (
    IssuedGiftCard,
    activate_gift_card,
    disable_gift_card,
    enable_gift_card,
    extend_gift_card,
    find_gift_card,
    issue_gift_card,
    lock_gift_cards,
    pay_with_gift_card,
    renew_gift_card,
    top_up_gift_card,
)
from coupons.services.ledger import (
    claw_back,
    credit,
    debit,
    give_back,
    lock_accounts,
    open_account,
    reverse,
    transfer,
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
from coupons.services.publications import Recipient, publish_coupon, publish_coupons, withdraw_publication
from coupons.services.purses import Purse, purse_of_points
from coupons.services.redemptions import Redeemed, redeem_once, redeem_stack, reserve_stack
from coupons.services.reservations import forget_reservations, release_reservation
from coupons.services.returns import (
    default_return_policy,
    link_return,
    paid_lines,
    quote_return,
    return_lines,
)
from coupons.services.rollbacks import find_stack, link_order, roll_back_order, roll_back_redemption
from coupons.services.sealed_codes import codes_are_kept, wipe_codes
from coupons.services.spendings import Purchase, Redeemable, Spending
from coupons.services.verdicts import Verdict, qualify, validate_stack
from coupons.services.versions import Author

__all__ = [
    "Allowance",
    "ApologyReport",
    "Author",
    "Buyer",
    "Comparison",
    "CustomerAllowance",
    "GiftCardLimit",
    "IssuedGiftCard",
    "Purchase",
    "Purse",
    "Recipient",
    "Redeemable",
    "Redeemed",
    "Spending",
    "Verdict",
    "activate_gift_card",
    "activate_promotion",
    "allowance_of",
    "anchor_ledger",
    "apology_report",
    "approve_apology",
    "buyer_of",
    "claw_back",
    "clone_promotion",
    "codes_are_kept",
    "create_promotion",
    "credit",
    "credit_from_query",
    "customer_allowance_of",
    "debit",
    "decide_apology",
    "decide_gift_card",
    "default_return_policy",
    "disable_gift_card",
    "edit_promotion",
    "enable_gift_card",
    "expire_lots",
    "extend_coupon",
    "extend_gift_card",
    "fetch_codes",
    "find_buyer",
    "find_gift_card",
    "find_stack",
    "forget_attempts",
    "forget_reservations",
    "gift_card_limit",
    "give_activation",
    "give_back",
    "give_batch",
    "give_gift_card",
    "give_top_up",
    "import_codes",
    "is_mistyped_code",
    "issue_apology",
    "issue_coupons",
    "issue_gift_card",
    "known_apology_report",
    "link_order",
    "link_return",
    "lock_accounts",
    "lock_gift_cards",
    "move_promotions",
    "note_refusal",
    "open_account",
    "paid_lines",
    "pay_with_gift_card",
    "publish_coupon",
    "publish_coupons",
    "purse_of_points",
    "qualify",
    "queue_coupons",
    "quote_return",
    "redeem_once",
    "redeem_stack",
    "refresh_apology_report",
    "release_reservation",
    "renew_gift_card",
    "reserve_stack",
    "restore_version",
    "resume_promotion",
    "return_lines",
    "reverse",
    "roll_back_order",
    "roll_back_redemption",
    "show_new_code",
    "start_batch",
    "stop_promotion",
    "switch_off_coupon",
    "switch_on_coupon",
    "take_back_gift_cards",
    "take_from_budgets",
    "top_up_gift_card",
    "transfer",
    "validate_stack",
    "wipe_codes",
    "withdraw_publication",
]
