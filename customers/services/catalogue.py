"""Products, stores and the other names that facts refer to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from customers.errors import KnownAlready, NotKnownYet
from customers.models import BusinessUnit, Product, SalesChannel, Store
from customers.services.prices import record_prices
from operations.inserts import insert_missing
from operations.outcomes import Notice, Outcome, WriteMode

Named = TypeVar("Named", BusinessUnit, Product, SalesChannel, Store)

NAMES = {Product: "sku", Store: "store", SalesChannel: "sales_channel", BusinessUnit: "business_unit"}


def upsert_product(sku: str, **fields: Any) -> Outcome:
    """Create the article or change the fields given; `unit_*_amount` are minor units."""
    with transaction.atomic():
        outcome = _upsert(Product, "sku", sku, fields)
        if "unit_price_amount" in fields:
            _note_prices([outcome.row])
    return outcome


def upsert_products(items: list[dict[str, Any]], *, mode: WriteMode = WriteMode.UPSERT) -> list[Outcome]:
    """Create articles or change the fields given; return for each item the article, or why it was not taken.

    An item has `sku` and fields of Product. The trace of an outcome is what its fields were before, None for
    a new article. Locks the articles by SKU.
    """
    with transaction.atomic():
        skus = sorted({item["sku"] for item in items})
        known = _locked_products(skus)
        missing = [] if mode == WriteMode.UPDATE else [sku for sku in skus if sku not in known]
        new = insert_missing([Product(sku=sku) for sku in missing], unique=["sku"])
        created = {product.sku for product in new}
        known |= _locked_products(missing)
        outcomes = [_product_outcome(item, known.get(item["sku"]), created, mode) for item in items]
        changed = {o.row.pk: o.row for o in outcomes if o.row and (o.created or o.trace)}
        fields = sorted({name for item in items for name in item} - {"sku"})
        if changed and fields:
            Product.objects.bulk_update(changed.values(), fields, batch_size=500)
        if "unit_price_amount" in fields:
            _note_prices([outcome.row for outcome in outcomes if outcome.row])
    return outcomes


def _note_prices(products: Iterable[Product]) -> None:
    prices = {one.pk: one.unit_price_amount for one in products if one.unit_price_amount is not None}
    record_prices(prices, on=timezone.localdate())


def _locked_products(skus: Iterable[str]) -> dict[str, Product]:
    rows = Product.objects.filter(sku__in=skus).order_by("sku").select_for_update(no_key=True)
    return {product.sku: product for product in rows}


def _product_outcome(
    item: dict[str, Any], product: Product | None, created: set[str], mode: WriteMode
) -> Outcome:
    if product is None:
        return Outcome(error=NotKnownYet())
    is_new = product.sku in created
    if mode == WriteMode.CREATE and not is_new:
        return Outcome(error=KnownAlready())
    created.discard(product.sku)  # A second item about it changes what the first one made.
    given = {name: value for name, value in item.items() if name != "sku"}
    before = {
        name: getattr(product, name) for name, value in given.items() if getattr(product, name) != value
    }
    for name, value in given.items():
        setattr(product, name, value)
    return Outcome(row=product, created=is_new, trace=None if is_new else before)


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
        if not self.created:
            return []
        name = NAMES[self.model]
        return [
            Notice(
                f"unknown_{name}", f"The {name.replace('_', ' ')} {code} was not known and has been created."
            )
            for code in dict.fromkeys(codes)
            if code in self.created
        ]


def ensure_named(model: type[Named], codes: Iterable[str | None]) -> Stubs:
    """Return the rows under these codes (SKUs for products); unknown ones are created as stubs.

    The rows have what facts ask of them: the code, and of an article its tax rate.
    """
    key = "sku" if model is Product else "code"
    rows = model.objects.only(*(["sku", "tax_rate"] if model is Product else ["code"]))
    wanted = {code for code in codes if code}
    stubs = Stubs(model, {})
    if not wanted:
        return stubs
    stubs.rows = {getattr(row, key): row for row in rows.filter(**{f"{key}__any_of": wanted})}
    missing = wanted - stubs.rows.keys()
    if missing:
        new = insert_missing([model(**{key: code}) for code in sorted(missing)], unique=[key])
        stubs.created = {getattr(row, key) for row in new}
        stubs.rows |= {getattr(row, key): row for row in rows.filter(**{f"{key}__any_of": missing})}
    return stubs
