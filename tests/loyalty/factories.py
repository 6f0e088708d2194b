import itertools
from datetime import datetime
from decimal import Decimal

from coupons.services import ledger
from customers.models import Customer
from loyalty.models import EarningRule, Partner, Reward
from loyalty.services import create_earning_rule
from tests.coupons.factories import amount, promotion
from tests.factories import NOON, CustomerFactory, ProductFactory

_numbers = itertools.count(1)


def make_rule(**fields) -> EarningRule:
    """Return the usual promise: one point for every full euro."""
    usual = {"code": "euros", "name": "One point per euro", "points": 1, "per_amount": 100}
    return create_earning_rule(**usual | fields)


def make_reward(kind: str = Reward.Kind.PRODUCT, **fields) -> Reward:
    """Return a reward of a kind: a bag unless said otherwise, with what its kind needs."""
    number = next(_numbers)
    given = {
        "PRODUCT": lambda: {"product": ProductFactory(sku="BAG", name="Bag")},
        "COUPON": lambda: {"promotion": promotion(amount(500), coupon={"pattern": "##########"})},
        "GIFT_CARD": lambda: {"amount": 1000},
        "DONATION": lambda: {"amount": 200},
        "POINTS": lambda: {"points_given": 50},
        "PARTNER_CODE": dict,
    }[kind]
    usual = {"code": f"reward-{number}", "name": f"Reward {number}", "kind": kind}
    promised = {} if {"promotion", "product"} & set(fields) else given()
    return Reward.objects.create(**usual | promised | fields)


def with_points(points: int, *, at: datetime = NOON) -> Customer:
    """Return a customer who can spend so many points."""
    customer = CustomerFactory()
    ledger.credit(ledger.open_account(customer), units=points, source_key="a start", at=at)
    return customer


def make_partner(**fields) -> Partner:
    """Return a bar that gives a point for every full euro and takes two for a cent; one costs 0.8 cents."""
    usual = {
        "code": "bar",
        "name": "Bar Sport",
        "source": "bar",
        "currency": "EUR",
        "earn_points": 1,
        "earn_amount": 100,
        "burn_points": 2,
        "burn_amount": 1,
        "earn_price": Decimal("0.8"),
        "burn_price": Decimal("0.5"),
    }
    return Partner.objects.create(**usual | fields)
