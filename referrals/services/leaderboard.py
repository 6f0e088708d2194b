"""Who brings the most friends: counted on the codes, so that the first of very many are found at once."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q

from referrals.models import ReferralCode, ReferralProgramme
from referrals.models.code import ReferralCodeQuerySet

_RECOUNT = """
UPDATE referrals_referralcode AS code
SET invited = (SELECT count(*) FROM referrals_invitation AS sent WHERE sent.code_id = code.id),
    registered = came.registered, qualified = came.qualified, rewarded = came.rewarded
FROM (
    SELECT one.id,
           count(referral.id) FILTER (WHERE referral.status <> 'REJECTED') AS registered,
           count(referral.id) FILTER (WHERE referral.status IN ('QUALIFIED', 'REWARDED')) AS qualified,
           count(referral.id) FILTER (WHERE referral.status = 'REWARDED') AS rewarded
    FROM unnest(%(codes)s::bigint[]) AS one (id)
    LEFT JOIN referrals_referral AS referral ON referral.code_id = one.id
    GROUP BY 1
) AS came
WHERE code.id = came.id
"""


def leaderboard(programme: ReferralProgramme) -> ReferralCodeQuerySet:
    """Return the codes that brought somebody, the best first, with their counts; ties by who came first."""
    return ReferralCode.objects.leaders(programme).select_related("customer")


def rank_of(code: ReferralCode) -> int | None:
    """Return a code's place on its programme's leaderboard (1 is the best); None before anybody came."""
    if not code.registered:
        return None
    ahead = Q(qualified__gt=code.qualified) | Q(qualified=code.qualified, registered__gt=code.registered)
    level = Q(qualified=code.qualified, registered=code.registered, pk__lt=code.pk)
    return ReferralCode.objects.leaders(code.programme).filter(ahead | level).count() + 1


def lock_codes(code: ReferralCode) -> None:
    """Lock all that its owner has beside a code in its programme: what counts for one person takes turns."""
    codes = ReferralCode.objects.filter(programme=code.programme_id, customer=code.customer_id)
    list(codes.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def recount_codes(code_ids: Iterable[int]) -> None:
    """Count anew what these codes brought; they are locked first, so that nobody's change is missed."""
    ids = sorted(set(code_ids))
    if not ids:
        return
    codes = ReferralCode.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    list(codes.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        # A statement of its own: what others committed before they let go of the lock is seen only now.
        cursor.execute(_RECOUNT, {"codes": ids})


def settle_codes(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Count anew the codes of these customers, and those that brought them (after a merge, an unmerge)."""
    people = list(customer_ids)
    touched = ReferralCode.objects.filter(
        Q(customer__in=people) | Q(referrals__referee__in=people) | Q(referrals__referrer__in=people)
    )
    recount_codes(touched.values_list("pk", flat=True))
