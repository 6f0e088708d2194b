"""What holds for codes, dates and allowances whatever the database says. Pure."""

import unicodedata
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from operations.cells import inert

SHORTEST_CODE = 4
LONGEST_CODE = 64
APOLOGIES = (
    "apology-"  # What the codes of the promotions begin with whose coupons each have a value of their own.
)
FOREVER = date(1, 1, 1)  # Where the one period begins of a limit or budget that counts in all.


def canonical_code(code: str) -> str:
    """Return the form in which codes are compared: NFKC, without space around, upper case."""
    return unicodedata.normalize("NFKC", code).strip().upper()


def malformed_code(code: str) -> str:
    """Return why no code can be written like this; empty when one can."""
    canonical = canonical_code(code)
    if not SHORTEST_CODE <= len(canonical) <= max(len(canonical), len(code.strip())) <= LONGEST_CODE:
        return _("A code has %(low)d to %(high)d characters.") % {"low": SHORTEST_CODE, "high": LONGEST_CODE}
    if any(unicodedata.category(character)[0] == "C" for character in canonical):
        return _("A code holds no control characters.")
    return ""


def code_mistake(code: str) -> str:
    """Return what is wrong with a code somebody made up; empty when nothing is."""
    if mistake := malformed_code(code):
        return mistake
    canonical = canonical_code(code)
    if inert(canonical) != canonical:
        return _("A spreadsheet would take this code for a formula: it cannot begin with %(sign)s.") % {
            "sign": canonical[0]
        }
    return ""


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def start_of_day(day: date, zone: str) -> datetime:
    """Return the instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def end_of_day_after(at: datetime, *, days: int, zone: str) -> datetime:
    """Return the exclusive end of the local day that lies `days` after this instant."""
    return start_of_day(local_day(at, zone) + timedelta(days=days + 1), zone)


def end_of_local_day(day: date, zone: str) -> datetime:
    """Return the exclusive end of a local day."""
    return start_of_day(day + timedelta(days=1), zone)


def period_start(period: str, at: datetime, zone: str) -> date:
    """Return the first local day of the period in which the instant falls; weeks begin on Monday."""
    day = local_day(at, zone)
    return {
        "TOTAL": FOREVER,
        "DAY": day,
        "WEEK": day - timedelta(days=day.weekday()),
        "MONTH": day.replace(day=1),
    }[period]
