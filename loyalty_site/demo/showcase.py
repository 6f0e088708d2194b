"""What a newcomer finds ready to be used: rules, promotions, a campaign in draft, referrals."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from analytics.models import RfmModel
from campaigns.content.starters import starter
from campaigns.models import Campaign
from campaigns.services import create_campaign
from coupons.models import AgentAllowance, Promotion
from coupons.services import create_promotion
from customers.models import Rollup, RollupScope, Segment
from loyalty.models import EarningRule
from loyalty.services import create_earning_rule
from loyalty_site.roles import Role
from operations.models import User
from referrals.models import ReferralProgramme
from referrals.services import create_programme, invite_friend
from referrals.services.programmes import Reward, Terms

EARNING_RULE = "one-point-per-euro"
WIN_BACK = "win-back"
BRING_A_FRIEND = "bring-a-friend"
AMBASSADORS = 12
DAILY_ALLOWANCES = {Role.AGENT: 5_000, Role.SUPERVISOR: 20_000}


def write_earning_rule() -> EarningRule:
    """One point for every full euro, good for two years."""
    rule = EarningRule.objects.filter(code=EARNING_RULE).first()
    return rule or create_earning_rule(
        code=EARNING_RULE, name="One point per euro", points=1, per_amount=100, valid_months=24
    )


@transaction.atomic
def write_win_back(model: RfmModel, *, at: datetime) -> Campaign:
    """Ten percent for the customers at risk: an active promotion, and a campaign that waits to be started."""
    campaign = Campaign.objects.filter(code=WIN_BACK).first()
    if campaign:
        return campaign
    promotion = ensure_promotion(
        "win-back-10",
        name="Win back: 10 %",
        effect={"kind": "PERCENT", "percent": "10", "target": "ORDER", "amount_limit": 1_500},
        conditions={"holder_only": True, "minimum_spend": {"amount": 2_000}},
        limits=[{"subject": "CUSTOMER", "uses": 1, "period": "TOTAL"}],
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 150_000, "period": "TOTAL", "on_insufficient": "REJECT"},
        coupon={"pattern": "TORNA-##########", "max_uses": 1, "valid_days": 30},
        at=at,
    )
    subject, body = starter("it", offer=True)
    return create_campaign(
        WIN_BACK,
        name="Win back",
        segment=Segment.objects.get(code=model.segment_code("at-risk")),
        subject=subject,
        body=body,
        promotion=promotion,
        holdout_percent=10,
        owner=User.objects.filter(username="marketer").first(),
        at=at,
    )


@transaction.atomic
def write_referral_programme(*, at: datetime) -> ReferralProgramme:
    """Five euros for who brings a friend and for the friend; the best customers have their code already."""
    programme = ReferralProgramme.objects.filter(code=BRING_A_FRIEND).first()
    if programme:
        return programme
    rewards = {
        side: ensure_promotion(
            code,
            name=name,
            effect={"kind": "AMOUNT", "amount": 500, "target": "ORDER"},
            conditions={"holder_only": True, "minimum_spend": {"amount": 2_500}},
            coupon={"pattern": pattern, "max_uses": 1, "valid_days": 60},
            at=at,
        )
        for side, code, name, pattern in (
            ("referrer", "friend-brought", "5 € thank-you coupon", "GRAZIE-##########"),
            ("referee", "friend-welcome", "5 € welcome coupon", "BENVENUTO-##########"),
        )
    }
    programme = create_programme(
        code=BRING_A_FRIEND,
        name="Bring a friend",
        referrer_reward=Reward(promotion=rewards["referrer"]),
        referee_reward=Reward(promotion=rewards["referee"]),
        terms=Terms(minimum_amount=2_000, maximum_per_referrer=10),
    )
    best = Rollup.objects.filter(scope=RollupScope.ALL, scope_value="").order_by("-net_amount")
    for lifetime in best.select_related("customer")[:AMBASSADORS]:
        invite_friend(lifetime.customer, programme, channel="email", at=at)
    return programme


def write_allowances() -> None:
    """What agents and supervisors may give in apologies on one day."""
    for role, amount in DAILY_ALLOWANCES.items():
        group = Group.objects.filter(name=role.value).first()
        if group:
            AgentAllowance.objects.get_or_create(group=group, defaults={"daily_amount": amount})


def ensure_promotion(code: str, *, at: datetime, **definition: Any) -> Promotion:
    """Return the active promotion with this code, made as defined where there is none; it ends in a year."""
    promotion = Promotion.objects.filter(code=code).first()
    return promotion or create_promotion(
        code=code, activate=True, starts_at=at, ends_at=at + timedelta(days=365), at=at, **definition
    )
