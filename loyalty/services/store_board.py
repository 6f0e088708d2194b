"""What the stores and their people achieved in a month, against the month before. Reads only.

settings.STORE_BOARD names functions `() -> list[BoardColumn]`, so that the apps above add what they count.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from customers.models import Order, Store
from loyalty.models import Employee, Enrolment
from loyalty.services.tier_values import local_day, start_of

# (store, employee) -> how many; either may be None.
Counts = Mapping[tuple[int | None, int | None], int]
MONTHS_DRAWN = 12


@dataclass(frozen=True)
class BoardColumn:
    """One thing that is counted: `counts(start, end)` between two instants, the second excluded."""

    code: str
    title: str | Promise
    icon: str
    counts: Callable[[datetime, datetime], Counts]


@dataclass(frozen=True)
class Score:
    """How many this month and the month before."""

    now: int = 0
    before: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.now + other.now, self.before + other.before)


@dataclass
class Line:
    """One employee, or one store with its people; `scores` by column code."""

    name: str
    rank: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    people: list["Line"] = field(default_factory=list)

    def add(self, code: str, score: Score) -> None:
        self.scores[code] = self.scores.get(code, Score()) + score


@dataclass(frozen=True)
class Board:
    """A month's board: its columns, the stores by rank, and the totals."""

    month: date
    columns: list[BoardColumn]
    stores: list[Line]
    totals: dict[str, Score]


def board_of(month: date) -> Board:
    """Return the board of the month that begins on this day: stores and people by what they won, best first.

    The first column ranks; of equals the next decides, then the name.
    """
    columns = board_columns()
    start, end, before = start_of(month), start_of(following(month)), start_of(previous(month))
    scores: dict[tuple[int | None, int | None], dict[str, Score]] = {}
    for column in columns:
        for key, count in column.counts(start, end).items():
            scores.setdefault(key, {})[column.code] = Score(count)
        for key, count in column.counts(before, start).items():
            own = scores.setdefault(key, {})
            own[column.code] = own.get(column.code, Score()) + Score(0, count)
    return _board(month, columns, scores)


def board_columns() -> list[BoardColumn]:
    """Return what every app counts."""
    return [column for path in settings.STORE_BOARD for column in import_string(path)()]


def months_of(column: BoardColumn, until: date) -> list[tuple[date, int]]:
    """Return how many of a column there were in each of the last 12 months, the oldest first."""
    months = [until]
    while len(months) < MONTHS_DRAWN:
        months.append(previous(months[-1]))
    return [
        (month, sum(column.counts(start_of(month), start_of(following(month))).values()))
        for month in reversed(months)
    ]


def this_month(at: datetime) -> date:
    """Return the first day of the month, in the programme's time zone."""
    return local_day(at).replace(day=1)


def following(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def previous(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def enrolment_columns() -> list[BoardColumn]:
    """Return what is counted of enrolments: members won, and those of them who have bought since."""
    return [
        BoardColumn("enrolments", _("New members"), "badge", _enrolled),
        BoardColumn("bought", _("Of them bought"), "shopping_bag", _bought),
    ]


def _enrolled(start: datetime, end: datetime) -> Counts:
    rows = Enrolment.objects.filter(enrolled_at__gte=start, enrolled_at__lt=end)
    return _by_place(rows)


def _bought(start: datetime, end: datetime) -> Counts:
    orders = Order.objects.filter(
        customer=OuterRef("customer"), ordered_at__gte=OuterRef("enrolled_at"), status=Order.Status.PAID
    )
    rows = Enrolment.objects.filter(enrolled_at__gte=start, enrolled_at__lt=end)
    return _by_place(rows.filter(Exists(orders)))


def _by_place(rows: QuerySet[Enrolment]) -> Counts:
    counted = (
        rows.order_by().values_list("store", "employee").annotate(people=Count("customer", distinct=True))
    )
    return {(store, employee): people for store, employee, people in counted}


def _board(month: date, columns: list[BoardColumn], scores: dict) -> Board:
    stores = Store.objects.in_bulk({store for store, _employee in scores if store})
    people = Employee.objects.in_bulk({employee for _store, employee in scores if employee})
    lines: dict[int | None, Line] = {}
    totals: dict[str, Score] = {}
    for (store, employee), own in scores.items():
        line = lines.setdefault(store, Line(str(stores[store]) if store else ""))
        person = Line(str(people[employee]) if employee else "")
        line.people.append(person)
        for code, score in own.items():
            line.add(code, score)
            person.add(code, score)
            totals[code] = totals.get(code, Score()) + score
    for line in lines.values():
        line.people = _ranked(line.people, columns)
    return Board(month, columns, _ranked(list(lines.values()), columns), totals)


def _ranked(lines: list[Line], columns: list[BoardColumn]) -> list[Line]:
    """Return lines with their ranks, the best first; who achieved the same shares a rank."""

    def achieved(line: Line) -> tuple[int, ...]:
        return tuple(line.scores.get(column.code, Score()).now for column in columns)

    lines = sorted(lines, key=lambda line: (tuple(-each for each in achieved(line)), line.name.casefold()))
    for place, line in enumerate(lines):
        same = place and achieved(lines[place - 1]) == achieved(line)
        line.rank = lines[place - 1].rank if same else place + 1
    return lines
