"""A promotion on one page, in sentences: what it gives, for whom, how often, for how much in all."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import local_time_field
from coupons.admin.forms import RefusalForm
from coupons.admin.promotion_form.audience import AudienceFields, HoursRow, MetadataRow, audience_initial
from coupons.admin.promotion_form.caps import BudgetRow, LimitRow, TogetherFields, together_initial
from coupons.admin.promotion_form.codes import PUBLIC, CodeFields, NameFields, codes_initial
from coupons.admin.promotion_form.effect import EffectFields, PartRow, TierRow, effect_initial
from coupons.admin.rows import Rows
from coupons.models import Promotion
from coupons.services.versions import definition_of
from customers.models import Segment
from operations.errors import FidelioError

ROWS = {
    "tiers": TierRow,
    "bundle": PartRow,
    "contains": PartRow,
    "hours": HoursRow,
    "metadata": MetadataRow,
    "limits": LimitRow,
    "budgets": BudgetRow,
}
# Where a service points to -> the rows that were filled in.
ROW_POINTERS = {
    "effect/tiers": "tiers",
    "effect/bundle": "bundle",
    "conditions/contains": "contains",
    "conditions/weekly_hours": "hours",
    "conditions/metadata": "metadata",
    "limits": "limits",
    "budgets": "budgets",
}


class RowsForm(RefusalForm):
    """A form with rows beside its fields; `initial["rows"]` has what stands in them."""

    ROWS: dict[str, type] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        standing = self.initial.get("rows") or {}
        data = self.data if self.is_bound else None
        self.rows = {
            name: Rows(row, name, data=data, initial=standing.get(name)) for name, row in self.ROWS.items()
        }

    def is_valid(self) -> bool:
        wrong = [rows for rows in self.rows.values() if not rows.is_valid()]  # Each is to be asked.
        return super().is_valid() and not wrong

    def show(self, error: FidelioError) -> None:
        rest = [mistake for mistake in error.details if not self._show_in_row(mistake)]
        for mistake in rest:
            self.add_error(self._field_of(mistake.pointer), str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))

    def _show_in_row(self, mistake: Any) -> bool:
        pointer = mistake.pointer.strip("/")
        for path, name in ROW_POINTERS.items():
            place = pointer.removeprefix(f"{path}/").partition("/")[0]
            if name in self.rows and pointer.startswith(f"{path}/") and place.isdigit():
                return self.rows[name].show(int(place), str(mistake.message))
        return False


class PromotionForm(NameFields, EffectFields, CodeFields, AudienceFields, TogetherFields, RowsForm):
    """A promotion, whole."""

    ROWS = ROWS
    POINTERS = {
        "effect/amount": "amount",
        "effect/items": "categories",
        "effect/items/exclude": "exclude_categories",
        "effect/tiers": "kind",
        "effect/bundle": "price_of",
        "effect/sku": "gift_sku",
        "effect/quantity": "gift_quantity",
        "effect": "kind",
        "conditions/minimum_spend": "minimum_spend",
        "margin_floor": "margin_percent",
        "coupon/code": "public_code",
        "coupon": "codes",
        **{
            f"{part}/{name}": name
            for part, names in (
                ("effect", ("percent", "amount_limit", "buy", "get", "choose", "grouping", "unit_limit")),
                ("conditions", ("segment", "holder_only", "verified_email", "first_order_only")),
                ("conditions", ("countries", "regions", "languages", "stores", "sales_channels")),
                ("stacking", ("exclusive", "rank", "category", "max_in_category", "max_applied")),
                ("coupon", ("pattern", "max_uses", "valid_days")),
            )
            for name in names
        },
    }

    def __init__(self, *args: Any, promotion: Promotion | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.promotion = promotion
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        if promotion is not None:
            del self.fields["code"]
            if promotion.coupons.filter(public=True).exists():
                for name in ("codes", "public_code", "pattern", "max_uses", "trigger"):
                    del self.fields[name]
            else:
                self.fields["codes"].choices = [
                    one for one in self.fields["codes"].choices if one[0] != PUBLIC
                ]

    def definition(self) -> dict[str, Any]:
        """Return the parts of the definition, as `create_promotion` and `edit_promotion` take them."""
        given = self.cleaned_data
        definition = {
            "name": given.get("name", ""),
            "description": given.get("description", ""),
            "legal_kind": given.get("legal_kind") or Promotion.LegalKind.SCONTO,
            "effect": self.effect(),
            "conditions": self.conditions(),
            "limits": self.rows["limits"].values,
            "budgets": self.rows["budgets"].values,
            "stacking": self.stacking(),
            "margin_floor": self.margin_floor(),
            "starts_at": given.get("starts_at"),
            "ends_at": given.get("ends_at"),
        }
        if "trigger" in self.fields:
            definition |= {
                "trigger": given.get("trigger") or Promotion.Trigger.COUPON,
                "coupon": self.coupon_rule(),
            }
        return definition

    def preview(self) -> dict[str, Any]:
        """Return the whole definition as `wording.describe` takes it, from whatever was filled in so far."""
        self.is_valid()
        definition = {"trigger": Promotion.Trigger.COUPON, "coupon": None} | self.definition()
        if self.promotion is not None and "trigger" not in self.fields:
            kept = definition_of(self.promotion)
            definition |= {"trigger": kept["trigger"], "coupon": kept["coupon"]}
        return definition | {"currency": settings.PROGRAMME_CURRENCY}

    def said_of(self, error: FidelioError) -> list[str]:
        """Return what is missing, by the field's name alone, or wrong, with the field that it is about."""
        said, empty = [], str(self.fields["kind"].error_messages["required"])
        for mistake in error.details:
            name = self._field_of(mistake.pointer)
            if name and str(mistake.message) == empty:
                said.append(str(self.fields[name].label))
            else:
                said.append(f"{self.fields[name].label}: {mistake.message}" if name else str(mistake.message))
        return list(dict.fromkeys(said))

    def _field_of(self, pointer: str) -> str | None:
        name = super()._field_of(pointer)
        kind = self.cleaned_data.get("kind")
        if name == "amount" and kind == "FIXED_PRICE":
            return "fixed_amount"
        if name == "percent" and kind == "FREE_UNITS":
            return "units_percent"
        if name == "categories" and pointer.endswith("min_margin_percent"):
            return "min_margin_percent"
        return name


class LatePromotionForm(RowsForm, NameFields):
    """What may still change once a promotion was started."""

    ROWS = {"budgets": BudgetRow}

    ends_at = local_time_field(label=_("Ends"), help_text=_("Empty: when it is stopped."))

    def __init__(self, *args: Any, promotion: Promotion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.promotion = promotion
        for name in ("code", "legal_kind"):
            del self.fields[name]

    def definition(self) -> dict[str, Any]:
        """Return the cleaned input as `edit_promotion` takes it."""
        changes = {name: self.cleaned_data[name] for name in ("name", "description", "ends_at")}
        return changes | {"budgets": self.rows["budgets"].values}


def initial_of(promotion: Promotion) -> dict[str, Any]:
    """Return what the form shows of a promotion."""
    effect, conditions = promotion.effect, promotion.conditions
    written = {
        "tiers": effect.get("tiers"),
        "bundle": effect.get("bundle"),
        "contains": conditions.get("contains"),
        "hours": conditions.get("weekly_hours"),
        "metadata": list((conditions.get("metadata") or {}).items()),
        "limits": promotion.limits,
        "budgets": definition_of(promotion)["budgets"],
    }
    return {
        **{name: getattr(promotion, name) for name in ("name", "description", "legal_kind")},
        **{name: getattr(promotion, name) for name in ("starts_at", "ends_at")},
        **codes_initial(promotion),
        **effect_initial(effect),
        **audience_initial(conditions),
        **together_initial(promotion.stacking, promotion.margin_floor),
        "rows": {name: [ROWS[name].initial_of(one) for one in rows or []] for name, rows in written.items()},
    }


def fits_the_form(promotion: Promotion) -> bool:
    """Return whether the form can show everything of a promotion that was written over the API."""
    return promotion.currency == settings.PROGRAMME_CURRENCY
