"""Redeeming single-use coupons with a budget and a limit, against the bare statements of a redemption.

The floor locks the coupon, counts the use, takes from the budget and writes one row, one transaction each,
over the same connection. A redemption also reads the rules and asks them all, counts the customer and their
e-mail, keeps the cart, what each line got and why, and tells of it.
"""

from itertools import count

from benchmarks.measurement import Measurement, median_seconds

TIMES = 200
TARGET = 14.0
FLOOR = [
    "SELECT id, uses, max_uses FROM coupons_coupon WHERE id = %(coupon)s FOR UPDATE",
    "UPDATE coupons_coupon SET uses = uses + 1 WHERE id = %(coupon)s AND uses < max_uses",
    "INSERT INTO bench_redemption (coupon_id, discount_amount) VALUES (%(coupon)s, 1000)",
    "UPDATE bench_budget SET used = used + 1000 WHERE used + 1000 <= cap",
]


def measure() -> list[Measurement]:
    """Return the floor and redemptions through the service."""
    from django.db import connection, transaction
    from django.utils import timezone

    from coupons.engine import Cart, Line
    from coupons.services import Purchase, Redeemable, Spending, buyer_of, issue_coupons, redeem_stack
    from customers.models import Customer, Identity

    at, numbers = timezone.now(), count()
    promotion = _promotion(at)
    customer = Customer.objects.create(first_name="Anna", last_name="Rossi")
    Identity.objects.create(customer=customer, namespace="email", value="anna@mail.example")
    buyer = buyer_of(customer)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_redemption"
            " (id bigserial PRIMARY KEY, coupon_id bigint, discount_amount bigint)"
        )
        cursor.execute("CREATE TABLE bench_budget (used bigint, cap bigint, CHECK (used <= cap))")
        cursor.execute("INSERT INTO bench_budget VALUES (0, 1000000000000)")

    def bare() -> None:
        for coupon in issue_coupons(promotion, count=TIMES, at=at):
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in FLOOR:
                    cursor.execute(statement, {"coupon": coupon.pk})

    def redeem() -> None:
        for coupon in issue_coupons(promotion, count=TIMES, at=at):
            purchase = Purchase(
                Cart((Line("1", 10_000, sku="MILK"),), "EUR"), source="bench", source_id=str(next(numbers))
            )
            redeem_stack(Spending(purchase, buyer, (Redeemable("coupon", coupon.code),)), at=at)

    seconds = median_seconds({"bare": bare, "redeem": redeem})
    return [
        Measurement(f"{TIMES} times the bare statements", seconds["bare"], 1.0),
        Measurement(
            f"{TIMES} redemptions",
            seconds["redeem"],
            seconds["redeem"] / seconds["bare"],
            TARGET,
            f"{seconds['redeem'] / TIMES * 1000:.1f} ms each",
        ),
    ]


def _promotion(at):
    from coupons.services import create_promotion

    return create_promotion(
        code="bench",
        name="Bench",
        effect={"kind": "PERCENT", "percent": "10"},
        limits=[{"subject": "CUSTOMER", "uses": 1_000_000}],
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 10**12},
        activate=True,
        at=at,
    )
