"""How a programme does: reads only."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum

from coupons.models import Redemption
from customers.models import Rollup, RollupScope
from referrals.models import Invitation, Referral, ReferralCode, ReferralProgramme, ReferralReward
from referrals.rules import Economics, economics

CONVERTED = Q(status__in=[Referral.Status.QUALIFIED, Referral.Status.REWARDED])


@dataclass(frozen=True)
class Standing:
    """A programme's funnel and what it brings; amounts are minor units of `currency`."""

    referrers: int
    invitations: int
    registered: int
    qualified: int
    rewarded: int
    rejected: int
    economics: Economics
    currency: str


def leaderboard(programme: ReferralProgramme) -> QuerySet[ReferralCode]:
    """Return the codes that brought somebody, the best first, with what they brought.

    Annotated with `invited`, `registered`, `qualified` and `rewarded`; ties by who came first.
    """
    referrals = {
        "registered": Count("referrals", distinct=True),
        "qualified": Count("referrals", filter=_of("referrals", CONVERTED), distinct=True),
        "rewarded": Count("referrals", filter=Q(referrals__status=Referral.Status.REWARDED), distinct=True),
    }
    codes = ReferralCode.objects.filter(programme=programme).select_related("customer")
    return (
        codes.annotate(invited=Count("invitations", distinct=True), **referrals)
        .filter(registered__gt=0)
        .order_by(F("qualified").desc(), F("registered").desc(), "pk")
    )


def report_of(programme: ReferralProgramme) -> Standing:
    """Return how many were invited, came, bought and were rewarded, and the programme's k and ROI.

    The friends' value is what those who converted have spent until now; the cost is what both sides' coupons
    took off at the till, the points both got with what they pay, and the programme's fixed cost.
    """
    referrals = Referral.objects.filter(programme=programme)
    counts = referrals.aggregate(
        registered=Count("pk"),
        qualified=Count("pk", filter=CONVERTED),
        rewarded=Count("pk", filter=Q(status=Referral.Status.REWARDED)),
        rejected=Count("pk", filter=Q(status=Referral.Status.REJECTED)),
    )
    invitations = Invitation.objects.filter(code__programme=programme).count()
    codes = ReferralCode.objects.filter(programme=programme)
    referrers = codes.filter(Q(invitations__isnull=False) | Q(referrals__isnull=False)).distinct().count()
    return Standing(
        referrers=referrers,
        invitations=invitations,
        **counts,
        economics=economics(
            referrers=referrers,
            invitations=invitations,
            converted=counts["qualified"],
            friends_amount=_spent_by(referrals.converted()),
            cost_amount=_cost_of(programme),
        ),
        currency=settings.PROGRAMME_CURRENCY,
    )


def _spent_by(referrals: QuerySet[Referral]) -> int:
    lifetimes = Rollup.objects.filter(
        scope=RollupScope.ALL, scope_value="", customer__in=referrals.values("referee")
    )
    return lifetimes.aggregate(spent=Sum("net_amount"))["spent"] or 0


def _cost_of(programme: ReferralProgramme) -> int:
    rewards = ReferralReward.objects.filter(referral__programme=programme)
    redeemed = Redemption.objects.standing().filter(
        coupon__in=rewards.filter(publication__isnull=False).values("publication__coupon"),
        coupon__public=False,
    )
    given = redeemed.aggregate(given=Sum(F("discount_amount") + F("shipping_discount_amount")))["given"]
    points = rewards.aggregate(points=Sum("entry__delta"))["points"]
    return (given or 0) + (points or 0) * settings.POINT_VALUE_AMOUNT + programme.fixed_cost_amount


def _of(relation: str, condition: Q) -> Q:
    return Q(**{f"{relation}__{name}": value for name, value in condition.children})
