"""What always holds about incentives, accounts and gift cards (reliability.md, section Invariants)."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_BALANCES = """
SELECT account.id AS account, account.balance,
       coalesce(entries.units, 0) AS entries, coalesce(lots.units, 0) AS lots
FROM coupons_account AS account
LEFT JOIN (SELECT account_id, sum(delta) AS units FROM coupons_ledgerentry GROUP BY 1) AS entries
    ON entries.account_id = account.id
LEFT JOIN (SELECT account_id, sum(remaining) AS units FROM coupons_lot GROUP BY 1) AS lots
    ON lots.account_id = account.id
WHERE account.balance < 0 OR account.balance <> coalesce(entries.units, 0)
    OR account.balance <> coalesce(lots.units, 0)
ORDER BY account.id
"""
_RUNNING_BALANCES = """
SELECT * FROM (
    SELECT id AS entry, account_id AS account, balance_after,
           sum(delta) OVER (PARTITION BY account_id ORDER BY id) AS entries
    FROM coupons_ledgerentry
) AS entry WHERE balance_after <> entries ORDER BY entry
"""
_LOTS = """
SELECT lot.id AS lot, lot.earned, lot.remaining, coalesce(moved.units, 0) AS moved
FROM coupons_lot AS lot
LEFT JOIN (SELECT lot_id, sum(delta) AS units FROM coupons_lotmovement GROUP BY 1) AS moved
    ON moved.lot_id = lot.id
WHERE lot.remaining < 0 OR lot.remaining <> lot.earned + coalesce(moved.units, 0)
ORDER BY lot.id
"""
_ENTRIES = """
SELECT entry.id AS entry, entry.kind, entry.delta, coalesce(moved.units, lot.earned, 0) AS lots
FROM coupons_ledgerentry AS entry
LEFT JOIN (SELECT entry_id, sum(delta) AS units FROM coupons_lotmovement GROUP BY 1) AS moved
    ON moved.entry_id = entry.id
LEFT JOIN coupons_lot AS lot ON lot.entry_id = entry.id
WHERE entry.delta <> coalesce(moved.units, lot.earned, 0)
ORDER BY entry.id
"""
_TRANSFERS = """
SELECT source_key AS transfer, sum(delta) AS net FROM coupons_ledgerentry
WHERE source_key LIKE 'transfer:%'
GROUP BY source_key HAVING sum(delta) <> 0 ORDER BY source_key
"""
_REVERSALS = """
SELECT debit.id AS entry, -debit.delta AS taken, sum(back.delta) AS given_back
FROM coupons_ledgerentry AS debit JOIN coupons_ledgerentry AS back ON back.reverses_id = debit.id
GROUP BY debit.id HAVING sum(back.delta) > -debit.delta ORDER BY debit.id
"""
_CHAIN = """
SELECT entry.id AS entry, entry.account_id AS account, entry.balance_after
FROM coupons_ledgerentry AS entry
LEFT JOIN LATERAL (
    SELECT one.chain_hash FROM coupons_ledgerentry AS one
    WHERE one.account_id = entry.account_id AND one.id < entry.id ORDER BY one.id DESC LIMIT 1
) AS before ON true
WHERE entry.chain_hash <> coupons_chain_hash(coalesce(before.chain_hash, ''::bytea), entry)
ORDER BY entry.id
"""
# The root over the leaves of a day is recomputed by `check_invariants --chain`.
_ANCHORS = r"""
SELECT anchor.day, anchor.digest, anchor.accounts, heads.accounts AS heads
FROM (
    SELECT *, coalesce(lag(digest) OVER (ORDER BY day), '') AS before FROM coupons_ledgeranchor
) AS anchor
LEFT JOIN LATERAL (
    SELECT count(*) AS accounts FROM coupons_anchoredhead WHERE anchor_id = anchor.id
) AS heads ON true
WHERE anchor.previous <> anchor.before OR heads.accounts <> anchor.accounts
   OR anchor.digest <> encode(sha256(convert_to(
       concat_ws(E'\n', 'fidelio-ledger-1', anchor.previous, to_char(anchor.day, 'YYYY-MM-DD'), anchor.root),
        'UTF8')), 'hex')
ORDER BY anchor.day
"""
_COUPONS = """
SELECT coupon.id AS coupon, coupon.uses, coupon.max_uses, coalesce(spent.uses, 0) AS redemptions
FROM coupons_coupon AS coupon
LEFT JOIN (
    SELECT coupon_id, count(*) AS uses FROM coupons_redemption
    WHERE status = 'REDEEMED' AND coupon_id IS NOT NULL GROUP BY 1
) AS spent ON spent.coupon_id = coupon.id
WHERE (coupon.uses > 0 OR spent.uses IS NOT NULL)
    AND (coupon.uses <> coalesce(spent.uses, 0) OR coupon.uses > coupon.max_uses)
ORDER BY coupon.id
"""
_BUDGETS = """
WITH taken AS (
    SELECT one FROM coupons_redemption, jsonb_array_elements(consumed -> 'budgets') AS one
    WHERE status = 'REDEEMED'
    UNION ALL
    SELECT one FROM coupons_promotiongrant, jsonb_array_elements(budgets) AS one
), spent AS (
    SELECT (one ->> 0)::bigint AS budget_id, (one ->> 1)::date AS starts_on,
           sum((one ->> 2)::bigint) AS units
    FROM taken GROUP BY 1, 2
)
SELECT budget_id AS budget, starts_on, period.used, period.cap, coalesce(spent.units, 0) AS taken
FROM coupons_budgetperiod AS period FULL JOIN spent USING (budget_id, starts_on)
WHERE coalesce(period.used, 0) <> coalesce(spent.units, 0) OR period.used > period.cap
ORDER BY 1, 2
"""
# Counters of customers merged since are left out: they add up, and are counted again by the merge.
_COUNTERS = """
WITH spent AS (
    SELECT promotion_id, nullif((taken ->> 0)::bigint, 0) AS coupon_id,
           CASE WHEN (taken ->> 1)::boolean THEN customer_id END AS customer_id,
           taken ->> 2 AS email_hash, taken ->> 3 AS period, (taken ->> 4)::date AS starts_on,
           count(*) AS uses
    FROM coupons_redemption, jsonb_array_elements(consumed -> 'counters') AS taken
    WHERE status = 'REDEEMED' GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT counter.id AS counter, coalesce(counter.promotion_id, spent.promotion_id) AS promotion,
       coalesce(counter.customer_id, spent.customer_id) AS customer,
       coalesce(counter.used, 0) AS used, coalesce(spent.uses, 0) AS redemptions
FROM coupons_limitcounter AS counter FULL JOIN spent
    ON (counter.promotion_id, coalesce(counter.coupon_id, 0), coalesce(counter.customer_id, 0),
        counter.email_hash, counter.period, counter.starts_on)
     = (spent.promotion_id, coalesce(spent.coupon_id, 0), coalesce(spent.customer_id, 0),
        spent.email_hash, spent.period, spent.starts_on)
WHERE coalesce(counter.used, 0) <> coalesce(spent.uses, 0)
    AND NOT EXISTS (
        SELECT FROM customers_customer AS loser
        WHERE loser.merged_into_id = coalesce(counter.customer_id, spent.customer_id)
    )
    AND NOT EXISTS (
        SELECT FROM customers_customer AS gone
        WHERE gone.id = spent.customer_id AND gone.status = 'ERASED'
    )
ORDER BY counter.id
"""
_LIMITS = """
SELECT counter.id AS counter, counter.promotion_id AS promotion, counter.customer_id AS customer,
       counter.used, allowed.uses AS allowed
FROM coupons_limitcounter AS counter
JOIN coupons_promotion AS promotion ON promotion.id = counter.promotion_id
CROSS JOIN LATERAL (
    SELECT min((one ->> 'uses')::bigint) AS uses
    FROM jsonb_array_elements(promotion.limits) AS one
    WHERE coalesce(one ->> 'period', 'TOTAL') = counter.period
        AND (one ->> 'subject' LIKE '%COUPON') = (counter.coupon_id IS NOT NULL)
        AND (one ->> 'subject' LIKE 'CUSTOMER%')
            = (counter.customer_id IS NOT NULL OR counter.email_hash <> '')
) AS allowed
WHERE counter.used > allowed.uses
    AND NOT EXISTS (
        SELECT FROM customers_customer AS loser WHERE loser.merged_into_id = counter.customer_id
    )
    AND counter.email_hash = ''
ORDER BY counter.id
"""
_STACKS = """
SELECT stack.id AS stack, stack.status, stack.discount_amount, spent.discount AS redemptions,
       stack.tender_amount, spent.tender AS payments
FROM coupons_redemptionstack AS stack
JOIN (
    SELECT stack_id, sum(discount_amount) AS discount, sum(tender_amount) AS tender,
           min(status) AS status, max(status) AS last_status
    FROM coupons_redemption GROUP BY 1
) AS spent ON spent.stack_id = stack.id
WHERE stack.discount_amount <> spent.discount OR stack.tender_amount <> spent.tender
    OR stack.status <> spent.status OR stack.status <> spent.last_status
ORDER BY stack.id
"""
_ALLOCATIONS = """
SELECT redemption.id AS redemption, redemption.discount_amount, part.discount AS allocations
FROM coupons_redemption AS redemption
JOIN (
    SELECT redemption_id, sum(discount_amount) AS discount FROM coupons_allocation GROUP BY 1
) AS part ON part.redemption_id = redemption.id
WHERE redemption.discount_amount <> part.discount
ORDER BY redemption.id
"""
_PAYMENTS = """
SELECT redemption.id AS redemption, redemption.units, -sum(debit.delta) AS taken,
       coalesce(sum(back.units), 0) AS given_back, redemption.status
FROM coupons_redemption AS redemption
JOIN coupons_ledgerentry AS first ON first.id = redemption.entry_id
JOIN coupons_account AS account ON account.id = first.account_id
JOIN coupons_ledgerentry AS debit ON debit.source_key = first.source_key AND debit.kind = 'DEBIT'
    AND (debit.id = first.id OR debit.account_id IN (
        SELECT sibling.id FROM coupons_account AS sibling
        WHERE sibling.customer_id = account.customer_id AND sibling.kind = account.kind
    ))
LEFT JOIN LATERAL (
    SELECT sum(delta) AS units FROM coupons_ledgerentry WHERE reverses_id = debit.id
) AS back ON true
GROUP BY redemption.id
HAVING redemption.units <> -sum(debit.delta)
    OR (redemption.status = 'ROLLED_BACK' AND coalesce(sum(back.units), 0) <> redemption.units)
ORDER BY redemption.id
"""
_RETURNS = """
SELECT row.id AS return, row.refund_amount, lines.refund AS lines, tenders.amount AS tenders
FROM coupons_redemptionreturn AS row
LEFT JOIN (
    SELECT parent_id, sum(refund_amount) AS refund FROM coupons_redemptionreturnline GROUP BY 1
) AS lines ON lines.parent_id = row.id
LEFT JOIN (
    SELECT parent_id, sum(amount) AS amount FROM coupons_returnedtender GROUP BY 1
) AS tenders ON tenders.parent_id = row.id
WHERE row.refund_amount <> coalesce(lines.refund, 0)
    OR row.gift_card_amount + row.points_amount <> coalesce(tenders.amount, 0)
ORDER BY row.id
"""
_GIVEN_BACK = """
SELECT redemption.id AS redemption, redemption.tender_amount, redemption.units,
       sum(given.amount) AS amount_back, sum(given.units) AS units_back
FROM coupons_redemption AS redemption JOIN coupons_returnedtender AS given
    ON given.redemption_id = redemption.id
GROUP BY redemption.id
HAVING sum(given.amount) > redemption.tender_amount OR sum(given.units) > redemption.units
ORDER BY redemption.id
"""
_RETURNED_LINES = """
WITH paid AS (
    SELECT stack.id AS stack_id, line ->> 'line_id' AS line_id,
           (line ->> 'total_amount')::bigint AS amount, (line ->> 'quantity')::numeric AS quantity
    FROM coupons_redemptionstack AS stack, jsonb_array_elements(stack.order_totals -> 'lines') AS line
    WHERE stack.id IN (SELECT stack_id FROM coupons_redemptionreturn)
), back AS (
    SELECT row.stack_id, line.line_id, sum(line.refund_amount) AS amount, sum(line.quantity) AS quantity
    FROM coupons_redemptionreturnline AS line
    JOIN coupons_redemptionreturn AS row ON row.id = line.parent_id
    GROUP BY 1, 2
)
SELECT stack_id AS stack, line_id AS line, back.amount AS refunded, paid.amount AS paid,
       back.quantity AS returned, paid.quantity AS bought
FROM back LEFT JOIN paid USING (stack_id, line_id)
WHERE paid.amount IS NULL OR back.amount > paid.amount OR back.quantity > paid.quantity
ORDER BY 1, 2
"""
_GIFT_CARDS = """
SELECT account.id AS account, card.id AS gift_card FROM coupons_account AS account
FULL JOIN coupons_giftcard AS card ON card.account_id = account.id
WHERE (account.kind = 'GIFT_CARD') <> (card.id IS NOT NULL)
ORDER BY account.id
"""
# Events older than the retention are gone; those of the last week are all there. Their keys are unique.
_EVENTS = """
SELECT redemption.id AS redemption, redemption.kind, told.occurred_at AS told_at
FROM coupons_redemption AS redemption
LEFT JOIN customers_eventkey AS told ON told.external_id = 'redemption:' || redemption.id || ':redeemed'
    AND told.source_id = (SELECT id FROM customers_source WHERE code = 'fidelio')
WHERE redemption.redeemed_at >= now() - interval '7 days' AND told.id IS NULL
ORDER BY redemption.id
"""

INVARIANTS = [
    Invariant(
        "coupons.balances",
        _("A balance is the sum of its entries and of what is left of its lots, and not negative."),
        _BALANCES,
    ),
    Invariant(
        "coupons.running_balances",
        _("Each entry shows the balance that all entries up to it come to."),
        _RUNNING_BALANCES,
    ),
    Invariant("coupons.lots", _("What is left of a lot is what was earned and moved."), _LOTS),
    Invariant("coupons.entries", _("An entry is what it moved in lots."), _ENTRIES),
    Invariant("coupons.transfers", _("The two entries of a transfer net to zero."), _TRANSFERS),
    Invariant("coupons.reversals", _("No debit is given back beyond what it took."), _REVERSALS),
    Invariant(
        "coupons.chain", _("Every entry of the ledger is what was written, after the same one."), _CHAIN
    ),
    Invariant("coupons.anchors", _("The daily digests of the ledger follow each other."), _ANCHORS),
    Invariant(
        "coupons.uses",
        _("The uses of a code are its redemptions, at most as many as it allows."),
        _COUPONS,
    ),
    Invariant(
        "coupons.budgets",
        _("What a budget has used is what its redemptions and gifts took, within its cap."),
        _BUDGETS,
    ),
    Invariant("coupons.counters", _("A limit's counter is its redemptions."), _COUNTERS),
    Invariant("coupons.limits", _("No customer used a promotion oftener than its limits allow."), _LIMITS),
    Invariant("coupons.stacks", _("A stack is the sum of its redemptions, in one state."), _STACKS),
    Invariant("coupons.allocations", _("The parts of a discount sum to it."), _ALLOCATIONS),
    Invariant(
        "coupons.payments",
        _("A gift card or points paid what the ledger took, and a rollback gave all of it back."),
        _PAYMENTS,
    ),
    Invariant("coupons.returns", _("A refund is the sum of its lines and of who got it."), _RETURNS),
    Invariant("coupons.given_back", _("No payment got back more than it gave."), _GIVEN_BACK),
    Invariant("coupons.returned_lines", _("No line came back oftener than it was bought."), _RETURNED_LINES),
    Invariant("coupons.gift_cards", _("A gift card has an account of money, and only it."), _GIFT_CARDS),
    Invariant("coupons.events", _("Each redemption of the last week was told once."), _EVENTS),
]
