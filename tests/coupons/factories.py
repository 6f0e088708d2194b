"""People, promotions and carts for the tests of incentives."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

from coupons import services
from coupons.engine import Application, Cart, Line
from coupons.models import Coupon, Promotion
from coupons.services import Buyer, Purchase, Redeemable, Spending, buyer_of
from customers.models import Customer, Identity, Namespace, Order, Source
from operations.models import User

NOW = datetime(2026, 10, 22, 10, tzinfo=UTC)
TEN_PERCENT = {"kind": "PERCENT", "percent": "10"}
_numbers = itertools.count(1)


def customer(*, email: str = "", **fields) -> Customer:
    number = next(_numbers)
    person = Customer.objects.create(**{"first_name": f"Anna {number}", "last_name": "Rossi", **fields})
    if email:
        Identity.objects.create(customer=person, namespace=Namespace.EMAIL, value=email)
    return person


def staff(name: str = "agent", **fields) -> User:
    return User.objects.create_user(name, is_staff=True, **fields)


def promotion(effect: dict | None = None, **fields) -> Promotion:
    """A running promotion, 10 % off the order unless said otherwise."""
    number = next(_numbers)
    return services.create_promotion(
        **{
            "code": f"promo-{number}",
            "name": f"Promotion {number}",
            "effect": effect or TEN_PERCENT,
            "activate": True,
            "at": NOW,
            **fields,
        }
    )


def amount(value: int, **fields) -> dict:
    return {"kind": "AMOUNT", "amount": value, **fields}


def coupon(a_promotion: Promotion | None = None, **options) -> Coupon:
    """One code of a promotion; options are those of `issue_coupons`."""
    options = {"count": 0 if "codes" in options else 1, "at": NOW, **options}
    return services.issue_coupons(a_promotion or promotion(), **options)[0]


def cart(*prices: int, currency: str = "EUR", **fields) -> Cart:
    lines = tuple(
        Line(line_id=str(place), unit_price=price, quantity=Decimal(1))
        for place, price in enumerate(prices, start=1)
    )
    return Cart(lines=lines, currency=currency, **fields)


def spending(*named, prices=(10000,), who: Customer | Buyer | None = None, **fields) -> Spending:
    """A wish to spend coupons (rows or codes) and promotions on a cart of one line of 100.00."""
    a_cart = fields.pop("cart", None) or cart(*prices)
    purchase = Purchase(
        cart=a_cart, source=fields.pop("source", "shop"), source_id=fields.pop("source_id", "")
    )
    buyer = who if isinstance(who, Buyer) else buyer_of(who)
    redeemables = tuple(_redeemable(one) for one in named)
    application = Application(fields.pop("application", "ALL"))
    return Spending(purchase, buyer, redeemables, application=application, **fields)


def order(person: Customer | None, *, number: str = "1", total: int = 5000, **fields) -> Order:
    source, _ = Source.objects.get_or_create(code="shop", defaults={"name": "Shop"})
    return Order.objects.create(
        source=source,
        external_id=number,
        customer=person,
        **{"ordered_at": NOW, "currency": "EUR", "total_amount": total, "content_hash": b"", **fields},
    )


def _redeemable(one) -> Redeemable:
    if isinstance(one, Promotion):
        return Redeemable("promotion", one.code)
    return Redeemable("coupon", one.code if isinstance(one, Coupon) else one)
