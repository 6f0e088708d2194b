"""On days of the calendar: public holidays of a country or region, and the merchant's own local events."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import holidays
from django.utils.translation import gettext as _

from campaigns.triggers.local_time import Wave, daily_waves
from campaigns.triggers.reading import RuleReader

HOLIDAYS, LOCAL_EVENTS = "holidays", "local_events"
MORNING = time(9)
NAMED_YEARS = range(2026, 2029)
LANGUAGES = {"it": "it_IT", "en": "en_US"}


@dataclass(frozen=True)
class CalendarRule:
    """`days_before` a holiday or a local event, at a local time.

    Holidays are named in English, as `holidays_of` lists them; none named means every one. Without ids every
    local event counts.
    """

    of: str
    at: time
    days_before: int = 0
    country: str = ""
    subdivision: str = ""
    names: tuple[str, ...] = ()
    events: tuple[int, ...] = ()

    @classmethod
    def parse(cls, rule: Any) -> "CalendarRule":
        """Return the rule `{"of": "holidays", "country": "IT", "subdivision", "names": [..], "days_before",
        "at"}` or `{"of": "local_events", "events": [ids], "days_before", "at"}`."""
        reader = RuleReader(rule)
        of, at = reader.choice("of", (HOLIDAYS, LOCAL_EVENTS)), reader.clock("at", MORNING)
        days = reader.whole("days_before", lowest=0, highest=365, default=0)
        country = subdivision = ""
        names: tuple[str, ...] = ()
        events: tuple[int, ...] = ()
        if of == HOLIDAYS:
            country, subdivision = _place(reader)
            names = reader.texts("names", most=60)
            known = known_names(country, subdivision) if country else set()
            for unknown in [name for name in names if country and name not in known][:1]:
                reader.wrong("names", _("There is no holiday “%(name)s” there.") % {"name": unknown[:80]})
        else:
            events = reader.numbers("events", lowest=1, highest=2**62)
        reader.done()
        return cls(of, at, days, country, subdivision, names, events)

    def due(self, after: datetime, until: datetime, *, zones: list[str]) -> list[Wave]:
        """Return when it was the local time within (after, until] on days that are so long before a holiday.

        Of local events every day is told: which of them it is about is in the merchant's rows.
        """
        waves = daily_waves(self.at, after=after, until=until, zones=zones)
        return [wave for wave in waves if self.of == LOCAL_EVENTS or self.holiday_of(wave.on)]

    def celebrated_on(self, wave_day: date) -> date:
        return wave_day + timedelta(days=self.days_before)

    def holiday_of(self, wave_day: date) -> str:
        """Return the English name of the holiday that a wave is about; empty when it is about none."""
        found = holidays_of(self.country, self.subdivision, self.celebrated_on(wave_day).year)
        name = found.get(self.celebrated_on(wave_day), "")
        return name if not self.names or set(self.names) & set(name.split("; ")) else ""

    def next_holidays(self, today: date, count: int) -> list[tuple[date, str]]:
        """Return the next holidays that count, each with its English name."""
        years = {**holidays_of(self.country, self.subdivision, today.year)}
        years |= holidays_of(self.country, self.subdivision, today.year + 1)
        chosen = [
            (day, name)
            for day, name in sorted(years.items())
            if day >= today and (not self.names or set(self.names) & set(name.split("; ")))
        ]
        return chosen[:count]


@lru_cache(maxsize=256)
def holidays_of(country: str, subdivision: str, year: int, language: str = "en") -> dict[date, str]:
    """Return the public holidays of a country or one of its regions in a year, the local ones too."""
    return _holidays(country, subdivision, year, language)


def known_names(country: str, subdivision: str = "") -> set[str]:
    """Return the English names of the holidays there are in a few years: some are not in every one."""
    names: set[str] = set()
    for year in NAMED_YEARS:
        for name in holidays_of(country, subdivision, year).values():
            names |= set(name.split("; "))
    return names


def countries() -> list[str]:
    """Return the countries whose holidays are known, by their two letters."""
    return sorted(holidays.list_supported_countries())


def subdivisions(country: str) -> tuple[str, ...]:
    """Return the codes of the regions whose own holidays are known."""
    return tuple(holidays.list_supported_countries().get(country, ()))


def region_names(country: str, subdivision: str) -> set[str]:
    """Return under which names a region may stand in an address, in lower case."""
    aliases = getattr(getattr(holidays, country), "subdivisions_aliases", {}) or {}
    named = {name for name, code in aliases.items() if code == subdivision}
    return {each.lower() for each in named | {subdivision, f"{country}-{subdivision}"}}


def _holidays(country: str, subdivision: str, year: int, language: str) -> dict[date, str]:
    calendar = getattr(holidays, country)
    wanted = LANGUAGES.get(language, "en_US")
    spoken = [each for each in calendar.supported_languages if each in (wanted, language)]
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=year, language=spoken[0] if spoken else None
    )
    return dict(found.items())


def _place(reader: RuleReader) -> tuple[str, str]:
    country, subdivision = reader.text("country", longest=2, required=True), ""
    if country and country not in countries():
        reader.wrong("country", _("The holidays of this country are not known."))
        country = ""
    subdivision = reader.text("subdivision", longest=8)
    if country and subdivision and subdivision not in subdivisions(country):
        reader.wrong("subdivision", _("The holidays of this region are not known."))
        subdivision = ""
    return country, subdivision
