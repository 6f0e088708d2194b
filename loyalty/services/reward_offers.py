"""The catalogue as one person sees it: what they can have, what is missing, and what is for them."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, Rollup, SegmentMembership, Trait
from customers.models.rollup import RollupScope
from loyalty.catalogue import Obstacle, Taker, missing_points, term_broken
from loyalty.models import PartnerCode, Reward, RewardGrant
from loyalty.ranking import Fit, Taste, fit_of
from loyalty.services.balances import points_of
from loyalty.services.tiers import tier_of
from operations.formats import number

NEARLY = 0.25  # So much of the cost missing is "nearly there".


@dataclass(frozen=True)
class RewardOffer:
    """A reward for one person. `obstacle` is None when they can take it now.

    `missing` is the points they lack, `left` how many there are (None: no end). `why` says in one sentence
    why it stands where it stands; empty where nothing is to be said.
    """

    reward: Reward
    obstacle: Obstacle | None
    missing: int
    left: int | None
    fit: Fit = field(default_factory=Fit)

    @property
    def available(self) -> bool:
        return self.obstacle is None

    @property
    def why(self) -> str:
        if self.fit.why:
            return self.fit.why
        if self.available:
            return _("You have the points for it")
        if self.obstacle == Obstacle.POINTS and self.missing <= self.reward.cost_points * NEARLY:
            words = ngettext("Only %(points)s point to go", "Only %(points)s points to go", self.missing)
            return words % {"points": number(self.missing)}
        return ""

    @property
    def place(self) -> tuple[bool, int, bool, int, int]:
        """Return where it stands among the others: what can be had some day, what fits, what is in reach."""
        out_of_reach = self.obstacle not in (None, Obstacle.POINTS)
        cost = self.reward.cost_points or 0
        return out_of_reach, -self.fit.score, bool(self.missing), cost, self.reward.pk


def offers_for(customer: Customer, *, at: datetime) -> list[RewardOffer]:
    """Return the catalogue for a customer, what suits them best first.

    What is meant for other segments is left out. A few queries, however many rewards there are.
    """
    rewards = list(Reward.objects.whole().catalogue(at))
    taker = taker_of(customer, at=at)
    codes = _codes_left(rewards, at)
    taste = taste_of(customer)
    offers = [_offer(reward, taker, taste, codes, at) for reward in rewards]
    return sorted(
        (offer for offer in offers if offer.obstacle != Obstacle.OTHER_SEGMENT),
        key=lambda offer: offer.place,
    )


def offer_of(customer: Customer, reward: Reward, *, at: datetime) -> RewardOffer:
    """Return one reward as a customer sees it, also one that is not in the catalogue."""
    return _offer(reward, taker_of(customer, at=at), taste_of(customer), _codes_left([reward], at), at)


def taker_of(customer: Customer, *, at: datetime) -> Taker:
    """Return what of a customer decides which rewards they can take."""
    bought = RewardGrant.objects.standing().filter(customer=customer, spent_points__gt=0)
    counts = bought.order_by().values_list("reward").annotate(times=Count("pk"))
    memberships = SegmentMembership.objects.current().filter(customer=customer)
    tier = tier_of(customer, at=at)
    return Taker(
        balance=points_of(customer, at=at).balance,
        tier=tier.threshold if tier else None,
        segments=frozenset(memberships.values_list("segment_id", flat=True)),
        had=dict(counts),
    )


def taste_of(customer: Customer) -> Taste:
    """Return what is known of a customer's taste: their traits, and what an order of theirs comes to."""
    traits = dict(Trait.objects.filter(customer=customer).values_list("code", "value"))
    totals = Rollup.objects.filter(customer=customer, scope=RollupScope.ALL)
    bought = totals.aggregate(orders=Sum("orders"), net=Sum("net_amount"))
    average = bought["net"] // bought["orders"] if bought["orders"] else None
    return Taste.of(traits, average_order=average)


def given_to(customer: Customer) -> QuerySet[RewardGrant]:
    """Return the rewards a customer was given, the latest first."""
    return RewardGrant.objects.whole().filter(customer=customer)


def _offer(reward: Reward, taker: Taker, taste: Taste, codes: dict[int, int], at: datetime) -> RewardOffer:
    left = reward.left
    if reward.kind == Reward.Kind.PARTNER_CODE:
        there = codes.get(reward.pk, 0)
        left = there if left is None else min(left, there)
    missing = missing_points(reward, taker)
    obstacle = term_broken(reward, taker, at=at)
    if obstacle is None and left == 0:
        obstacle = Obstacle.OUT_OF_STOCK
    if obstacle is None and missing:
        obstacle = Obstacle.POINTS
    return RewardOffer(reward, obstacle, missing, left, fit_of(reward, taste))


def _codes_left(rewards: list[Reward], at: datetime) -> dict[int, int]:
    wanted = [reward.pk for reward in rewards if reward.kind == Reward.Kind.PARTNER_CODE]
    if not wanted:
        return {}
    free = PartnerCode.objects.filter(reward__in=wanted).free(at).order_by()
    return dict(free.values_list("reward").annotate(codes=Count("pk")))
