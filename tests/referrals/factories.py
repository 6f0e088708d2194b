from datetime import timedelta

from customers.models import Customer
from referrals.models import Referral, ReferralProgramme
from referrals.services import code_of, create_programme, register_referral
from referrals.services.programmes import Reward, Terms
from tests.coupons.factories import amount, promotion
from tests.factories import NOON, CustomerFactory, OrderFactory

LATER = NOON + timedelta(hours=2)


def make_programme(
    *, code: str = "friends", referrer=None, referee=None, variants=(), steps=(), **terms
) -> ReferralProgramme:
    """Return "bring a friend": 5.00 for each side, on an order of 20.00 or more."""
    return create_programme(
        code=code,
        name="Bring a friend",
        referrer_reward=referrer or Reward(promotion=promotion(amount(500))),
        referee_reward=referee or Reward(promotion=promotion(amount(500))),
        terms=Terms(**{"minimum_amount": 2000} | terms),
        variants=variants,
        steps=steps,
    )


def refer(
    programme: ReferralProgramme, *, referrer: Customer | None = None, friend: Customer | None = None
) -> Referral:
    """Return the referral of a friend who came with a customer's code and has not bought yet."""
    code = code_of(referrer or CustomerFactory(), programme)
    friend = friend or CustomerFactory(status="PROSPECT")
    referral, _ = register_referral(code.code, referee={"id": str(friend.public_id)}, at=NOON)
    return referral


def buy(customer: Customer, *, amount: int = 5000, **fields):
    usual = {"ordered_at": LATER, "lines": [("SKU-A", 1, amount, 0)]}
    return OrderFactory(customer=customer, **usual | fields)
