"""How amounts, numbers, shares and instants are written for a person, in the language that is active.

Templates use the tags of `loyalty_site/templatetags/fidelio.py`, which are these functions; Python code that
hands ready text to a page (a figure of the strip, say) calls them directly.
"""

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel import Locale, dates, numbers
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

LOCALES = {"en": "en_GB", "it": "it_IT"}
NOTHING = "–"
DAY, HOUR, MINUTE = 86_400, 3_600, 60


def locale() -> Locale:
    """Return babel's locale of the active language."""
    return _locale(LOCALES.get((get_language() or "en")[:2], "en_GB"))


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def money(amount: int | None, currency: str = "") -> str:
    """Return minor units as an amount of money: 128450 is "1.284,50 €" in Italian."""
    if amount is None:
        return NOTHING
    currency = currency or settings.PROGRAMME_CURRENCY
    major = Decimal(amount).scaleb(-numbers.get_currency_precision(currency))
    return numbers.format_currency(major, currency, locale=locale())


def money_change(amount: int | None, currency: str = "") -> str:
    """Return how much an amount of money changed, in minor units, with its sign: -699 is "−€6.99"."""
    return NOTHING if amount is None else _sign(amount) + money(abs(amount), currency)


def whole_money(amount: int | None, currency: str = "") -> str:
    """Return minor units rounded to whole units of the currency, for headlines: "1.284 €"."""
    if amount is None:
        return NOTHING
    currency = currency or settings.PROGRAMME_CURRENCY
    major = round(Decimal(amount).scaleb(-numbers.get_currency_precision(currency)))
    pattern = "¤#,##0" if locale().language == "en" else "#,##0\xa0¤"
    return numbers.format_currency(major, currency, pattern, locale=locale(), currency_digits=False)


def major(amount: int | None, currency: str = "") -> Decimal | None:
    """Return minor units as plain major ones, as a file holds them: 128450 is 1284.50."""
    if amount is None:
        return None
    return Decimal(amount).scaleb(-numbers.get_currency_precision(currency or settings.PROGRAMME_CURRENCY))


def number(value: float | int | Decimal | None, digits: int = 0) -> str:
    """Return a number with thousands separated and `digits` decimals."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, pattern, locale=locale())


def percent(share: float | Decimal | None, digits: int = 1) -> str:
    """Return a share as a percentage: 0.123 is "12,3%" in Italian."""
    if share is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return numbers.format_percent(share, pattern, locale=locale())


def change(share: float | Decimal | None, digits: int = 1) -> str:
    """Return a relative change with its sign: 0.054 is "+5.4%"."""
    if share is None:
        return NOTHING
    return _sign(share) + percent(abs(share), digits)


def _sign(value: float | Decimal) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""


def day(value: date | datetime | None, zone: str = "") -> str:
    """Return a date, or the local day of an instant: "5 ott 2026"."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        value = _local(value, zone).date()
    return dates.format_date(value, "d MMM y", locale=locale())


def day_of_any_year(value: date) -> str:
    """Return the day and the month of a date: "31 marzo"."""
    return dates.format_date(value, "d MMMM", locale=locale())


def month(value: date) -> str:
    """Return the month of a date: "ott 2026"."""
    return dates.format_skeleton("yMMM", value, locale=locale())


def quarter(value: date) -> str:
    """Return the quarter of a date: "T4 2026"."""
    return dates.format_skeleton("yQQQ", value, locale=locale())


def moment(value: datetime | None, zone: str = "") -> str:
    """Return an instant in local time, to the minute: "5 ott 2026, 14:05"."""
    if not value:
        return NOTHING
    return dates.format_datetime(_local(value, zone), "d MMM y, HH:mm", locale=locale())


def since(value: datetime | None, at: datetime | None = None) -> str:
    """Return how long ago an instant was, in its largest unit: "3 giorni fa"."""
    if not value:
        return NOTHING
    return dates.format_timedelta(value - (at or timezone.now()), add_direction=True, locale=locale())


def duration(seconds: float | None) -> str:
    """Return a length of time: "2 min 5 s"."""
    if seconds is None:
        return NOTHING
    whole = int(seconds)
    if whole >= DAY:
        days = whole // DAY
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if whole >= HOUR:
        return _("%(hours)d h %(minutes)d min") % {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}
    if whole >= MINUTE:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // MINUTE, "seconds": whole % MINUTE}
    return _("%(seconds)d s") % {"seconds": whole}


def quantity(value: float | int | None, unit: str = "number") -> str:
    """Return a value of a chart or table by its unit: money, percent, or number."""
    if unit == "money":
        return money(value)
    if unit == "percent":
        return percent(value)
    return number(value, 0 if value is None or float(value).is_integer() else 1)


def _local(value: datetime, zone: str) -> datetime:
    return value.astimezone(dates.get_timezone(zone or settings.PROGRAMME_TIME_ZONE))
