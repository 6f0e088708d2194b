"""What of a person speaks for a reward, in points of fit and in words. Pure.

The traits are those that analytics writes; a reward names what speaks for it, and a product speaks for itself
by its category, brand and product line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from loyalty.models import Reward
from operations.errors import InvalidInput

LISTS = ("categories", "brands", "product_lines", "stores")
BAND = ("price_from", "price_until")
FAVOURITE, SECOND, LIKED, LOOKED_AT, USUAL = 4, 3, 3, 2, 1
SENSITIVE = 0.65
MOST_NAMES = 50


@dataclass(frozen=True)
class Taste:
    """What is known of a person: `average_order` in minor units, `sensitivity` to discounts 0..1."""

    categories: Sequence[str] = ()
    interests: Sequence[str] = ()
    brand: str = ""
    product_line: str = ""
    store: str = ""
    sensitivity: float | None = None
    average_order: int | None = None

    @classmethod
    def of(cls, traits: Mapping[str, Any], *, average_order: int | None = None) -> "Taste":
        """Return what the traits of a person say; one of another shape says nothing."""
        sensitivity = traits.get("discount_sensitivity")
        return cls(
            categories=_names(traits.get("favourite_categories")),
            interests=_names(traits.get("interests")),
            brand=_name(traits.get("favourite_brand")),
            product_line=_name(traits.get("favourite_product_line")),
            store=_name(traits.get("usual_store")),
            sensitivity=sensitivity if isinstance(sensitivity, int | float) else None,
            average_order=average_order,
        )


@dataclass(frozen=True)
class Fit:
    """How much speaks for a reward (0: nothing known does), and the reasons, the strongest first."""

    score: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        return self.reasons[0] if self.reasons else ""


@dataclass(frozen=True)
class Signs:
    """What a reward speaks to: names in lower case with how they are written, and a band of prices."""

    categories: Mapping[str, str] = field(default_factory=dict)
    brands: Mapping[str, str] = field(default_factory=dict)
    product_lines: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)
    price_from: int | None = None
    price_until: int | None = None

    @classmethod
    def of(cls, reward: Reward) -> "Signs":
        given = {name: list(reward.traits.get(name) or []) for name in LISTS}
        if reward.product:
            own = {
                "categories": reward.product.category,
                "brands": reward.product.brand,
                "product_lines": reward.product.product_line,
            }
            for name, value in own.items():
                given[name] += [value] if value else []
        named = {name: {each.casefold(): each for each in names} for name, names in given.items()}
        return cls(**named, **{end: reward.traits.get(end) for end in BAND})


def fit_of(reward: Reward, taste: Taste) -> Fit:
    """Return what of this person speaks for this reward."""
    signs = Signs.of(reward)
    found = [*_by_category(signs, taste), *_by_name(signs, taste), *_by_money(reward, signs, taste)]
    found.sort(key=lambda each: -each[0])  # Stable: of equals, the order above.
    return Fit(sum(score for score, _reason in found), tuple(reason for _score, reason in found))


def check_traits(traits: Any) -> dict[str, Any]:
    """Return what speaks for a reward as it is kept, without what is empty. Raises InvalidInput."""
    if not isinstance(traits, dict):
        raise InvalidInput.at("/traits", _("This is not an object."))
    kept: dict[str, Any] = {}
    for name, value in traits.items():
        if name in LISTS:
            if not isinstance(value, list) or not all(
                isinstance(each, str) and each.strip() for each in value
            ):
                raise InvalidInput.at(f"/traits/{name}", _("This is a list of names."))
            if len(value) > MOST_NAMES:
                raise InvalidInput.at(f"/traits/{name}", _("At most %(most)s names.") % {"most": MOST_NAMES})
            kept[name] = [each.strip() for each in value]
        elif name in BAND:
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InvalidInput.at(f"/traits/{name}", _("This is an amount in minor units."))
            kept[name] = value
        else:
            raise InvalidInput.at(f"/traits/{name}", _("This field is not known."))
    low, high = kept.get("price_from"), kept.get("price_until")
    if low is not None and high is not None and high <= low:
        raise InvalidInput.at("/traits/price_until", _("A band of prices ends above its beginning."))
    return {name: value for name, value in kept.items() if value not in (None, [])}


def _by_category(signs: Signs, taste: Taste) -> list[tuple[int, str]]:
    found, told = [], set()
    for place, category in enumerate(taste.categories):
        if category.casefold() in signs.categories:
            told.add(category.casefold())
            sentence = _("You often buy %(category)s") % {"category": category}
            found.append((SECOND if place else FAVOURITE, sentence))
    for category in taste.interests:
        if category.casefold() in signs.categories and category.casefold() not in told:
            found.append((LOOKED_AT, _("You looked at %(category)s lately") % {"category": category}))
    return found[:2]  # A reward that names everything is not better for it.


def _by_name(signs: Signs, taste: Taste) -> list[tuple[int, str]]:
    found = []
    if taste.brand.casefold() in signs.brands:
        found.append((LIKED, _("Your favourite brand: %(brand)s") % {"brand": taste.brand}))
    if taste.product_line.casefold() in signs.product_lines:
        found.append((LIKED, _("Your favourite line: %(line)s") % {"line": taste.product_line}))
    if taste.store.casefold() in signs.stores:
        found.append((USUAL, _("In the store you usually visit")))
    return found


def _by_money(reward: Reward, signs: Signs, taste: Taste) -> list[tuple[int, str]]:
    found = []
    banded = signs.price_from is not None or signs.price_until is not None
    if banded and taste.average_order is not None:
        above = signs.price_from is None or taste.average_order >= signs.price_from
        below = signs.price_until is None or taste.average_order < signs.price_until
        if above and below:
            found.append((USUAL, _("Fits what you usually spend")))
    is_saving = reward.kind in (Reward.Kind.COUPON, Reward.Kind.GIFT_CARD)
    if is_saving and taste.sensitivity is not None and taste.sensitivity >= SENSITIVE:
        found.append((USUAL, _("Saves on your next purchase")))
    return found


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
