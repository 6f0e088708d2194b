"""What a page about a period was asked for: which days, cut into what, against which days before."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from babel import dates
from django.db import models
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.periods import Grain, period_start, periods_between, shift
from analytics.windows import Window
from operations import formats

EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
MOST_POINTS = 750


class Preset(models.TextChoices):
    """The periods one click away; OWN is any two days."""

    DAYS_7 = "7", gettext_lazy("7 days")
    DAYS_30 = "30", gettext_lazy("30 days")
    DAYS_90 = "90", gettext_lazy("90 days")
    DAYS_365 = "365", gettext_lazy("365 days")
    MONTH = "month", gettext_lazy("This month")
    QUARTER = "quarter", gettext_lazy("This quarter")
    YEAR = "year", gettext_lazy("This year")
    OWN = "own", gettext_lazy("Own dates")


class Compare(models.TextChoices):
    """What a period is compared with."""

    PREVIOUS = "previous", gettext_lazy("the period before")
    YEAR = "year", gettext_lazy("the year before")
    NOTHING = "nothing", gettext_lazy("nothing")


DAYS = {Preset.DAYS_7, Preset.DAYS_30, Preset.DAYS_90, Preset.DAYS_365}
TO_DATE = {Preset.MONTH: Grain.MONTH, Preset.QUARTER: Grain.QUARTER, Preset.YEAR: Grain.YEAR}
# The finest grain that is still readable, up to so many days.
READABLE = [(92, Grain.DAY), (400, Grain.WEEK), (2_000, Grain.MONTH), (6_000, Grain.QUARTER)]


@dataclass(frozen=True)
class ChosenPeriod:
    """Days from `start` to `end`, both included, drawn by `grain`, against what `compare` says.

    `kept` are the other parameters of the address, which the picker takes along; `mistake` is what was wrong
    with the days asked for, in a sentence.
    """

    start: date
    end: date
    grain: Grain
    compare: Compare = Compare.PREVIOUS
    preset: Preset = Preset.OWN
    kept: tuple[tuple[str, str], ...] = field(default=())
    mistake: str = ""

    @classmethod
    def from_query(
        cls,
        query: QueryDict,
        *,
        until: date,
        usual: Preset = Preset.DAYS_30,
        usual_grain: Grain | None = None,
    ) -> "ChosenPeriod":
        """Return what an address asks for (`period`, `from`, `to`, `grain`, `compare`).

        Whatever is missing or makes no sense has its usual value; `until` is the last day that presets hold.
        """
        preset = _choice(Preset, query.get("period"), usual)
        start, end = _own(query, until) if preset == Preset.OWN else _days_of(preset, until)
        usual_grain = usual_grain if preset == usual else None
        return cls(
            start=start,
            end=end,
            grain=_grain(query.get("grain"), start, end, usual_grain),
            compare=_choice(Compare, query.get("compare"), Compare.PREVIOUS),
            preset=preset,
            mistake=_mistake(query) if preset == Preset.OWN else "",
            kept=tuple(
                (name, value)
                for name, values in query.lists()
                if name not in {"period", "from", "to", "grain", "compare", "csv", "page"}
                for value in values
            ),
        )

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def window(self) -> Window:
        return Window(self.start, self.end + timedelta(days=1))

    @property
    def compared(self) -> tuple[date, date] | None:
        """Return the first and the last day compared with, or None.

        The period before of whole months is as many whole months; of a part of a month, quarter or year, as
        much of the one before; else as many days.
        """
        if self.compare == Compare.NOTHING:
            return None
        if self.compare == Compare.YEAR:
            return years_earlier(self.start), years_earlier(self.end)
        if self.preset in TO_DATE:
            before = shift(self.start, TO_DATE[self.preset], -1)
            return before, min(before + timedelta(days=self.days - 1), self.start - timedelta(days=1))
        before = self.before(self.window)
        return before.start, before.last

    def before(self, window: Window) -> Window:
        """Return the span in front of one: of the last so many days, as many days, as on the home page."""
        if self.preset in DAYS:
            return Window(window.start - timedelta(days=window.days), window.start)
        return window.before()

    @property
    def starts(self) -> list[date]:
        """Return the first day of each point of a chart of the period."""
        return list(periods_between(self.start, self.end, self.grain))

    @property
    def labels(self) -> list[str]:
        """Return the points' names in the reader's language."""
        return [self.label(start) for start in self.starts]

    def label(self, start: date) -> str:
        return point_label(start, self.grain, with_year=self.start.year != self.end.year)

    @property
    def in_words(self) -> str:
        return days_in_words(self.start, self.end)

    @property
    def compared_in_words(self) -> str:
        """Return the days compared with, or an empty text."""
        return days_in_words(*self.compared) if self.compared else ""

    @property
    def against(self) -> str:
        """Return what stands beside a change: "vs previous 30 days"."""
        if self.compare == Compare.NOTHING:
            return ""
        if self.compare == Compare.YEAR:
            return _("vs the year before")
        return _("vs the period before")

    @property
    def presets(self) -> Iterator[tuple[Preset, str, bool]]:
        """Yield each preset with its address and whether it is chosen."""
        for preset in Preset:
            if preset != Preset.OWN:
                yield preset, self.url(period=preset.value), preset == self.preset

    @property
    def grains(self) -> list[tuple[str, str]]:
        """Return the grains that make neither too many points nor a single one larger than the period."""
        fitting = [grain for grain in Grain if _fits(grain, self.start, self.end) or grain == self.grain]
        return [(grain.value, grain.label) for grain in fitting]

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        return Compare.choices

    @property
    def bare_url(self) -> str:
        """Return the address of the page for all of the business and everybody."""
        return replace(self, kept=_bare(self.kept)).url()

    def url(self, **changes: str) -> str:
        """Return the address of this page with some parameters changed; None takes one out."""
        query = QueryDict(mutable=True)
        for name, value in self.kept:
            query.appendlist(name, value)
        query["period"] = self.preset.value
        if self.preset == Preset.OWN:
            query["from"], query["to"] = self.start.isoformat(), self.end.isoformat()
        query["compare"] = self.compare.value
        if "period" not in changes:
            query["grain"] = self.grain.value
        elif changes["period"] != Preset.OWN:
            query.pop("from", None)
            query.pop("to", None)
        for name, value in changes.items():
            if value is None:
                query.pop(name, None)
            else:
                query[name] = value
        return f"?{query.urlencode()}"


def _bare(kept: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in kept if name not in {"part", "segment"})


def years_earlier(day: date, years: int = 1) -> date:
    """Return the same day of an earlier year; the last of February for the 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def point_label(start: date, grain: Grain, *, with_year: bool = True) -> str:
    """Return the name of a point of a chart: "5 Oct", "Oct 2026", "Q4 2026" or "2026"."""
    if grain == Grain.YEAR:
        return str(start.year)
    if grain == Grain.QUARTER:
        return dates.format_date(start, "QQQ y", locale=formats.locale())
    if grain == Grain.MONTH:
        return dates.format_date(start, "MMM y", locale=formats.locale())
    return dates.format_date(start, "d MMM y" if with_year else "d MMM", locale=formats.locale())


def days_in_words(start: date, end: date) -> str:
    """Return two days as a range: "5 Oct 2026 – 3 Nov 2026"."""
    if start == end:
        return formats.day(start)
    return f"{formats.day(start)} – {formats.day(end)}"


def _choice(choices: type[models.TextChoices], value: str | None, usual: models.TextChoices):
    return choices(value) if value in choices.values else usual


def _days_of(preset: Preset, until: date) -> tuple[date, date]:
    if preset in TO_DATE:
        return period_start(until, TO_DATE[preset]), until
    return until - timedelta(days=int(preset.value) - 1), until


def _own(query: QueryDict, until: date) -> tuple[date, date]:
    start, end = _day(query.get("from")), _day(query.get("to")) or until
    start = start or end - timedelta(days=29)
    return (start, end) if start <= end else (end, start)


def _mistake(query: QueryDict) -> str:
    given = [query.get(name) for name in ("from", "to")]
    start, end = map(_day, given)
    if any(text and not day for text, day in zip(given, (start, end), strict=True)):
        return _("That is not a day of the calendar: the usual days are shown instead.")
    if start and end and start > end:
        return _("The first day came after the last: they are shown the other way round.")
    return ""


def _day(text: str | None) -> date | None:
    try:
        day = parse_date(text or "")
    except ValueError:
        return None
    return min(max(day, EARLIEST + timedelta(days=366)), LATEST) if day else None


def _grain(value: str | None, start: date, end: date, usual: Grain | None) -> Grain:
    if value in Grain.values and _fits(Grain(value), start, end):
        return Grain(value)
    if usual is not None and _fits(usual, start, end):
        return usual
    days = (end - start).days + 1
    return next((grain for most, grain in READABLE if days <= most), Grain.YEAR)


def _fits(grain: Grain, start: date, end: date) -> bool:
    days = (end - start).days + 1
    least, each = {
        Grain.DAY: (1, 1), Grain.WEEK: (7, 7), Grain.MONTH: (28, 30), Grain.QUARTER: (90, 91),
        Grain.YEAR: (365, 365),
    }[grain]  # fmt: skip
    return days >= least and days / each <= MOST_POINTS
