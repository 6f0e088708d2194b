"""What a promotion gives: one sentence per kind, and which articles it is for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import NamesField, PercentField, count_field, name_field
from coupons.admin.rows import Row
from coupons.engine.incentive import Choose, Grouping, Kind
from operations.number_fields import MoneyField, NumberField

ORDER, ITEMS, BUNDLE = "ORDER", "ITEMS", "BUNDLE"
KINDS = [
    (Kind.PERCENT.value, _("a percentage off")),
    (Kind.AMOUNT.value, _("an amount off")),
    (Kind.FIXED_PRICE.value, _("a fixed price")),
    (Kind.FREE_UNITS.value, _("buy some, get some free or cheaper")),
    (Kind.TIERS.value, _("the more is spent, the more is off")),
    (Kind.GIFT_ITEM.value, _("an article as a gift")),
    (Kind.FREE_SHIPPING.value, _("free shipping")),
]
ITEM_NAMES = ("skus", "products", "categories", "brands", "collections")
PART_NAMES = [("sku", _("the article")), ("category", _("the category")), ("brand", _("the brand"))]


class TierRow(Row):
    """From so much spent, so much off."""

    from_amount = MoneyField(label=_("From"), min_value=0)
    value = NumberField(label=_("Off"), min_value=0, max_digits=12, decimal_places=2)
    unit = forms.ChoiceField(
        label=_("Of"), choices=[("percent", "%"), ("amount", _("amount"))], initial="percent"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("unit") == "amount" and cleaned.get("value") is not None:
            try:
                cleaned["value"] = MoneyField().minor_units(cleaned["value"])
            except forms.ValidationError as error:
                self.add_error("value", error)
        return cleaned

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        value = given["value"] if given["unit"] == "amount" else f"{given['value'].normalize():f}"
        return {"from_amount": given["from_amount"], given["unit"]: value}

    @staticmethod
    def initial_of(tier: dict[str, Any]) -> dict[str, Any]:
        percent = tier.get("percent")
        value = Decimal(percent) if percent is not None else MoneyField().prepare_value(tier.get("amount"))
        unit = "percent" if percent is not None else "amount"
        return {"from_amount": tier.get("from_amount"), "value": value, "unit": unit}


class PartRow(Row):
    """So many pieces of something."""

    quantity = count_field(label=_("Pieces"), initial=1)
    by = forms.ChoiceField(label=_("Of"), choices=PART_NAMES, initial="sku")
    name = name_field("parts", label=_("Which"), max_length=200)

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {given["by"]: given["name"], "quantity": given["quantity"] or 1}

    @staticmethod
    def initial_of(part: dict[str, Any]) -> dict[str, Any]:
        by = next((name for name, _label in PART_NAMES if part.get(name)), "sku")
        return {"by": by, "name": part.get(by), "quantity": part.get("quantity", 1)}


class EffectFields(forms.Form):
    """What it gives, and on what."""

    kind = forms.ChoiceField(label=_("It gives"), choices=KINDS, initial=Kind.PERCENT.value)
    personal = forms.BooleanField(label=_("Each person's own value"), required=False)
    percent = PercentField(label=_("Percent"), required=False)
    amount_limit = MoneyField(label=_("but at most"), required=False)
    amount = MoneyField(label=_("Amount"), required=False)
    fixed_amount = MoneyField(label=_("Price"), required=False, min_value=0)
    buy = count_field(label=_("Pieces to buy"), min_value=0, initial=2)
    get = count_field(label=_("Pieces given"), initial=1)
    units_percent = PercentField(label=_("Cheaper by, percent"), required=False, initial="100")
    choose = forms.ChoiceField(
        label=_("Which pieces"),
        choices=[(Choose.CHEAPEST.value, _("the cheapest")), (Choose.MOST_EXPENSIVE.value, _("the dearest"))],
        required=False,
    )
    grouping = forms.ChoiceField(
        label=_("Chosen"),
        choices=[
            (Grouping.OVERALL.value, _("among all pieces of the cart")),
            (Grouping.PER_GROUP.value, _("within each group")),
        ],
        required=False,
    )
    unit_limit = count_field(label=_("At most, pieces or bundles"))
    gift_sku = name_field("skus", label=_("Article"), max_length=64, required=False)
    gift_quantity = count_field(label=_("Pieces"), initial=1)
    target = forms.ChoiceField(
        label=_("On"),
        choices=[(ORDER, _("the whole order")), (ITEMS, _("some articles"))],
        required=False,
        initial=ORDER,
    )
    price_of = forms.ChoiceField(
        label=_("The price of"),
        choices=[
            (ITEMS, _("each piece of some articles")),
            (BUNDLE, _("a bundle of articles")),
            (ORDER, _("the whole order")),
        ],
        required=False,
        initial=ITEMS,
    )
    categories = NamesField(label=_("Categories"), suggest="categories")
    brands = NamesField(label=_("Brands"), suggest="brands")
    collections = NamesField(label=_("Collections"), suggest="collections")
    products = NamesField(label=_("Products"), suggest="products")
    skus = NamesField(label=_("Articles (SKU)"), suggest="skus")
    exclude_categories = NamesField(label=_("Without the categories"), suggest="categories")
    exclude_brands = NamesField(label=_("Without the brands"), suggest="brands")
    exclude_collections = NamesField(label=_("Without the collections"), suggest="collections")
    exclude_products = NamesField(label=_("Without the products"), suggest="products")
    exclude_skus = NamesField(label=_("Without the articles (SKU)"), suggest="skus")
    exclude_discounted = forms.BooleanField(label=_("Not what is reduced already"), required=False)
    min_margin_percent = PercentField(label=_("Only with a margin of at least, percent"), required=False)

    def effect(self) -> dict[str, Any]:
        """Return the effect as JSON; what was left out stays out, and the reader says so."""
        given = self.cleaned_data
        kind = given.get("kind") or Kind.PERCENT.value
        effect = {"kind": kind, **self._of_kind(kind, given)}
        target = given.get("price_of") if kind == Kind.FIXED_PRICE else given.get("target")
        if target == ITEMS:
            return effect | {"target": ITEMS, "items": _items(given)}
        return effect | {"target": ORDER}

    def _of_kind(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        if kind == Kind.PERCENT:
            return _filled(given, "personal" if given.get("personal") else "percent", "amount_limit")
        if kind == Kind.AMOUNT:
            return _filled(given, "personal" if given.get("personal") else "amount")
        if kind == Kind.FREE_SHIPPING:
            return _filled(given, "amount_limit")
        if kind == Kind.TIERS:
            return {"tiers": self.rows["tiers"].values}
        if kind == Kind.GIFT_ITEM:
            return {"sku": given.get("gift_sku") or None, "quantity": given.get("gift_quantity") or 1}
        if kind == Kind.FIXED_PRICE:
            price = {"amount": given.get("fixed_amount")} | _filled(given, "unit_limit")
            if given.get("price_of") == BUNDLE:
                price["bundle"] = self.rows["bundle"].values
            return price if given.get("price_of") != ORDER else {"amount": given.get("fixed_amount")}
        pieces = {"buy": given.get("buy"), "get": given.get("get") or 1}
        pieces["percent"] = given.get("units_percent") or "100"
        return pieces | _filled(given, "choose", "grouping", "unit_limit")


def _items(given: dict[str, Any]) -> dict[str, Any]:
    items = _filled(given, *ITEM_NAMES, "exclude_discounted", "min_margin_percent")
    exclude = {name: given[f"exclude_{name}"] for name in ITEM_NAMES if given.get(f"exclude_{name}")}
    return items | ({"exclude": exclude} if exclude else {})


def _filled(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given.get(name)}


def effect_initial(effect: dict[str, Any]) -> dict[str, Any]:
    """Return what the form shows of an effect."""
    items = effect.get("items") or {}
    exclude = items.get("exclude") or {}
    kind, target = effect.get("kind"), effect.get("target", ORDER)
    units = kind == Kind.FREE_UNITS
    return {
        "kind": kind,
        "personal": bool(effect.get("personal")),
        "percent": None if units else effect.get("percent"),
        "units_percent": effect.get("percent", "100") if units else "100",
        "amount": effect.get("amount") if kind == Kind.AMOUNT else None,
        "fixed_amount": effect.get("amount") if kind == Kind.FIXED_PRICE else None,
        **{name: effect.get(name) for name in ("amount_limit", "choose", "grouping", "unit_limit")},
        "buy": effect.get("buy", 2),
        "get": effect.get("get", 1),
        "gift_sku": effect.get("sku"),
        "gift_quantity": effect.get("quantity", 1),
        "target": target,
        "price_of": BUNDLE if effect.get("bundle") else target if kind == Kind.FIXED_PRICE else ITEMS,
        **{name: items.get(name) for name in ITEM_NAMES},
        **{f"exclude_{name}": exclude.get(name) for name in ITEM_NAMES},
        **{name: items.get(name) for name in ("exclude_discounted", "min_margin_percent")},
    }
