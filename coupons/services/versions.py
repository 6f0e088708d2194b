"""What a promotion said at each moment, who changed it, and how to go back to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from coupons.models import Promotion, PromotionVersion
from operations.errors import InvalidInput
from operations.models import ApiClient, User

Change = PromotionVersion.Change
# What a definition consists of, in the order in which a person reads it.
PARTS = (
    "name", "description", "legal_kind", "trigger", "currency", "effect", "conditions", "limits", "budgets",
    "stacking", "margin_floor", "coupon", "starts_at", "ends_at",
)  # fmt: skip


@dataclass(frozen=True)
class Author:
    """Who changes a promotion: a person, a partner's system, or nobody named."""

    user: User | None = None
    client: ApiClient | None = None


NOBODY = Author()


def definition_of(promotion: Promotion) -> dict[str, Any]:
    """Return the promotion as plain JSON, its instants as ISO 8601."""
    return {
        "name": promotion.name,
        "description": promotion.description,
        "legal_kind": promotion.legal_kind,
        "trigger": promotion.trigger,
        "currency": promotion.currency,
        "effect": promotion.effect,
        "conditions": promotion.conditions,
        "limits": promotion.limits,
        "budgets": [
            {
                "metric": budget.metric,
                "cap": budget.cap,
                "period": budget.period,
                "on_insufficient": budget.on_insufficient,
            }
            for budget in promotion.budgets.order_by("pk")
        ],
        "stacking": promotion.stacking,
        "margin_floor": promotion.margin_floor,
        "coupon": _coupon_rule(promotion),
        "starts_at": _written(promotion.starts_at),
        "ends_at": _written(promotion.ends_at),
    }


def note_version(
    promotion: Promotion, change: str, *, by: Author = NOBODY, note: str = "", at: datetime
) -> PromotionVersion | None:
    """Write down what the promotion is now; None when an edit changed nothing. The promotion is locked."""
    definition = definition_of(promotion)
    last = promotion.versions.order_by("-number").first()
    if change == Change.EDITED and last and last.definition == definition:
        return None
    return PromotionVersion.objects.create(
        promotion=promotion,
        number=last.number + 1 if last else 1,
        change=change,
        note=note,
        definition=definition,
        changed_by=by.user,
        client=by.client,
        changed_at=at,
    )


def newest_number(promotion: Promotion) -> int:
    """Return the number of the promotion's newest version; 0 for one of a time before versions."""
    return promotion.versions.order_by("-number").values_list("number", flat=True).first() or 0


def arguments_of(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a stored definition as `create_promotion` and `edit_promotion` take it."""
    arguments = {name: definition[name] for name in PARTS if name in definition}
    for name in ("starts_at", "ends_at"):
        if arguments.get(name):
            arguments[name] = parse_datetime(arguments[name])
    return arguments


def free_code(code: str) -> str:
    """Return a code nobody has, like the one given: `spring`, `spring-2`, `spring-3`."""
    stem = code[:58]
    taken = set(Promotion.objects.filter(code__startswith=stem).values_list("code", flat=True))
    return next(name for name in (f"{stem}-{n}" for n in range(2, len(taken) + 3)) if name not in taken)


def find_version(promotion: Promotion, number: int) -> PromotionVersion:
    """Return a version of the promotion. Raises InvalidInput when there is none under this number."""
    version = promotion.versions.filter(number=number).first()
    if version is None:
        raise InvalidInput.at("/version", _("There is no such version."))
    return version


def _coupon_rule(promotion: Promotion) -> dict[str, Any] | None:
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        return None
    public = promotion.coupons.filter(public=True).order_by("pk").first() if promotion.pk else None
    if public:
        return {"code": public.code, "max_uses": public.max_uses, "valid_days": promotion.coupon_valid_days}
    return {
        "pattern": promotion.coupon_pattern,
        "max_uses": promotion.coupon_max_uses,
        "valid_days": promotion.coupon_valid_days,
    }


def _written(instant: datetime | None) -> str | None:
    return timezone.localtime(instant).isoformat() if instant else None
