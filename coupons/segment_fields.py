"""The fields that coupons gives to segment rules: what people hold, were given and have spent, and points."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from coupons.liabilities import TAKEN_BACK_OR_MOVED
from coupons.models import (
    Account,
    Apology,
    Coupon,
    GiftCard,
    LedgerEntry,
    Lot,
    Promotion,
    Publication,
    Redemption,
)
from customers.segments.fields import Column, Field, Found, Happenings, Kind, Rows, by_code
from customers.segments.moments import Moment

COUPONS = _("Coupons")
POINTS = _("Points")
GIFT_CARDS = _("Gift cards")


def _promotions() -> dict[str, str]:
    return dict(Promotion.objects.order_by("name").values_list("code", "name"))


def _usable(moment: Moment) -> QuerySet:
    """Return the coupons that their holders could use at that moment."""
    at = moment.last_instant
    return Coupon.objects.usable(at).running(at)


def _loaded_cards(moment: Moment) -> QuerySet:
    """Return the cards that their holders can pay with at that moment."""
    good = GiftCard.objects.filter(status=GiftCard.Status.ACTIVE, account__balance__gt=0)
    return good.filter(Q(expires_at=None) | Q(expires_at__gte=moment.until))


def _open_lots(moment: Moment) -> QuerySet:
    return Lot.objects.filter(
        remaining__gt=0, expires_at__gte=moment.until, account__kind=Account.Kind.POINTS
    )


def _entries(kind: str) -> Any:
    return lambda: LedgerEntry.objects.filter(kind=kind, account__kind=Account.Kind.POINTS)


def _spendings() -> Any:
    """Points taken back with a return and points handed on are no spending."""
    return _entries(LedgerEntry.Kind.DEBIT)().exclude(source_key__regex=TAKEN_BACK_OR_MOVED)


_PROMOTION = Field("promotion", _("Promotion"), Kind.CHOICE, Column("promotion__code"), choices=_promotions)
_POINTS = by_code(
    [
        Field("points", _("Points"), Kind.INTEGER, Column("delta")),
        Field("reason", _("Reason"), Kind.TEXT, Column("reason", blank=True)),
    ]
)

FIELDS = [
    Field(
        "coupon.held",
        _("Holds a usable coupon of"),
        Kind.CHOICE,
        Rows(_usable, Column("promotion__code"), owner="holder", several=True),
        choices=_promotions,
        group=COUPONS,
    ),
    Field("coupon.any", _("Holds any usable coupon"), Kind.BOOLEAN, Found(_usable, "holder"), group=COUPONS),
    Field(
        "coupon.days_to_expiry",
        _("Days until a coupon expires"),
        Kind.INTEGER,
        Rows(_usable, Column("valid_until", nullable="valid_until", days_until=True), owner="holder"),
        unit="days",
        minimum=0,
        group=COUPONS,
    ),
    Field(
        "event.coupon.published",
        _("Coupon received"),
        Kind.EVENT,
        Happenings(lambda: Publication.objects.all(), "published_at"),
        where=by_code([_PROMOTION, Field("channel", _("Channel"), Kind.TEXT, Column("channel", blank=True))]),
        group=COUPONS,
    ),
    Field(
        "event.coupon.redeemed",
        _("Coupon or promotion redeemed"),
        Kind.EVENT,
        Happenings(lambda: Redemption.objects.standing(), "redeemed_at"),
        where=by_code(
            [
                _PROMOTION,
                Field(
                    "kind",
                    _("Kind"),
                    Kind.CHOICE,
                    Column("kind"),
                    choices=lambda: dict(Redemption.Kind.choices),
                ),
                Field("discount_amount", _("Discount"), Kind.MONEY, Column("discount_amount")),
            ]
        ),
        group=COUPONS,
    ),
    Field(
        "event.apology.issued",
        _("Apology received"),
        Kind.EVENT,
        Happenings(lambda: Apology.objects.filter(status=Apology.Status.ISSUED), "issued_at"),
        where=by_code([Field("worth_amount", _("Worth"), Kind.MONEY, Column("worth_amount"))]),
        group=COUPONS,
    ),
    Field(
        "points.days_to_expiry",
        _("Days until points expire"),
        Kind.INTEGER,
        Rows(_open_lots, Column("expires_at", days_until=True), owner="account__customer"),
        unit="days",
        minimum=0,
        group=POINTS,
    ),
    Field(
        "event.points.earned",
        _("Points earned"),
        Kind.EVENT,
        Happenings(_entries(LedgerEntry.Kind.CREDIT), "occurred_at", customer="account__customer"),
        where=_POINTS,
        group=POINTS,
    ),
    Field(
        "event.points.spent",
        _("Points spent"),
        Kind.EVENT,
        Happenings(_spendings, "occurred_at", customer="account__customer"),
        where=_POINTS,
        group=POINTS,
    ),
    Field(
        "gift_card.any",
        _("Holds a gift card with money on it"),
        Kind.BOOLEAN,
        Found(_loaded_cards, "account__customer"),
        group=GIFT_CARDS,
    ),
    Field(
        "gift_card.balance",
        _("Money on one of their gift cards"),
        Kind.MONEY,
        Rows(_loaded_cards, Column("account__balance"), owner="account__customer", several=True),
        group=GIFT_CARDS,
    ),
    Field(
        "gift_card.days_to_expiry",
        _("Days until a gift card expires"),
        Kind.INTEGER,
        Rows(
            _loaded_cards,
            Column("expires_at", nullable="expires_at", days_until=True),
            owner="account__customer",
        ),
        unit="days",
        minimum=0,
        group=GIFT_CARDS,
    ),
    Field(
        "event.gift_card.issued",
        _("Gift card received"),
        Kind.EVENT,
        Happenings(lambda: GiftCard.objects.all(), "issued_at", customer="account__customer"),
        where=by_code(
            [
                Field("amount", _("Amount"), Kind.MONEY, Column("amount")),
                Field(
                    "reason",
                    _("Why"),
                    Kind.CHOICE,
                    Column("reason"),
                    choices=lambda: dict(GiftCard.Reason.choices),
                ),
            ]
        ),
        group=GIFT_CARDS,
    ),
]
