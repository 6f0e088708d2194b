"""Which part of the business and which segment a page was asked about, and what can be chosen."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict

from analytics.windows import SCOPES, STORE_GROUP, Scope
from customers.models import BusinessUnit, Product, RollupScope, SalesChannel, Segment, Store

MOST_OPTIONS = 200
SEPARATOR = ":"


@dataclass(frozen=True)
class ChosenPart:
    """A scope and a segment, as `part=CHANNEL:web&segment=code` in an address name them."""

    scope: Scope
    segment: Segment | None

    @classmethod
    def from_query(cls, query: QueryDict) -> "ChosenPart":
        """Return what an address asks for; whatever makes no sense is everything."""
        kind, _separator, value = query.get("part", "").partition(SEPARATOR)
        known = kind in SCOPES and kind != RollupScope.ALL and value
        code = query.get("segment", "")
        segment = Segment.objects.filter(code=code).first() if code else None
        return cls(Scope(kind, value) if known else Scope(), segment)

    def __bool__(self) -> bool:
        return bool(self.scope or self.segment)

    @property
    def code(self) -> str:
        return f"{self.scope.kind}{SEPARATOR}{self.scope.value}" if self.scope else ""

    @property
    def groups(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield the parts by kind, each as (code, name); kinds without any are left out."""
        for kind, options in _options().items():
            if options:
                yield str(SCOPES[kind]), [(f"{kind}{SEPARATOR}{code}", name) for code, name in options]

    @property
    def segments(self) -> QuerySet[Segment]:
        return Segment.objects.filter(active=True).order_by("name")[:MOST_OPTIONS]


def _options() -> dict[str, list[tuple[str, str]]]:
    stores = Store.objects.order_by("code")
    groups = _distinct(stores.exclude(store_group="").order_by("store_group"), "store_group")
    countries = _distinct(stores.exclude(country="").order_by("country"), "country")
    lines = _distinct(Product.objects.exclude(product_line="").order_by("product_line"), "product_line")
    return {
        RollupScope.CHANNEL: [
            (place.code, str(place)) for place in SalesChannel.objects.all()[:MOST_OPTIONS]
        ],
        RollupScope.BUSINESS_UNIT: [
            (place.code, str(place)) for place in BusinessUnit.objects.all()[:MOST_OPTIONS]
        ],
        RollupScope.COUNTRY: [(code, code) for code in countries],
        STORE_GROUP: [(code, code) for code in groups],
        RollupScope.STORE: [(place.code, str(place)) for place in stores[:MOST_OPTIONS]],
        RollupScope.PRODUCT_LINE: [(code, code) for code in lines],
    }


def _distinct(rows: QuerySet, name: str) -> list[str]:
    return [str(value) for value in rows.values_list(name, flat=True).distinct()[:MOST_OPTIONS]]
