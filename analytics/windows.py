"""Spans of days over which something is counted, and the part of the business it is counted in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.periods import Grain, periods_between, shift
from customers.models import BusinessUnit, RollupScope, SalesChannel, Store
from operations.errors import InvalidInput

STORE_GROUP = "STORE_GROUP"
SCOPES = {**dict(RollupScope.choices), STORE_GROUP: gettext_lazy("Store group")}
EPOCH = date(1970, 1, 1).toordinal()
MOST_WINDOWS = 1000


@dataclass(frozen=True)
class Window:
    """Days from `start` until before `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def numbers(self) -> tuple[int, int]:
        """Return both ends as days since 1970."""
        return self.start.toordinal() - EPOCH, self.end.toordinal() - EPOCH

    def before(self) -> "Window":
        """Return the span in front of this one: as many months before whole months, else as many days."""
        months = whole_months(self.start, self.end)
        start = shift(self.start, Grain.MONTH, -months) if months else self.start - timedelta(days=self.days)
        return Window(start, self.start)


@dataclass(frozen=True)
class Scope:
    """A part of the business: a kind of SCOPES, and the code of its value. ALL has no value."""

    kind: str = RollupScope.ALL
    value: str = ""

    def __bool__(self) -> bool:
        return self.kind != RollupScope.ALL

    def __str__(self) -> str:
        return f"{SCOPES[self.kind]}: {self.value}" if self else str(SCOPES[self.kind])


def windows_of(start: date, end: date, grain: str) -> list[Window]:
    """Return every whole period that holds a day from `start` to `end`, both included.

    Raises InvalidInput for more than a thousand.
    """
    grain = Grain(grain)
    found = []
    for first in periods_between(start, end, grain):
        if len(found) == MOST_WINDOWS:
            raise InvalidInput.at("/from", _("At most %(count)d periods at once.") % {"count": MOST_WINDOWS})
        found.append(Window(first, shift(first, grain, 1)))
    return found


def preceding(windows: Sequence[Window], grain: str) -> Window:
    """Return the period before the first of these."""
    return Window(shift(windows[0].start, Grain(grain), -1), windows[0].start)


def whole_months(start: date, end: date) -> int:
    """Return how many whole months lie from `start` until before `end`; 0 where a part of one does."""
    if start.day != 1 or end.day != 1:
        return 0
    return (end.year - start.year) * 12 + end.month - start.month


def places_of(scope: Scope) -> tuple[str, list[int]]:
    """Return the column of orders that a scope is about, and the ids it may have; none of an unknown code."""
    kind, value = scope.kind, scope.value
    if kind == RollupScope.CHANNEL:
        return "sales_channel_id", list(SalesChannel.objects.filter(code=value).values_list("pk", flat=True))
    if kind == RollupScope.STORE:
        return "store_id", list(Store.objects.filter(code=value).values_list("pk", flat=True))
    if kind == RollupScope.COUNTRY:
        return "store_id", list(Store.objects.filter(country=value).values_list("pk", flat=True))
    if kind == STORE_GROUP:
        return "store_id", list(Store.objects.filter(store_group=value).values_list("pk", flat=True))
    if kind == RollupScope.BUSINESS_UNIT:
        return "business_unit_id", list(BusinessUnit.objects.filter(code=value).values_list("pk", flat=True))
    raise ValueError(kind)
