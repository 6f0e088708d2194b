"""Keeping what a cart is about to spend from others for some minutes.

A reservation is live until the instant it expires, decided when it is read. Who reserves takes the locks of
who redeems, in the same order, so that both see each other; nobody's own reservation hinders them.
"""

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from coupons import engine
from coupons.errors import ReservationNotFound
from coupons.models import Coupon, Hold, Reservation
from coupons.services.spendings import Offer, Spending
from operations.locks import lock_alone
from operations.models import ApiClient

LONGEST_RESERVATION = timedelta(days=1)
SWEPT_AFTER = timedelta(days=1)


def find_reservation(
    key: str, *, client: ApiClient | None, at: datetime, lock: bool = False
) -> Reservation | None:
    """Return the live reservation under this key of this client."""
    rows = Reservation.objects.live(at).filter(client=client, key=key)
    return (rows.select_for_update() if lock else rows).first()


def require_reservation(spending: Spending, *, at: datetime, lock: bool = False) -> Reservation | None:
    """Return the reservation that the spending names, or None when it names none.

    Raises ReservationNotFound when it has expired, was given up, or never was.
    """
    if not spending.reservation_key:
        return None
    found = find_reservation(spending.reservation_key, client=spending.client, at=at, lock=lock)
    if found is None:
        raise ReservationNotFound
    return found


def lock_reservation(spending: Spending) -> None:
    """Lock what is kept under the spending's key, live or not, before the rows that it keeps.

    A redemption that captures it does so first as well; the other way round the two would wait in a circle.
    The key itself is locked too: of two who find nothing under it yet, the second must find what the first
    writes before it waits for the coupons.
    """
    if spending.reservation_key:
        client = spending.client.pk if spending.client else ""
        lock_alone(f"reservation:{client}:{spending.reservation_key}")
        mine = Reservation.objects.filter(client=spending.client, key=spending.reservation_key)
        mine.select_for_update().first()


def release_reservation(key: str, *, client: ApiClient | None, at: datetime) -> None:
    """Give a reservation up. Raises ReservationNotFound when nothing is reserved under this key."""
    with transaction.atomic():
        reservation = find_reservation(key, client=client, at=at, lock=True)
        if reservation is None:
            raise ReservationNotFound
        reservation.delete()


def keep(
    spending: Spending,
    applied: Collection[tuple[Offer, engine.Outcome]],
    *,
    minutes: int,
    at: datetime,
) -> Reservation:
    """Write what is reserved in place of what stood under the same key; the caller has locked the rows."""
    fields = {
        "customer": spending.buyer.customer,
        "order_key": spending.order_key,
        "expires_at": at + min(timedelta(minutes=minutes), LONGEST_RESERVATION),
    }
    reservation, created = Reservation.objects.update_or_create(
        client=spending.client,
        key=spending.reservation_key or secrets.token_urlsafe(18),
        defaults=fields,
    )
    if not created:
        reservation.holds.all().delete()
    kept = [offer.coupon.pk for offer, _outcome in applied if offer.coupon]
    Coupon.objects.filter(pk__in=kept).update(times_reserved=F("times_reserved") + 1)
    Hold.objects.bulk_create(
        Hold(
            reservation=reservation,
            coupon=offer.coupon,
            account=offer.account,
            units=outcome.units if offer.pays else 1,
        )
        for offer, outcome in applied
        if offer.coupon or offer.account
    )
    return reservation


def settle_reservations(reservation: Reservation | None, own: Iterable[int]) -> None:
    """Give up what was reserved for what was spent just now; `own` are others of the same order."""
    wanted = {*own, *([reservation.pk] if reservation else [])}
    if not wanted:
        return
    found = Reservation.objects.filter(pk__in=wanted).select_for_update(skip_locked=True)
    if ids := list(found.values_list("pk", flat=True)):
        Reservation.objects.filter(pk__in=ids).delete()


def forget_reservations(*, at: datetime) -> int:
    """Delete reservations that expired a day ago; return how many. Only tidies: they held nothing since."""
    rows = Reservation.objects.filter(expires_at__lt=at - SWEPT_AFTER)
    count = rows.count()
    rows.delete()
    return count
