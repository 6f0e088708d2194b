"""What one cart keeps from others for some minutes."""

from datetime import timedelta

import pytest

from coupons.errors import QuantityExceeded, ReservationNotFound
from coupons.models import Coupon, Hold, Reservation
from coupons.services import (
    forget_reservations,
    redeem_stack,
    release_reservation,
    reserve_stack,
    validate_stack,
)
from tests.coupons.factories import NOW, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=15)


def reserve(*named, minutes=15, at=NOW, **fields):
    verdict, reservation = reserve_stack(spending(*named, **fields), minutes=minutes, at=at)
    assert verdict.valid is (reservation is not None)
    return reservation


def test_a_reserved_coupon_is_not_good_for_others_until_it_expires():
    code = coupon()
    reserve(code, source_id="A-1")

    with pytest.raises(QuantityExceeded):
        redeem_stack(spending(code, source_id="A-2"), at=LATER - timedelta(microseconds=1))
    assert Coupon.objects.get().uses == 0
    assert redeem_stack(spending(code, source_id="A-2"), at=LATER).discount_amount == 1000


def test_one_use_is_reserved_and_the_others_stay_free():
    code = coupon(max_uses=2)
    reserve(code, source_id="A-1")

    assert redeem_stack(spending(code, source_id="A-2"), at=NOW).discount_amount == 1000
    with pytest.raises(QuantityExceeded):
        redeem_stack(spending(code, source_id="A-3"), at=NOW)
    assert redeem_stack(spending(code, source_id="A-1"), at=NOW).discount_amount == 1000


@pytest.mark.parametrize("named", [{"reservation_key": "cart-1"}, {"source_id": "A-1"}, {"who": True}])
def test_a_reservation_never_hinders_its_own_key_order_or_customer(named):
    code, anna = coupon(), customer()
    if "who" in named:
        reserve(code, who=anna)
        named = {"who": anna, "source_id": "A-1"}
    else:
        reserve(code, reservation_key="cart-1", source_id="A-1", who=anna)

    assert redeem_stack(spending(code, **named), at=NOW).discount_amount == 1000
    assert Coupon.objects.get().uses == 1


def test_another_order_of_the_same_customer_has_to_wait():
    code, anna = coupon(), customer()
    reserve(code, who=anna, source_id="A-1")

    assert not validate_stack(spending(code, who=anna, source_id="A-2"), at=NOW).valid


def test_somebody_elses_cart_under_the_same_order_has_to_wait():
    code = coupon()
    reserve(code, who=customer(), source_id="A-1")

    assert not validate_stack(spending(code, who=customer(), source_id="A-1"), at=NOW).valid


def test_redeeming_gives_the_reservation_up():
    code = coupon()
    reserve(code, reservation_key="cart-1", source_id="A-1")
    reserve(code, source_id="A-1")

    redeem_stack(spending(code, reservation_key="cart-1", source_id="A-1"), at=NOW)

    assert (Reservation.objects.count(), Hold.objects.count()) == (0, 0)


def test_the_same_key_asks_again_and_moves_the_reservation():
    one, two = coupon(), coupon()
    reserve(one, reservation_key="cart-1")

    moved = reserve(two, reservation_key="cart-1", at=NOW + timedelta(minutes=5))

    assert moved.expires_at == NOW + timedelta(minutes=20)
    assert [hold.coupon for hold in Hold.objects.all()] == [two]
    assert validate_stack(spending(one), at=NOW).valid


def test_what_is_not_valid_is_not_reserved_and_leaves_an_earlier_one_alone():
    one, used_up = coupon(), coupon()
    redeem_stack(spending(used_up), at=NOW)
    before = reserve(one, reservation_key="cart-1")

    verdict, nothing = reserve_stack(
        spending(used_up, reservation_key="cart-1"), minutes=15, at=NOW + timedelta(minutes=1)
    )

    assert (verdict.valid, nothing) == (False, None)
    assert Reservation.objects.get().expires_at == before.expires_at
    assert [hold.coupon for hold in Hold.objects.all()] == [one]


def test_a_reservation_given_up_frees_what_it_kept():
    code = coupon()
    kept = reserve(code)

    release_reservation(kept.key, client=None, at=NOW)

    assert validate_stack(spending(code), at=NOW).valid
    with pytest.raises(ReservationNotFound):
        release_reservation(kept.key, client=None, at=NOW)


@pytest.mark.parametrize("ask", [validate_stack, redeem_stack])
def test_an_unknown_or_expired_reservation_is_not_found(ask):
    code = coupon()
    reserve(code, reservation_key="cart-1")

    for key, at in (("nobodys", NOW), ("cart-1", LATER)):
        with pytest.raises(ReservationNotFound):
            ask(spending(code, reservation_key=key), at=at)
    assert Coupon.objects.get().uses == 0


def test_coupons_without_a_cap_are_never_short():
    code = coupon(max_uses=None)
    reserve(code, source_id="A-1")

    assert redeem_stack(spending(code, source_id="A-2"), at=NOW).discount_amount == 1000


def test_old_reservations_are_forgotten_and_live_ones_are_not():
    reserve(coupon(), at=NOW - timedelta(days=2))
    live = reserve(coupon(promotion()))

    assert forget_reservations(at=NOW) == 1
    assert Reservation.objects.get() == live
