"""What a customer is likely to do next, in words, on their page."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.behaviour.kinds import HORIZONS
from analytics.behaviour.traits import CHANNEL_PROFILES, NEXT_ORDER_WINDOW, PROBABILITIES, TRAITS, WEEKDAYS
from coupons.models import PersonalOffer
from customers.models import Customer, SalesChannel, Store
from customers.panels import Figure, Panel
from operations import formats

CODES = [trait.code for trait in TRAITS]
LONGEST = max(HORIZONS)


def behaviour_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the chance of the next order for the strip, and a tab that says it in sentences."""
    if not request.user.has_perm("customers.view_trait"):
        return None
    known = dict(customer.traits.filter(code__in=CODES).values_list("code", "value"))
    offers = list(
        PersonalOffer.objects.standing(timezone.now()).filter(customer=customer).select_related("promotion")
    )
    if not known and not offers:
        return None
    chance = known.get(PROBABILITIES[LONGEST])
    figures = []
    if chance is not None:
        figures.append(
            Figure(
                _("Buys within %(days)d days") % {"days": LONGEST},
                formats.percent(chance, 0),
                _("next order: %(window)s") % {"window": _window(known)},
            )
        )
    return Panel(
        code="behaviour",
        title=_("What comes next"),
        template="analytics/customer_behaviour.html",
        context={
            "sentences": behaviour_in_words(known),
            "chances": [(days, known.get(code)) for days, code in PROBABILITIES.items()],
            "window": _window(known),
            "offers": offers,
        },
        figures=figures,
    )


def behaviour_in_words(known: dict[str, Any]) -> list[str]:
    """Return what the traits say of a person, a sentence each; nothing for what nobody knows."""
    found = [_likelihood(known), _liking(known), _place(known), _moment(known), _channels(known)]
    found += [_discounts(known), _interests(known)]
    return [sentence for sentence in found if sentence]


def _window(known: dict[str, Any]) -> str:
    window = known.get(NEXT_ORDER_WINDOW)
    if not window:
        return _("nobody can say yet")
    start, end = (formats.day(date.fromisoformat(window[name])) for name in ("from", "until"))
    return _("%(from)s to %(until)s") % {"from": start, "until": end}


def _likelihood(known: dict[str, Any]) -> str:
    chance = known.get(PROBABILITIES[LONGEST])
    if chance is None:
        return ""
    if chance >= 0.8:
        return _("Buys again soon, almost certainly: no discount is needed for that.")
    if chance >= 0.4:
        return _("May well buy again soon; a good reason can decide it.")
    if chance >= 0.1:
        return _("Is rather unlikely to buy soon without a reason.")
    return _("Will hardly buy soon.")


def _liking(known: dict[str, Any]) -> str:
    categories, brand = known.get("favourite_categories"), known.get("favourite_brand")
    if not categories:
        return ""
    words = _("Likes %(categories)s most") % {"categories": ", ".join(categories)}
    return (
        _("%(words)s, of the brand %(brand)s.") % {"words": words, "brand": brand} if brand else f"{words}."
    )


def _place(known: dict[str, Any]) -> str:
    code = known.get("usual_store")
    store = Store.objects.filter(code=code).first() if code else None
    return _("Usually buys at %(store)s.") % {"store": store} if store else ""


def _moment(known: dict[str, Any]) -> str:
    day, hour = WEEKDAYS.get(known.get("usual_weekday")), known.get("usual_hour")
    if day is None or hour is None:
        return ""
    return _("Comes mostly on %(day)s, and mostly between %(from)d:00 and %(until)d:00.") % {
        "day": day,
        "from": hour,
        "until": hour + 1,
    }


def _channels(known: dict[str, Any]) -> str:
    shares, profile = known.get("channel_shares"), known.get("channel_profile")
    if not shares or profile not in CHANNEL_PROFILES:
        return ""
    names = {each.code: str(each) for each in SalesChannel.objects.filter(code__in=shares)}
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    listed = ", ".join(f"{names.get(code, code)} {formats.percent(share, 0)}" for code, share in ranked)
    return f"{CHANNEL_PROFILES[profile]}: {listed}."


def _discounts(known: dict[str, Any]) -> str:
    index = known.get("discount_sensitivity")
    if index is None:
        return ""
    if index >= 0.6:
        return _("Follows discounts more than most.")
    if index <= 0.4:
        return _("Buys mostly at full price: discounts move them less than others.")
    return _("Follows discounts about as much as the average customer.")


def _interests(known: dict[str, Any]) -> str:
    names = known.get("interests")
    return _("Lately looked at %(names)s.") % {"names": ", ".join(names)} if names else ""
