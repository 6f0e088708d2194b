"""Products, stores and the other names that facts refer to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction

from customers.models import BusinessUnit, Product, SalesChannel, Store
from operations.inserts import insert_missing
from operations.outcomes import Notice, Outcome

Named = TypeVar("Named", BusinessUnit, Product, SalesChannel, Store)

NAMES = {Product: "sku", Store: "store", SalesChannel: "sales_channel", BusinessUnit: "business_unit"}


def upsert_product(sku: str, **fields: Any) -> Outcome:
    """Create the article or change the fields given; `unit_cost_amount` is minor units."""
    return _upsert(Product, "sku", sku, fields)


def upsert_store(code: str, **fields: Any) -> Outcome:
    """Create the store or change the fields given."""
    return _upsert(Store, "code", code, fields)


def _upsert(model: type[Named], key: str, value: str, fields: dict[str, Any]) -> Outcome:
    with transaction.atomic():
        if insert_missing([model(**{key: value}, **fields)], unique=[key]):
            return Outcome(row=model.objects.get(**{key: value}), created=True)
        row = model.objects.select_for_update().get(**{key: value})
        for name, given in fields.items():
            setattr(row, name, given)
        row.save(update_fields=list(fields) or None)
    return Outcome(row=row)


@dataclass
class Stubs:
    """Rows by their code, and which of the codes were unknown until now."""

    model: type
    rows: dict[str, Any]
    created: set[str] = field(default_factory=set)

    def warnings(self, codes: Iterable[str]) -> list[Notice]:
        """Return a notice for each of the codes that was created as a stub."""
        name = NAMES[self.model]
        return [
            Notice(
                f"unknown_{name}", f"The {name.replace('_', ' ')} {code} was not known and has been created."
            )
            for code in dict.fromkeys(codes)
            if code in self.created
        ]


def ensure_named(model: type[Named], codes: Iterable[str | None]) -> Stubs:
    """Return the rows under these codes (SKUs for products); unknown ones are created as stubs."""
    key = "sku" if model is Product else "code"
    wanted = {code for code in codes if code}
    stubs = Stubs(model, {})
    if not wanted:
        return stubs
    stubs.rows = {getattr(row, key): row for row in model.objects.filter(**{f"{key}__in": wanted})}
    missing = wanted - stubs.rows.keys()
    if missing:
        new = insert_missing([model(**{key: code}) for code in sorted(missing)], unique=[key])
        stubs.created = {getattr(row, key) for row in new}
        stubs.rows |= {getattr(row, key): row for row in model.objects.filter(**{f"{key}__in": missing})}
    return stubs
