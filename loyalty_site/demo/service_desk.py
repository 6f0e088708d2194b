"""A year at the service desk: complaints, apologies that were used, goods that came back, gift cards."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coupons.engine import Cart, Line
from coupons.models import Apology, Coupon, GiftCard, Redemption, RedemptionStack
from coupons.services import issue_apology, redeem_stack, return_lines, roll_back_redemption
from coupons.services.apology_report import refresh_apology_report
from coupons.services.buyers import buyer_of
from coupons.services.gift_cards import disable_gift_card, issue_gift_card
from coupons.services.spendings import Purchase, Redeemable, Spending
from customers.models import Customer, Order
from customers.services.events import new_event, record_events
from loyalty_site.demo.journey.loading import SOURCE
from operations.models import User

COMPLAINTS_PER_1000 = (3.4, 1.6)  # A year ago, and now: the report shall have a slope.
MONTHS = 13
ONE_APOLOGY_IN = 4
REASONS = ("Late delivery", "Damaged on arrival", "Wrong article in the bag", "Charged twice at the till")
AMOUNTS = (500, 1_000, 1_500)
ABOVE_ALLOWANCE = 6_000
CARDS = (5_000, 2_500, 10_000, 3_000, 5_000, 2_000)


def write_service_desk(*, at: datetime) -> int:
    """Write what customers complained of in thirteen months and what was done; return the apologies.

    Does nothing the second time, and nothing without the demo's agent, in whose name it is done.
    """
    agent = User.objects.filter(username="agent").first()
    supervisors = User.objects.filter(username="supervisor")
    if agent is None or not supervisors.exists() or Apology.objects.exists():
        return Apology.objects.count()
    with transaction.atomic():
        complaints = _complain(at)
        apologies = _apologise(complaints[::ONE_APOLOGY_IN], agent, at)
        _redeem(apologies, at)
        _ask_supervisor(complaints[-1], agent, at)
        _sell_gift_cards(complaints, supervisors.get(), at)
    refresh_apology_report(at=at)
    return Apology.objects.count()


def _complain(at: datetime) -> list[Order]:
    """Let some customers complain the day after their order; return these orders, oldest first."""
    orders = [order for place, month in enumerate(_months(at)) for order in _chosen(month, place, at)]
    record_events(
        [
            new_event(
                "complaint.made",
                external_id=f"demo-complaint:{order.pk}",
                customer=order.customer,
                occurred_at=order.ordered_at + timedelta(hours=20),
                payload={"reason": REASONS[order.pk % len(REASONS)], "order_id": order.external_id},
            )
            for order in orders
        ],
        announce=False,
    )
    return orders


def _months(at: datetime) -> list[date]:
    first = timezone.localdate(at).replace(day=1)
    found = [first]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def _chosen(month: date, place: int, at: datetime) -> Sequence[Order]:
    """Return some orders of this month, evenly spread."""
    since = timezone.make_aware(datetime(month.year, month.month, 1))
    following = (month + timedelta(days=31)).replace(day=1)
    until = min(timezone.make_aware(datetime(following.year, following.month, 1)), at - timedelta(days=2))
    of_month = Order.objects.filter(customer__status=Customer.Status.ACTIVE, total_amount__gt=0)
    keys = list(
        of_month.filter(ordered_at__gte=since, ordered_at__lt=until)
        .order_by("ordered_at", "pk")
        .values_list("pk", flat=True)
    )
    before, now = COMPLAINTS_PER_1000
    rate = before + (now - before) * place / (MONTHS - 1)
    wanted = max(1, round(len(keys) * rate / 1000))
    chosen = keys[:: max(1, len(keys) // wanted)][:wanted]
    rows = Order.objects.filter(pk__in=chosen).select_related("customer").prefetch_related("lines__product")
    return rows.order_by("ordered_at", "pk")


def _apologise(orders: Sequence[Order], agent: User, at: datetime) -> list[Apology]:
    """Say sorry two days after each order; every fourth time with a gift card."""
    return [
        issue_apology(
            order.customer,
            agent=agent,
            amount=AMOUNTS[place % len(AMOUNTS)],
            reason=REASONS[order.pk % len(REASONS)],
            order=order,
            kind=Apology.Kind.GIFT_CARD if place % 4 == 3 else Apology.Kind.COUPON,
            automatic=order.ordered_at > at - timedelta(days=14) and place % 4 != 3,
            channel=None,
            at=min(order.ordered_at + timedelta(days=2), at),
        )
        for place, order in enumerate(orders)
    ]


def _redeem(apologies: Sequence[Apology], at: datetime) -> None:
    """Spend every second coupon ten days later; some goods come back, one cart was a mistake."""
    coupons = [each for each in apologies if each.coupon and each.issued_at < at - timedelta(days=12)]
    carts = [each for each in coupons[::2] if each.order.total_amount > each.worth_amount]
    for place, apology in enumerate(carts):
        bought_at = apology.issued_at + timedelta(days=10)
        stack = _buy(apology.order, _of_coupon(apology.coupon), f"sorry-{apology.pk}", bought_at)
        later = bought_at + timedelta(days=1)
        if place == 1:
            roll_back_redemption(stack, reason=REASONS[3], at=later)
        elif place % 4 == 0:
            lines = {apology.order.lines.all()[0].line_id: Decimal(1)}
            return_lines(stack, source_id=f"sorry-{apology.pk}-back", lines=lines, at=later)


def _of_coupon(coupon: Coupon) -> Redeemable:
    return Redeemable(Redemption.Kind.COUPON, coupon.code)


def _buy(order: Order, redeemable: Redeemable, number: str, at: datetime) -> RedemptionStack:
    """Buy once more what was in this order, each line as one piece, with something to spend."""
    lines = tuple(
        Line(line_id=line.line_id, sku=line.product.sku, unit_price=line.amount) for line in order.lines.all()
    )
    cart = Cart(lines=lines, currency=order.currency)
    purchase = Purchase(cart, source=SOURCE, source_id=number)
    return redeem_stack(Spending(purchase, buyer_of(order.customer), (redeemable,)), at=at)


def _ask_supervisor(order: Order, agent: User, at: datetime) -> None:
    """Leave one decision to the newcomer: more than the agent may give."""
    issue_apology(
        order.customer,
        agent=agent,
        amount=ABOVE_ALLOWANCE,
        reason=REASONS[1],
        order=order,
        channel=None,
        at=at,
    )


def _sell_gift_cards(orders: Sequence[Order], seller: User, at: datetime) -> None:
    """Sell cards and pay with half of them; of the others one is switched off, one not yet active."""
    every = max(1, len(orders) // len(CARDS))
    for place, (amount, order) in enumerate(zip(CARDS, orders[::every], strict=False)):
        sold_at = order.ordered_at + timedelta(hours=1)
        issued = issue_gift_card(
            amount=amount,
            currency=settings.PROGRAMME_CURRENCY,
            holder=order.customer if place % 2 else None,
            active=place != len(CARDS) - 1,
            reason=GiftCard.Reason.SOLD,
            source_key=f"demo-card:{place}",
            issued_by=seller,
            at=sold_at,
        )
        if place < 3:
            paid = Redeemable(Redemption.Kind.GIFT_CARD, issued.code)
            _buy(order, paid, f"card-{place}", sold_at + timedelta(days=1))
        elif place == len(CARDS) - 2:
            disable_gift_card(issued.card, reason="Lost by its holder", at=at, by=seller)
