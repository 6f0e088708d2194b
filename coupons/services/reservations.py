"""Keeping what a cart is about to spend from others for some minutes.

A reservation is live until the instant it expires, decided when it is read. Who reserves takes the locks of
who redeems, in the same order, so that both see each other; nobody's own reservation hinders them.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from coupons import engine
from coupons.errors import ReservationNotFound
from coupons.models import Hold, Reservation
from coupons.services.spendings import Offer, Spending
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


def release_reservation(key: str, *, client: ApiClient | None, at: datetime) -> None:
    """Give a reservation up. Raises ReservationNotFound when nothing is reserved under this key."""
    with transaction.atomic():
        reservation = find_reservation(key, client=client, at=at, lock=True)
        if reservation is None:
            raise ReservationNotFound
        reservation.delete()


def keep(
    spending: Spending,
    applied: Iterable[tuple[Offer, engine.Outcome]],
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


def settle_reservations(spending: Spending, reservation: Reservation | None) -> None:
    """Give up what was reserved for this order: it was spent just now."""
    own = Q(pk=reservation.pk) if reservation else Q()
    if spending.order_key is not None:
        same_client = Q(client=spending.client, order_key=spending.order_key)
        own = own | same_client if reservation else same_client
    if not own:
        return
    found = Reservation.objects.filter(own).select_for_update(skip_locked=True).values_list("pk", flat=True)
    if ids := list(found):
        Reservation.objects.filter(pk__in=ids).delete()


def forget_reservations(*, at: datetime) -> int:
    """Delete reservations that expired a day ago; return how many. Only tidies: they held nothing since."""
    rows = Reservation.objects.filter(expires_at__lt=at - SWEPT_AFTER)
    count = rows.count()
    rows.delete()
    return count


def with_holds(offers: Sequence[Offer], spending: Spending, *, at: datetime) -> list[Offer]:
    """Return the offers with what live reservations of others keep of them.

    To be asked under the locks of what is spent: a reservation is written under the same ones.
    """
    coupons = [offer.coupon.pk for offer in offers if offer.coupon]
    accounts = [offer.account.pk for offer in offers if offer.account]
    if not coupons and not accounts:
        return list(offers)
    holds = _of_others(spending, at).filter(Q(coupon__in=coupons) | Q(account__in=accounts))
    held = {
        (row["coupon"], row["account"]): row["kept"]
        for row in holds.values("coupon", "account").annotate(kept=Sum("units"))
    }
    if not held:
        return list(offers)
    return [replace(offer, held=held.get(_thing(offer), 0)) for offer in offers]


def _thing(offer: Offer) -> tuple[int | None, int | None]:
    return (offer.coupon.pk if offer.coupon else None, offer.account.pk if offer.account else None)


def _of_others(spending: Spending, at: datetime) -> QuerySet[Hold]:
    """Return what others keep.

    One's own is what was reserved under the same key, for the same order by nobody else, and by the same
    customer where either side does not say for which order.
    """
    holds = Hold.objects.filter(reservation__expires_at__gt=at)
    if spending.reservation_key:
        holds = holds.exclude(reservation__key=spending.reservation_key, reservation__client=spending.client)
    customer, order_key = spending.buyer.customer, spending.order_key
    if order_key is not None:
        nobody_else = Q(reservation__customer=None)
        nobody_else |= (
            Q(reservation__customer=customer) if customer else Q(reservation__customer__isnull=False)
        )
        holds = holds.exclude(nobody_else, reservation__order_key=order_key)
    if customer is not None:
        same = Q(reservation__customer=customer)
        if order_key is not None:
            same &= Q(reservation__order_key=None)
        holds = holds.exclude(same)
    return holds
