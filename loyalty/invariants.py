"""What always holds about points that orders earned."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from loyalty.belonging_invariants import BELONGING_INVARIANTS
from loyalty.game_invariants import GAME_INVARIANTS
from operations.invariants import Invariant

# Where people were parted again, the entry is what was left then, and its key names the one before it.
_ACCRUALS = """
WITH RECURSIVE credited AS (
    SELECT accrual.id, accrual.order_id, accrual.points, accrual.clawed_back_points,
           coalesce(entry.delta, 0) AS delta, entry.source_key
    FROM loyalty_pointsaccrual AS accrual
    LEFT JOIN coupons_ledgerentry AS entry ON entry.id = accrual.entry_id
    UNION ALL
    SELECT later.id, later.order_id, later.points, later.clawed_back_points, entry.delta, entry.source_key
    FROM credited AS later
    JOIN coupons_ledgerentry AS entry
      ON entry.id = CASE WHEN starts_with(later.source_key, 'transfer:parted:' || later.id || ':')
                         THEN split_part(later.source_key, ':', 4)::bigint END
)
SELECT id AS accrual, order_id AS "order", points, delta AS entry FROM credited
WHERE delta > points OR clawed_back_points > points
   OR delta <> points AND NOT starts_with(coalesce(source_key, ''), 'transfer:parted:' || id || ':')
ORDER BY id
"""
_CLAWED_BACK = """
SELECT accrual.id AS accrual, accrual.clawed_back_points, -sum(entry.delta) AS entries
FROM loyalty_pointsaccrual AS accrual
JOIN (
    SELECT split_part(source_key, ':', 2)::bigint AS accrual_id, delta FROM coupons_ledgerentry
    WHERE source_key ~ '^returned:[0-9]+:'
) AS entry ON entry.accrual_id = accrual.id
GROUP BY accrual.id HAVING -sum(entry.delta) > accrual.clawed_back_points
ORDER BY accrual.id
"""

_DEBTS = """
SELECT debt.id AS shortfall, debt.settled_points, coalesce(-sum(entry.delta), 0) AS entries
FROM loyalty_pointsshortfall AS debt
LEFT JOIN (
    SELECT split_part(source_key, ':', 2)::bigint AS debt_id, delta FROM coupons_ledgerentry
    WHERE source_key ~ '^debt:[0-9]+:'
) AS entry ON entry.debt_id = debt.id
GROUP BY debt.id HAVING debt.settled_points <> coalesce(-sum(entry.delta), 0)
ORDER BY debt.id
"""

_TAKEN = """
SELECT reward.id AS reward, reward.taken, count(given.id) AS grants
FROM loyalty_reward AS reward
LEFT JOIN loyalty_rewardgrant AS given ON given.reward_id = reward.id AND NOT given.stocked_back
GROUP BY reward.id HAVING reward.taken <> count(given.id)
ORDER BY reward.id
"""
_PAID = """
WITH booked AS (
    SELECT source_key, sum(delta) AS units FROM coupons_ledgerentry
    WHERE source_key LIKE 'adjusted:reward-cost:%' OR source_key LIKE 'reward-cost-back:%'
    GROUP BY source_key
)
SELECT given.id AS grant, given.spent_points, -coalesce(spent.units, 0) AS spent,
       given.points_back, coalesce(back.units, 0) AS back
FROM loyalty_rewardgrant AS given
LEFT JOIN booked AS spent ON spent.source_key = 'adjusted:reward-cost:' || given.source_key
LEFT JOIN booked AS back ON back.source_key = 'reward-cost-back:' || given.id
WHERE given.spent_points <> -coalesce(spent.units, 0) OR given.points_back <> coalesce(back.units, 0)
ORDER BY given.id
"""
_CODES = """
SELECT code.id AS partner_code, code.given_at, given.id AS grant
FROM loyalty_partnercode AS code LEFT JOIN loyalty_rewardgrant AS given ON given.partner_code_id = code.id
WHERE (code.given_at IS NULL) <> (given.id IS NULL)
ORDER BY code.id
"""

# In whatever accounts: who posted as one person may have been taken apart since.
_PARTNERS = """
WITH booked AS (
    SELECT source_key, sum(delta) AS units FROM coupons_ledgerentry
    WHERE source_key LIKE 'partner-%' GROUP BY source_key
)
SELECT posting.id AS posting, posting.points, coalesce(booked.units, 0) AS entries
FROM loyalty_partnerposting AS posting
LEFT JOIN coupons_ledgerentry AS first ON first.id = posting.entry_id
LEFT JOIN booked ON booked.source_key = first.source_key
WHERE posting.points <> coalesce(booked.units, 0)
ORDER BY posting.id
"""
_SETTLEMENTS = """
SELECT settled.id AS settlement, settled.earned_points, settled.burned_points, posted.earned, posted.burned
FROM loyalty_settlement AS settled
LEFT JOIN LATERAL (
    SELECT coalesce(sum(points) FILTER (WHERE kind IN ('EARN', 'EARN_BACK')), 0) AS earned,
           -coalesce(sum(points) FILTER (WHERE kind IN ('BURN', 'BURN_BACK')), 0) AS burned
    FROM loyalty_partnerposting AS posting
    WHERE posting.partner_id = settled.partner_id AND posting.month = settled.month
) AS posted ON true
WHERE settled.earned_points <> posted.earned OR settled.burned_points <> posted.burned
ORDER BY settled.id
"""
# Of customers never merged, under caps that stood when each order earned.
_COUNTERS = """
WITH counted AS (
    SELECT a.rule_id, o.customer_id, cap.period,
           CASE cap.period WHEN 'TOTAL' THEN DATE '0001-01-01'
                ELSE date_trunc(lower(cap.period), a.occurred_at AT TIME ZONE '{zone}')::date
           END AS starts_on,
           sum(a.points - a.clawed_back_points + a.draw_entries)::bigint AS units
    FROM loyalty_pointsaccrual AS a
    JOIN customers_order AS o ON o.id = a.order_id
    JOIN loyalty_earningruleversion AS v ON v.id = a.version_id AND v.caps <> '[]'
    CROSS JOIN LATERAL (
        SELECT DISTINCT coalesce(one ->> 'period', 'TOTAL') AS period FROM jsonb_array_elements(v.caps) AS one
        WHERE one ->> 'subject' = 'CUSTOMER'
    ) AS cap
    WHERE a.occurred_at IS NOT NULL
    GROUP BY 1, 2, 3, 4
)
SELECT counter.id AS counter, counter.units, coalesce(counted.units, 0) AS earned
FROM counted LEFT JOIN loyalty_earningcounter AS counter USING (rule_id, customer_id, period, starts_on)
WHERE coalesce(counter.units, 0) <> counted.units
  AND NOT EXISTS (SELECT FROM customers_customer AS gone WHERE gone.merged_into_id = counted.customer_id)
ORDER BY counted.rule_id, counted.customer_id
"""
_CARDS = """
SELECT card.id AS card, card.customer_id AS customer, card.status
FROM loyalty_card AS card
LEFT JOIN customers_identity AS key
    ON key.namespace = 'loyalty_card' AND key.value = card.number AND key.customer_id = card.customer_id
WHERE card.status = 'ACTIVE' AND key.id IS NULL OR card.status = 'BLOCKED' AND NOT key.shared
ORDER BY card.id
"""

INVARIANTS = [
    *BELONGING_INVARIANTS,
    Invariant("loyalty.accruals", _("What an order earned is what the ledger credited."), _ACCRUALS),
    Invariant("loyalty.clawed_back", _("Returns took back no more than was owed."), _CLAWED_BACK),
    Invariant(
        "loyalty.earning_caps",
        _("What counts for the caps of a rule is what orders earned by it."),
        _COUNTERS.format(zone=settings.PROGRAMME_TIME_ZONE),
    ),
    Invariant("loyalty.debts", _("What a customer paid of a debt was taken from their points."), _DEBTS),
    Invariant("loyalty.rewards_taken", _("As many of a reward are gone as were given."), _TAKEN),
    Invariant("loyalty.rewards_paid", _("What a reward cost stands in the ledger."), _PAID),
    Invariant("loyalty.partner_codes", _("Each code of a partner was given once, or lies there."), _CODES),
    Invariant("loyalty.cards", _("A card in use finds its holder, a blocked one nobody."), _CARDS),
    *GAME_INVARIANTS,
    Invariant("loyalty.partners", _("What was posted by partners stands in the ledger."), _PARTNERS),
    Invariant("loyalty.settlements", _("A closed month is what was posted in it."), _SETTLEMENTS),
]
