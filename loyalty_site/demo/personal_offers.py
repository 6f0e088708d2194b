"""Personal offers in the demo: a set that waits for somebody's decision, with its cost."""

from datetime import datetime
from decimal import Decimal

from analytics.models import OfferSet
from analytics.services.offer_sets import propose_offers
from loyalty_site.demo.showcase import ensure_promotion
from operations.models import User
from operations.services.runs import carry_out

PROMOTION = "just-for-you"


def write_personal_offers(*, at: datetime) -> OfferSet:
    """The discount that pays best for everybody who bought: proposed, not confirmed."""
    offers = OfferSet.objects.filter(promotion__code=PROMOTION).first()
    if offers:
        return offers
    promotion = ensure_promotion(
        PROMOTION,
        name="Just for you",
        effect={"kind": "PERCENT", "personal": True, "target": "ORDER", "amount_limit": 2_000},
        conditions={"holder_only": True},
        limits=[{"subject": "CUSTOMER", "uses": 1, "period": "MONTH"}],
        coupon={"pattern": "PERTE-##########", "max_uses": 1, "valid_days": 30},
        at=at,
    )
    offers = propose_offers(
        "Everybody, 5 to 20 %",
        promotion=promotion,
        as_of=at.date(),
        by=User.objects.filter(username="marketer").first(),
        lowest=Decimal(5),
        highest=Decimal(20),
        step=Decimal(5),
        margin_percent=Decimal(30),
        margin_floor_percent=Decimal(5),
    )
    carry_out(offers.job)
    offers.refresh_from_db()
    return offers
