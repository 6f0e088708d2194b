"""Notes on what was tried with a code, so that its page tells the whole story.

A refusal must take as long for a code that exists as for one that does not: both run the same statement, and
neither waits for the disk.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from coupons.errors import IncentiveRefused
from coupons.models import CouponAttempt, Redemption, Reservation
from coupons.rules import canonical_code
from coupons.services.spendings import Offer, Spending

KEPT = timedelta(days=366)


def note_refusal(spending: Spending, error: IncentiveRefused, *, at: datetime) -> int:
    """Write down that the codes of a spending were refused; return how many of them exist.

    To be called when the refused transaction is over. The buyer may be a prospect who was rolled back with
    it.
    """
    codes = [canonical_code(one.name) for one in spending.redeemables if one.kind == Redemption.Kind.COUPON]
    if not codes:
        return 0
    customer, client = spending.buyer.customer, spending.client
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(
            NOTE,
            {
                "customer": customer.pk if customer else None,
                "client": client.pk if client else None,
                "refusal": error.key,
                "order": spending.order_key or "",
                "at": at,
                "codes": [code for code in codes if "\0" not in code],
            },
        )
        return cursor.rowcount


NOTE = """
INSERT INTO coupons_couponattempt (coupon_id, customer_id, client_id, refusal, order_key, tried_at)
SELECT coupon.id, buyer.id, %(client)s, %(refusal)s, %(order)s, %(at)s
FROM coupons_coupon AS coupon
LEFT JOIN (
    SELECT id FROM customers_customer WHERE id = %(customer)s AND merged_into_id IS NULL FOR SHARE
) AS buyer ON true
WHERE coupon.code_canonical = ANY(%(codes)s)
ORDER BY coupon.id
"""


def note_reservation(
    reservation: Reservation, offers: Iterable[Offer], *, spending: Spending, at: datetime
) -> None:
    """Write down which coupons a cart keeps from others; in the transaction that reserves them."""
    CouponAttempt.objects.bulk_create(
        CouponAttempt(
            coupon=offer.coupon,
            customer=reservation.customer,
            client=spending.client,
            order_key=spending.order_key or "",
            held_until=reservation.expires_at,
            tried_at=at,
        )
        for offer in offers
        if offer.coupon
    )


def forget_attempts(*, at: datetime) -> int:
    """Delete what was tried more than a year ago; return how much."""
    count, _by_model = CouponAttempt.objects.filter(tried_at__lt=at - KEPT).delete()
    return count
