"""Tiers of the demo with a year of history, and a paid membership that some people have."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from customers.models import Customer
from loyalty.models import MembershipPlan, Tier, TierPeriod
from loyalty.services.memberships import Payment, cancel_membership, end_memberships, start_membership
from loyalty.services.plans import create_plan
from loyalty.services.tier_ladder import adopt_ladder, create_tier
from loyalty.services.tier_reviews import review_tiers
from loyalty.tiers import add_months

MONTHS = 12
LADDER = {"metric": "POINTS", "window": "ROLLING", "months": 12, "grace_days": 30, "soft_landing": True}
PRIME, MEMBERS = "prime", 30
DAYS_APART = 12


def write_tiers(*, at: datetime) -> int:
    """Set the ladder up and let a year of months pass over it; return how many stand on it."""
    if not Tier.objects.exists():
        begun = at - timedelta(days=400)
        for tier in _tiers():
            create_tier(**(tier | _words(tier)), at=begun)
        adopt_ladder(rules=LADDER, thresholds={}, at=begun)
        for month in _months(at):
            review_tiers(at=month, announce=False)
        review_tiers(at=at, announce=False)
    return TierPeriod.objects.open().count()


def write_memberships(*, at: datetime) -> int:
    """Sell a membership to some of those who stand on the ladder, one every few days; return how many."""
    if MembershipPlan.objects.filter(code=PRIME).exists():
        return 0
    begun = at - timedelta(days=(MEMBERS + 1) * DAYS_APART)
    plan = create_plan(
        code=PRIME,
        name="Prime",
        price_amount=2900,
        multiplier=Decimal("1.25"),
        early_access_hours=48,
        perks=[_("A gift on your birthday")],
        at=begun,
    )
    standing = TierPeriod.objects.open().values("customer")
    people = Customer.objects.live().filter(pk__in=standing).order_by("pk")[: MEMBERS * 3 : 3]
    for number, customer in enumerate(people):
        since = begun + timedelta(days=number * DAYS_APART)
        payment = Payment(f"demo-prime-{number}", plan.price_amount, since)
        membership = start_membership(customer, plan, payment=payment, at=since)
        if number % 9 == 4 and since + timedelta(days=20) < at:
            cancel_membership(membership, at_once=True, reason=_("Moved away"), at=since + timedelta(days=20))
        elif number % 9 == 7:
            cancel_membership(membership, at=since + timedelta(days=5))
    end_memberships(at=at)
    return len(people)


def _tiers() -> list[dict[str, Any]]:
    return [
        {
            "code": "silver",
            "name": gettext_noop("Silver"),
            "threshold": 1000,
            "colour": Tier.Colour.SILVER,
            "multiplier": Decimal("1.1"),
            "perks": [gettext_noop("A gift on your birthday")],
        },
        {
            "code": "gold",
            "name": gettext_noop("Gold"),
            "threshold": 2500,
            "colour": Tier.Colour.GOLD,
            "multiplier": Decimal("1.25"),
            "early_access_hours": 24,
            "perks": [gettext_noop("A gift on your birthday"), gettext_noop("A counter of your own")],
        },
        {
            "code": "platinum",
            "name": gettext_noop("Platinum"),
            "threshold": 5000,
            "colour": Tier.Colour.PLATINUM,
            "multiplier": Decimal("1.5"),
            "free_shipping": True,
            "early_access_hours": 48,
            "perks": [
                gettext_noop("A gift on your birthday"),
                gettext_noop("A counter of your own"),
                gettext_noop("Tastings by invitation"),
            ],
        },
    ]


def _words(tier: dict[str, Any]) -> dict[str, Any]:
    """Return a tier's name and perks, and the same in every language."""

    def said() -> dict[str, Any]:
        return {"name": _(tier["name"]), "perks": [_(perk) for perk in tier["perks"]]}

    translations = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            translations[language] = said()
    return said() | {"translations": translations}


def _months(at: datetime) -> list[datetime]:
    first = timezone.localdate(at).replace(day=1)
    days = [add_months(first, -back) for back in range(MONTHS - 1, -1, -1)]
    begins = [timezone.make_aware(datetime.combine(day, datetime.min.time())) for day in days]
    return [begin for begin in begins if begin < at]
