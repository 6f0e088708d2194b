"""What always holds about points that orders earned."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_ACCRUALS = """
SELECT accrual.id AS accrual, accrual.order_id AS "order", accrual.points, coalesce(entry.delta, 0) AS entry
FROM loyalty_pointsaccrual AS accrual LEFT JOIN coupons_ledgerentry AS entry ON entry.id = accrual.entry_id
WHERE accrual.points <> coalesce(entry.delta, 0) OR accrual.clawed_back_points > accrual.points
ORDER BY accrual.id
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

INVARIANTS = [
    Invariant("loyalty.accruals", _("What an order earned is what the ledger credited."), _ACCRUALS),
    Invariant("loyalty.clawed_back", _("Returns took back no more than was owed."), _CLAWED_BACK),
    Invariant("loyalty.debts", _("What a customer paid of a debt was taken from their points."), _DEBTS),
]
