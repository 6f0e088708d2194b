"""On a date of each person: a birthday, an anniversary, months after a purchase, days before an end."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns.triggers.local_time import Wave, born_on, daily_waves, days_reaching
from campaigns.triggers.reading import RuleReader

BIRTHDAY, SIGNUP, PURCHASE, LAST_ORDER = "birthday", "signup", "purchase", "last_order"
COUPON_EXPIRY, POINTS_EXPIRY, REPLACEMENT, SERVICE = (
    "coupon_expiry", "points_expiry", "replacement", "service",
)  # fmt: skip
KINDS = (BIRTHDAY, SIGNUP, PURCHASE, LAST_ORDER, COUPON_EXPIRY, POINTS_EXPIRY, REPLACEMENT, SERVICE)
# What is meant by a date of a purchase: that of these articles.
ARTICLES = ("sku", "product_line", "category", "brand")
OF_ARTICLES = (PURCHASE, REPLACEMENT, SERVICE)
WITH_MONTHS = (SIGNUP, PURCHASE, LAST_ORDER, REPLACEMENT, SERVICE)
LONGEST_AHEAD = 365
MORNING = time(9)


@dataclass(frozen=True)
class DateRule:
    """`days_before` a date of each person at a local time of theirs.

    `months` after the sign-up, the purchase, the last order; `every_year` again on each anniversary of it.
    `article` narrows purchases and owned products down: `("product_line", "shoes")`. Replacement and service
    count from the owned product where there is one with a serial number, else from the purchase.
    """

    of: str
    at: time
    days_before: int = 0
    months: int = 0
    every_year: bool = False
    article: tuple[str, str] | None = None
    promotion: str = ""
    least_points: int = 1

    @classmethod
    def parse(cls, rule: Any) -> "DateRule":
        """Return the rule `{"of", "at", "days_before", "months" | "years", "every_year", "category"}`."""
        reader = RuleReader(rule)
        of, at = reader.choice("of", KINDS), reader.clock("at", MORNING)
        days = reader.whole("days_before", lowest=0, highest=LONGEST_AHEAD, default=0)
        months, every_year = 0, of == BIRTHDAY
        if of in WITH_MONTHS:
            months, every_year = _months(reader), reader.flag("every_year")
        article = _article(reader) if of in OF_ARTICLES else None
        promotion = reader.text("promotion", longest=64) if of == COUPON_EXPIRY else ""
        least = reader.whole("least_points", lowest=1, highest=10**9, default=1) if of == POINTS_EXPIRY else 1
        reader.done()
        return cls(of, at, days, months, every_year, article, promotion, least)

    def due(self, after: datetime, until: datetime, *, zones: list[str]) -> list[Wave]:
        """Return when it was the local time within (after, until], day by day and zone by zone."""
        return daily_waves(self.at, after=after, until=until, zones=zones)

    def celebrated_on(self, wave_day: date) -> date:
        """Return the day that a wave is about."""
        return wave_day + timedelta(days=self.days_before)

    def birthdays_meant(self, wave_day: date) -> list[tuple[int, int]]:
        """Return month and day of the births that a wave is about."""
        return born_on(self.celebrated_on(wave_day))

    def days_meant(self, wave_day: date, *, earliest: int = 1950) -> list[date]:
        """Return the days of sign-up or purchase that a wave is about; with `every_year` of many years."""
        day = self.celebrated_on(wave_day)
        if not self.every_year:
            return days_reaching(day, self.months)
        step = max(12, self.months)
        months = range(step, (day.year - earliest) * 12, step)
        return [each for count in months for each in days_reaching(day, count)]


def _months(reader: RuleReader) -> int:
    years = reader.whole_or_none("years", lowest=1, highest=50)
    months = reader.whole_or_none("months", lowest=1, highest=600)
    if years is not None and months is not None:
        reader.wrong("months", _("Say years or months, not both."))
    if years is None and months is None:
        reader.wrong("months", _("Say after how many months or years."))
    return months or (years or 1) * 12


def _article(reader: RuleReader) -> tuple[str, str] | None:
    named = [(name, value) for name in ARTICLES if (value := reader.text(name, longest=120))]
    if len(named) > 1:
        reader.wrong(named[1][0], _("Name one of article, product line, category and brand."))
    return named[0] if named else None
