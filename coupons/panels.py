"""What coupons show on a customer's page and in GET /customers/{id}."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from coupons.models import Apology, Coupon, GiftCard, Lot
from coupons.wording import coupon_headline
from customers.models import Customer
from customers.panels import Action, Figure, Panel
from operations.formats import money, number

SHOWN = 50


def coupon_details(customer: Customer) -> dict[str, Any]:
    """Return the codes that the customer can use now, the newest first."""
    at = timezone.now()
    usable = Coupon.objects.usable(at).running(at).filter(holder=customer).select_related("promotion")
    return {
        "coupons": [
            {
                "code": coupon.code,
                "promotion": coupon.promotion.code,
                "reason": coupon.reason,
                "uses": coupon.uses,
                "max_uses": coupon.max_uses,
                "valid_until": coupon.valid_until,
            }
            for coupon in usable.order_by("-id")[:SHOWN]
        ]
    }


def coupon_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the customer's coupons as a tab, those usable as a figure, and the apology as an action."""
    if not request.user.has_perm("coupons.view_coupon"):
        return None
    at = timezone.now()
    coupons = customer.coupons.select_related("promotion").order_by("-id")
    usable = customer.coupons.usable(at).running(at).count()
    spent = customer.redemptions.standing().select_related("promotion", "coupon").order_by("-redeemed_at")
    return Panel(
        code="coupons",
        title=_("Coupons"),
        template="coupons/customer_coupons.html",
        context={
            "rows": [_row(coupon, at) for coupon in coupons[:SHOWN]],
            "redemptions": spent[:SHOWN],
            "apologies": Apology.objects.filter(customer=customer).select_related("agent")[:SHOWN],
            "saved": money(sum(one.discount_amount for one in spent[:SHOWN])) if spent else "",
        },
        figures=[Figure(_("Coupons"), number(usable), _("can be used now"))],
        actions=_actions(customer, request),
        count=coupons.count(),
    )


def gift_card_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the customer's gift cards as a tab, what is on them as a figure, and a new one as an action."""
    if not request.user.has_perm("coupons.view_giftcard"):
        return None
    at = timezone.now()
    cards = GiftCard.objects.whole().filter(account__customer=customer)
    count = cards.count()
    actions = []
    if request.user.has_perm("coupons.issue_giftcard") and _is_live(customer):
        url = reverse("admin:coupons_giftcard_issue_to", args=[customer.pk])
        actions.append(Action(_("Give a gift card"), url, icon="card_giftcard"))
    shown = cards.with_money(at).order_by("-pk")[:SHOWN]
    return Panel(
        code="gift-cards",
        title=_("Gift cards"),
        template="coupons/customer_gift_cards.html",
        context={"rows": [_card_row(card, at) for card in shown]},
        figures=_money_on_cards(cards, at) if count else [],
        actions=actions,
        count=count,
    )


def _money_on_cards(cards: QuerySet[GiftCard], at: datetime) -> list[Figure]:
    """Return what can be spent on all the cards, a figure for each currency."""
    good = cards.filter(Q(expires_at=None) | Q(expires_at__gt=at), status=GiftCard.Status.ACTIVE)
    lots = Lot.objects.filter(account__gift_card__in=good).spendable(at).order_by()
    sums = lots.values_list("account__currency").annotate(units=Sum("remaining"))
    return [
        Figure(_("Gift cards"), money(units, currency), _("can be spent now")) for currency, units in sums
    ]


def _card_row(card: GiftCard, at: datetime) -> dict[str, Any]:
    status = card.status_at(at)
    return {
        "card": card,
        "status": status,
        "status_text": GiftCard.Status(status).label,
        "available": card.available_at(at),
    }


def _actions(customer: Customer, request: HttpRequest) -> list[Action]:
    if not _is_live(customer) or not request.user.has_perm("coupons.issue_apology"):
        return []
    url = reverse("admin:coupons_apology_issue", args=[customer.pk])
    return [Action(_("Issue an apology"), url, icon="sentiment_satisfied", primary=True)]


def _is_live(customer: Customer) -> bool:
    return customer.status in (Customer.Status.ACTIVE, Customer.Status.PROSPECT)


def _row(coupon: Coupon, at: Any) -> dict[str, Any]:
    status = coupon.status_at(at)
    return {
        "coupon": coupon,
        "status": status,
        "status_text": Coupon.Status(status).label,
        "gives": coupon_headline(coupon),
    }
