"""Friends of the demo: who was brought by whom, with what it cost, three suspicions and a list to pay out.

The friends are customers of the data set, and so are their orders; that somebody brought them is made up.
"""

from datetime import datetime, timedelta

from django.db import transaction

from customers.models import Customer, Order, Rollup, RollupScope
from loyalty.models import Reward
from operations.models import User
from referrals.fraud import Signal
from referrals.models import (
    Invitation,
    Referral,
    ReferralCode,
    ReferralProgramme,
    ShareChannel,
)
from referrals.services import code_of, count_opening, create_programme, make_payouts, reward_referral
from referrals.services.leaderboard import recount_codes
from referrals.services.programmes import Reward as Given
from referrals.services.programmes import Step, Terms, Variant

CODE = "ambassadors"
AMBASSADORS, FRIENDS, SUSPICIOUS = 40, 48, 3
CASH = 1_000
Status = Referral.Status
SUSPICIONS = [
    [Signal.SAME_PAYMENT, Signal.SAME_ADDRESS],
    [Signal.SAME_DEVICE],
    [Signal.DEVICE_OF_FRIENDS, Signal.VELOCITY],
]


@transaction.atomic
def write_friends(*, at: datetime) -> int:
    """Write the ambassadors' programme and the friends they brought; return how many friends."""
    if ReferralProgramme.objects.filter(code=CODE).exists():
        return Referral.objects.filter(programme__code=CODE).count()
    programme = _programme()
    totals = Rollup.objects.filter(scope=RollupScope.ALL, scope_value="", customer__status="ACTIVE")
    # Every third of the newest: there are others beside them to compare them with.
    newest = list(
        totals.order_by("-first_order_at", "pk").values_list("customer", "first_order_at")[: FRIENDS * 3 : 3]
    )
    best = totals.exclude(customer__in=[pk for pk, _first in newest]).order_by("-net_amount", "pk")
    codes = _codes(programme, [total.customer for total in best.select_related("customer")[:AMBASSADORS]])
    if not codes:
        return 0
    friends = Customer.objects.in_bulk([pk for pk, _first in newest])
    for place, (pk, first) in reversed(list(enumerate(newest))):
        # The first ambassadors bring most: the n-th friend comes through the code n * n / 60.
        _bring(codes[place * place // 60 % len(codes)], friends[pk], place, first)
    recount_codes(code.pk for code in codes)
    for referral in (
        Referral.objects.to_reward(at).filter(programme=programme).order_by("reward_due_at", "pk")
    ):
        reward_referral(referral, at=referral.reward_due_at)
    if marketer := User.objects.filter(username="marketer").first():
        make_payouts(by=marketer, at=at)
    return len(newest)


def _programme() -> ReferralProgramme:
    bag = Reward.objects.filter(code="ambassador-card").first() or Reward.objects.create(
        code="ambassador-card", name="Gift card of 25 €", kind=Reward.Kind.GIFT_CARD, amount=2_500
    )
    return create_programme(
        code=CODE,
        name="Ambassadors",
        referrer_reward=Given(cash_amount=CASH),
        referee_reward=Given(points=200),
        terms=Terms(
            minimum_amount=1_000,
            after_days=14,
            maximum_per_month=20,
            fixed_cost_amount=30_000,
            planned_ltv_amount=15_000,
            planned_reward_amount=2_000,
            planned_k=1,
        ),
        variants=[Variant("Twice the points", 50, Given(cash_amount=CASH), Given(points=400))],
        steps=[Step(3, bag)],
    )


def _codes(programme: ReferralProgramme, people: list[Customer]) -> list[ReferralCode]:
    return [code_of(person, programme) for person in people]


def _bring(code: ReferralCode, friend: Customer, place: int, first: datetime) -> None:
    """Let a friend have come two days before their first order, and both have their thanks when due."""
    order = Order.objects.filter(customer=friend).counting().order_by("ordered_at", "pk").first()
    came = first - timedelta(days=2)
    channels = (ShareChannel.WHATSAPP, ShareChannel.EMAIL, ShareChannel.LINK)
    Invitation.objects.bulk_create(
        Invitation(code=code, channel=channels[(place + more) % 3], invited_at=came - timedelta(days=more))
        for more in range(1 + place % 3)
    )
    # Of those who open a link most come; some look twice.
    for _time in range(1 + place % 2):
        count_opening(code, at=came)
    doubt = SUSPICIONS[place] if place < SUSPICIOUS else []
    Referral.objects.create(
        programme=code.programme,
        code=code,
        referrer=code.customer,
        referee=friend,
        order=order,
        status=Status.QUALIFIED,
        review=Referral.Review.WAITING if doubt else "",
        risk_signals=[signal.value for signal in doubt],
        risk_score=min(100, sum(signal.weight for signal in doubt)),
        registered_at=came,
        qualified_at=first,
        reward_due_at=first + timedelta(days=14),
    )
