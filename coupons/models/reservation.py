"""Short locks on what a cart is about to spend: coupons, gift-card money, points."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def live(self, at: datetime) -> "ReservationQuerySet":
        """Return the reservations that hold something at this instant, swept up or not."""
        return self.filter(expires_at__gt=at)


class Reservation(models.Model):
    """What one cart keeps from others until `expires_at` (exclusive); the same key re-validates and moves it.

    A key belongs to the client that reserved under it. A reservation hinders everybody but its own customer
    and order.
    """

    key = models.CharField(_("key"), max_length=64)
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("client"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    order_key = models.CharField(max_length=220, null=True, blank=True, db_index=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "key"], nulls_distinct=False, name="one_reservation_per_client_and_key"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Hold(models.Model):
    """One thing that a reservation keeps: a use of a coupon, or units of an account (minor units, points)."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="holds")
    coupon = models.ForeignKey(
        "coupons.Coupon",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="holds",
        verbose_name=_("coupon"),
    )
    account = models.ForeignKey(
        "coupons.Account",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="holds",
        verbose_name=_("account"),
    )
    units = models.PositiveBigIntegerField(_("units"), default=1)

    class Meta:
        verbose_name = _("reserved thing")
        verbose_name_plural = _("reserved things")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(coupon__isnull=False, account__isnull=True, units=1)
                | models.Q(coupon__isnull=True, account__isnull=False, units__gt=0),
                name="a_hold_keeps_one_thing",
            ),
            models.UniqueConstraint(fields=["reservation", "coupon"], name="one_hold_per_coupon"),
            models.UniqueConstraint(fields=["reservation", "account"], name="one_hold_per_account"),
        ]

    def __str__(self) -> str:
        return str(self.units)
