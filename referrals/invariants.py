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

INVARIANTS = [
    Invariant("referrals.rewards", _("Each side of a referral was rewarded once."), _REWARDS),
    Invariant("referrals.friends", _("A friend was referred once."), _FRIENDS),
]
