"""What always holds about referrals."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_REWARDS = """
SELECT referral_id AS referral, side, count(*) AS rewards FROM referrals_referralreward
GROUP BY 1, 2 HAVING count(*) > 1
ORDER BY 1
"""
_FRIENDS = """
SELECT referee_id AS friend, count(*) AS referrals FROM referrals_referral
WHERE status <> 'REJECTED' GROUP BY 1 HAVING count(*) > 1
ORDER BY 1
"""

_CODES = """
SELECT code.id AS code, code.invited, told.invited AS invitations, code.registered, told.registered AS came,
       code.qualified, told.qualified AS bought, code.rewarded, told.rewarded AS paid
FROM referrals_referralcode AS code
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM referrals_invitation AS sent WHERE sent.code_id = code.id) AS invited,
           count(*) FILTER (WHERE status <> 'REJECTED') AS registered,
           count(*) FILTER (WHERE status IN ('QUALIFIED', 'REWARDED')) AS qualified,
           count(*) FILTER (WHERE status = 'REWARDED') AS rewarded
    FROM referrals_referral WHERE code_id = code.id
) AS told
WHERE (code.invited, code.registered, code.qualified, code.rewarded)
    IS DISTINCT FROM (told.invited, told.registered, told.qualified, told.rewarded)
ORDER BY code.id
"""
_PAYOUTS = """
SELECT batch.id AS list, batch.total_amount, batch.people, sum(payout.amount) AS amount,
       count(payout.id) AS paid
FROM referrals_payoutbatch AS batch LEFT JOIN referrals_payout AS payout ON payout.batch_id = batch.id
GROUP BY batch.id
HAVING (batch.total_amount, batch.people) IS DISTINCT FROM (COALESCE(sum(payout.amount), 0), count(payout.id))
ORDER BY batch.id
"""
_CASH = """
SELECT payout.id AS payout, payout.amount, COALESCE(sum(entry.amount), 0) AS owed
FROM referrals_payout AS payout LEFT JOIN referrals_payoutbatch AS batch ON batch.id = payout.batch_id
LEFT JOIN referrals_cashentry AS entry ON entry.payout_id = payout.id
WHERE batch.status IS DISTINCT FROM 'REJECTED'
GROUP BY payout.id HAVING payout.amount <> COALESCE(sum(entry.amount), 0)
ORDER BY payout.id
"""
_MONEY = """
SELECT reward.id AS reward, reward.cash_amount AS promised, reward.taken_back_at,
       COALESCE(sum(entry.amount), 0) AS booked
FROM referrals_referralreward AS reward
LEFT JOIN referrals_cashentry AS entry ON entry.reward_id = reward.id
WHERE reward.cash_amount IS NOT NULL GROUP BY reward.id
HAVING COALESCE(sum(entry.amount), 0)
    <> CASE WHEN reward.taken_back_at IS NULL THEN reward.cash_amount ELSE 0 END
ORDER BY reward.id
"""

INVARIANTS = [
    Invariant("referrals.rewards", _("Each side of a referral was rewarded once."), _REWARDS),
    Invariant("referrals.codes", _("What a code brought is what its referrals say."), _CODES),
    Invariant("referrals.payouts", _("A payout list is the sum of its payments."), _PAYOUTS),
    Invariant("referrals.cash", _("A payment is the sum of what the person was owed."), _CASH),
    Invariant("referrals.money", _("Money of a referral is booked once, or taken back."), _MONEY),
    Invariant("referrals.friends", _("A friend was referred once."), _FRIENDS),
]
