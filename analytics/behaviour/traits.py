"""The traits that the behaviour model writes about a person."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from analytics.behaviour.kinds import HORIZONS
from customers.traits import KnownTrait, TraitKind

WEEKDAYS = {
    "MON": _("Monday"),
    "TUE": _("Tuesday"),
    "WED": _("Wednesday"),
    "THU": _("Thursday"),
    "FRI": _("Friday"),
    "SAT": _("Saturday"),
    "SUN": _("Sunday"),
}
CHANNEL_PROFILES = {
    "SINGLE": _("One channel"),
    "MULTI": _("Several channels"),
    "SWITCHING": _("Changing over"),
}
PROBABILITIES = {days: f"buy_probability_{days}" for days in HORIZONS}
NEXT_ORDER_WINDOW, INTERESTS = "next_order_window", "interests"
PREDICTED = [
    *[
        KnownTrait(
            code,
            format_lazy("{} {}", _("Probability to buy, days:"), days),
            TraitKind.PROBABILITY,
            _("From the own days of purchase, the recent ones counting more."),
        )
        for days, code in PROBABILITIES.items()
    ],
    KnownTrait(
        NEXT_ORDER_WINDOW,
        _("Next order"),
        TraitKind.WINDOW,
        _("Half of the probability lies between these days."),
    ),
]
HABITS = [
    KnownTrait("favourite_categories", _("Favourite categories"), TraitKind.LIST),
    KnownTrait("favourite_brand", _("Favourite brand"), TraitKind.TEXT),
    KnownTrait("favourite_product_line", _("Favourite product line"), TraitKind.TEXT),
    KnownTrait("usual_store", _("Usual store"), TraitKind.TEXT, _("The code of the store.")),
    KnownTrait(
        "usual_channel",
        _("Usual sales channel"),
        TraitKind.TEXT,
        _("The code of the sales channel."),
    ),
    KnownTrait("usual_weekday", _("Usual day of the week"), TraitKind.TEXT, words=WEEKDAYS),
    KnownTrait(
        "usual_hour", _("Usual hour"), TraitKind.NUMBER, _("9 is from 9:00 to 10:00, local time."), digits=0
    ),
    KnownTrait(
        "channel_profile",
        _("Use of the sales channels"),
        TraitKind.TEXT,
        words=CHANNEL_PROFILES,
    ),
    KnownTrait("channel_shares", _("Shares of the sales channels"), TraitKind.TEXT),
    KnownTrait(
        "discounted_share",
        _("Bought reduced"),
        TraitKind.PROBABILITY,
        _("The share of the own purchases that was reduced or paid with a coupon."),
    ),
    KnownTrait(
        "coupon_response",
        _("Coupons used"),
        TraitKind.PROBABILITY,
        _("Of the coupons received, with some average ones beside them."),
    ),
    KnownTrait(
        "discount_sensitivity",
        _("Sensitivity to discounts"),
        TraitKind.NUMBER,
        _("0.5 is the average customer; above, discounts move them more than others."),
        digits=2,
    ),
]
LOOKED_AT = [
    KnownTrait(
        INTERESTS,
        _("Interests"),
        TraitKind.LIST,
        _("What they looked at, put together or tried in the last 90 days."),
    )
]
TRAITS = [*PREDICTED, *HABITS, *LOOKED_AT]
PREDICTED_CODES = [trait.code for trait in PREDICTED]
HABIT_CODES = [trait.code for trait in HABITS]
