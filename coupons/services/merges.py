"""What becomes of accounts, counters and offers when customers are merged. Named in customer_tables.py."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from coupons.models import Account, LimitCounter, PersonalOffer
from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_accounts(merge: Merge, table: CustomerTable) -> None:
    """Accounts move whole; only one of points stays the main one, in which the survivor earns."""
    own = set(Account.objects.filter(customer=merge.survivor, main=True).values_list("kind", "currency"))
    for account in Account.objects.filter(customer=merge.loser).order_by("pk"):
        if account.kind == Account.Kind.POINTS and account.main and (account.kind, account.currency) in own:
            merge.change(account, main=False)
        merge.move(Account.objects.filter(pk=account.pk))


def merge_counters(merge: Merge, table: CustomerTable) -> None:
    """Limits per customer add up: a counter may then exceed its limit, and nothing more is left."""
    own = {_subject(one): one for one in LimitCounter.objects.filter(customer=merge.survivor)}
    for counter in LimitCounter.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get(_subject(counter))
        if twin is None:
            merge.move(LimitCounter.objects.filter(pk=counter.pk))
            continue
        if counter.used:
            merge.add(twin, used=counter.used)
        merge.remove(LimitCounter.objects.filter(pk=counter.pk))


def merge_personal_offers(merge: Merge, table: CustomerTable) -> None:
    """Of two that stand or are proposed together for one person the survivor's holds; the rest moves."""
    Status = PersonalOffer.Status
    # A set that is confirmed meanwhile has them all, or finds one where there were two.
    both = PersonalOffer.objects.filter(customer__in=[merge.survivor, merge.loser])
    list(both.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    own = both.filter(customer=merge.survivor)
    theirs = both.filter(customer=merge.loser)
    standing = own.filter(status=Status.CONFIRMED).values("promotion")
    merge.remove(theirs.filter(status=Status.CONFIRMED, promotion__in=standing))
    proposed = own.filter(status=Status.PROPOSED).values("source_key")
    merge.remove(theirs.filter(status=Status.PROPOSED, source_key__in=proposed))
    merge.move(theirs)


def _subject(counter: LimitCounter) -> tuple:
    return (counter.promotion_id, counter.coupon_id, counter.period, counter.starts_on)


def settle_counters(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Count the uses of these customers again where redemptions tell them: what was not rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_AGAIN, [list(customer_ids)])


# A redemption names the counters it took from: [coupon, personal, e-mail, period, first day].
_COUNT_AGAIN = """
INSERT INTO coupons_limitcounter AS counter
    (promotion_id, coupon_id, customer_id, email_hash, period, starts_on, used)
SELECT promotion_id, NULLIF((taken ->> 0)::bigint, 0), customer_id, '', taken ->> 3, (taken ->> 4)::date,
       count(*) FILTER (WHERE status = 'REDEEMED')
FROM coupons_redemption, jsonb_array_elements(consumed -> 'counters') AS taken
WHERE customer_id = ANY(%s) AND (taken ->> 1)::boolean
GROUP BY 1, 2, 3, 5, 6
ON CONFLICT (promotion_id, coupon_id, customer_id, email_hash, period, starts_on)
DO UPDATE SET used = excluded.used WHERE counter.used <> excluded.used
"""
