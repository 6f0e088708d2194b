"""What a campaign's offer may cost: expected and at most, told before anybody gets it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Avg
from django.utils.crypto import get_random_string

from coupons.figures import BudgetBar, budget_bars
from coupons.models import PersonalOffer, Promotion
from coupons.services.personal_offers import is_personal
from customers.models import Order

# How far back orders and redemptions tell what to expect.
LOOK_BACK = timedelta(days=365)
# Of ten codes that are sent one is spent, as long as nothing is known of one's own.
ASSUMED_SHARE = Decimal("0.1")
ENOUGH_SENT = 100

SHARE = """
SELECT count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM coupons_publication AS publication
           JOIN coupons_redemption AS redemption ON redemption.coupon_id = publication.coupon_id
           WHERE publication.id = message.publication_id AND redemption.status = 'REDEEMED'))
FROM campaigns_message AS message
WHERE message.state = 'SENT' AND message.publication_id IS NOT NULL AND message.sent_at > %(since)s
"""


@dataclass(frozen=True)
class OfferForecast:
    """What handing out `coupons` codes may cost, in minor units of the programme's currency.

    `share` of them is expected to be redeemed; `assumed` when that is no experience of one's own.
    `most_amount` is None where nothing bounds it.
    """

    promotion: Promotion
    coupons: int
    share: Decimal
    assumed: bool
    expected_amount: int
    most_amount: int | None
    budgets: list[BudgetBar]


def forecast_offer(promotion: Promotion, *, coupons: int, at: datetime) -> OfferForecast:
    """Return what a promotion may cost when so many people get a code of their own."""
    share, assumed = redeemed_share(at=at)
    each, most_each = worth_of_one(promotion, at=at)
    budgets = budget_bars([promotion], at=at).get(promotion.pk, [])
    uses = promotion.coupon_max_uses
    ceilings = [] if most_each is None or uses is None else [most_each * uses * coupons]
    ceilings += [max(0, bar.cap - bar.used) for bar in budgets if bar.budget_id in _money_budgets(promotion)]
    most = min(ceilings, default=None)
    expected = int(each * coupons * share)
    return OfferForecast(
        promotion=promotion,
        coupons=coupons,
        share=share,
        assumed=assumed,
        expected_amount=expected if most is None else min(expected, most),
        most_amount=most,
        budgets=budgets,
    )


def worth_of_one(promotion: Promotion, *, at: datetime) -> tuple[Decimal, int | None]:
    """Return what one redemption takes off on average, and at most (None: without bound)."""
    effect = promotion.effect
    if is_personal(promotion):
        offers = PersonalOffer.objects.standing(at).filter(promotion=promotion)
        means = offers.aggregate(percent=Avg("percent"), amount=Avg("amount"))
        percent, amount = (Decimal(str(means[name] or 0)) for name in ("percent", "amount"))
    else:
        percent = Decimal(str(effect.get("percent", 0))) if effect.get("kind") == "PERCENT" else Decimal(0)
        amount = Decimal(effect.get("amount", 0)) if effect.get("kind") == "AMOUNT" else Decimal(0)
    cap = effect.get("amount_limit")
    if percent:
        average = _average_order(at) * percent / 100
        return (min(average, Decimal(cap)), int(cap)) if cap else (average, None)
    return Decimal(amount), int(amount) if amount and not is_personal(promotion) else cap


def redeemed_share(*, at: datetime) -> tuple[Decimal, bool]:
    """Return the share of sent codes that were redeemed in the last year, and whether it is only assumed."""
    with connection.cursor() as cursor:
        cursor.execute(SHARE, {"since": at - LOOK_BACK})
        sent, redeemed = cursor.fetchone()
    if sent < ENOUGH_SENT:
        return ASSUMED_SHARE, True
    return Decimal(redeemed) / sent, False


def free_promotion_code(campaign_code: str) -> str:
    """Return a code for a promotion made for a campaign; no other promotion has it."""
    stem = f"offer-{campaign_code}"[:56]
    code = stem
    while Promotion.objects.filter(code=code).exists():
        code = f"{stem}-{get_random_string(6, 'abcdefghjkmnpqrstuvwxyz23456789')}"
    return code


def _money_budgets(promotion: Promotion) -> set[int]:
    """Return the budgets that bound all discounts together; one per day or month bounds nothing in all."""
    return set(
        promotion.budgets.filter(metric="DISCOUNT_AMOUNT", period="TOTAL").values_list("pk", flat=True)
    )


def _average_order(at: datetime) -> Decimal:
    recent = Order.objects.filter(
        status=Order.Status.PAID, ordered_at__gt=at - LOOK_BACK, currency=settings.PROGRAMME_CURRENCY
    )
    return Decimal(str(recent.aggregate(mean=Avg("net_amount"))["mean"] or 0))
