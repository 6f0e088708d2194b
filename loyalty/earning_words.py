"""Earning rules and their answers in words, for the console and the API's trace."""

from datetime import date, time
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.engine import Items
from loyalty.models import EarningRule
from loyalty.rewarded_events import label_of
from loyalty.rules import (
    Cap,
    CapPeriod,
    CapSubject,
    Check,
    Circumstances,
    Expiry,
    ExpiryKind,
    Gives,
    Holding,
    Kind,
    Terms,
)
from operations.formats import day, day_of_any_year, money, number

WEEKDAY_NAMES = {
    "MON": lambda: _("Mondays"),
    "TUE": lambda: _("Tuesdays"),
    "WED": lambda: _("Wednesdays"),
    "THU": lambda: _("Thursdays"),
    "FRI": lambda: _("Fridays"),
    "SAT": lambda: _("Saturdays"),
    "SUN": lambda: _("Sundays"),
}


def promise(rule: EarningRule) -> str:
    """Return what a rule gives, in one sentence: "2 points for every €1.00 spent"."""
    terms = rule.current.terms
    given = _given(rule, terms)
    if terms.kind == Kind.PER_AMOUNT:
        return _("%(points)s for every %(amount)s") % {"points": given, "amount": money(terms.per_amount)}
    if terms.kind == Kind.PER_UNIT:
        if terms.per_quantity == 1:
            return _("%(points)s for every piece") % {"points": given}
        return _("%(points)s for every %(count)s pieces") % {
            "points": given,
            "count": number(terms.per_quantity),
        }
    return _("%(points)s for: %(event)s") % {"points": given, "event": label_of(rule.event_type)}


def describe(rule: EarningRule) -> list[str]:
    """Return everything a rule says, a sentence each."""
    terms = rule.current.terms
    said = [f"{promise(rule)}."]
    said += [f"{line}." for line in _conditions(terms)]
    said += [_multiplier(one) for one in terms.multipliers]
    if terms.benefits and rule.gives == Gives.POINTS:
        said.append(_("Multiplied by what the customer's tier or membership gives."))
    said += [cap_in_words(cap, rule) for cap in terms.caps]
    if rule.gives == Gives.POINTS:
        said += [holding_in_words(terms), expiry_in_words(terms.expiry)]
    if rule.exclusive:
        said.append(_("Where it gives something, no other rule does."))
    return said


def expiry_in_words(expiry: Expiry) -> str:
    """Return how long points of a rule are good."""
    if expiry.kind == ExpiryKind.MONTHS:
        return ngettext(
            "They expire after %(n)d month.", "They expire after %(n)d months.", expiry.months
        ) % {"n": expiry.months}
    if expiry.kind == ExpiryKind.DAYS:
        return ngettext("They expire after %(n)d day.", "They expire after %(n)d days.", expiry.days) % {
            "n": expiry.days
        }
    if expiry.kind == ExpiryKind.INACTIVITY:
        return ngettext(
            "They expire after %(n)d month without any activity.",
            "They expire after %(n)d months without any activity.",
            expiry.months,
        ) % {"n": expiry.months}
    if expiry.kind == ExpiryKind.DATE:
        shown = day_of_any_year(date(2028, expiry.month, expiry.day))
        if expiry.years == 0:
            return _("They expire on the next %(day)s.") % {"day": shown}
        if expiry.years == 1:
            return _("They expire on %(day)s of the following year.") % {"day": shown}
        return _("They expire on %(day)s, %(years)d years later.") % {"day": shown, "years": expiry.years}
    return _("They never expire.")


def holding_in_words(terms: Terms) -> str:
    """Return when points of a rule can be spent."""
    if terms.holding == Holding.NONE:
        return _("They can be spent at once.")
    if terms.holding == Holding.DAYS:
        return ngettext(
            "They can be spent after %(n)d day.", "They can be spent after %(n)d days.", terms.holding_days
        ) % {"n": terms.holding_days}
    return _("They can be spent when the order can no longer be returned: after %(days)d days.") % {
        "days": settings.RETURN_WINDOW_DAYS
    }


def cap_in_words(cap: Cap, rule: EarningRule) -> str:
    """Return what a cap says."""
    units = cap.units if cap.times is None else cap.times
    most = number(units)
    if cap.times is not None:
        given = ngettext("once", "%(n)s times", units) % {"n": most}
    elif rule.gives == Gives.DRAW_ENTRIES:
        given = ngettext("%(n)s entry", "%(n)s entries", units) % {"n": most}
    else:
        given = ngettext("%(n)s point", "%(n)s points", units) % {"n": most}
    if cap.subject == CapSubject.EVENT:
        each = _("an order") if rule.is_for_orders else _("each time")
        return _("At most %(given)s %(each)s.") % {"given": given, "each": each}
    whom = _("each customer") if cap.subject == CapSubject.CUSTOMER else _("everybody together")
    period = {
        CapPeriod.DAY: _("a day"),
        CapPeriod.WEEK: _("a week"),
        CapPeriod.MONTH: _("a month"),
        CapPeriod.YEAR: _("a year"),
        CapPeriod.TOTAL: _("in all"),
    }[cap.period]
    return _("At most %(given)s %(period)s for %(whom)s.") % {
        "given": given,
        "period": period,
        "whom": whom,
    }


def check_in_words(check: Check) -> str:
    """Return a condition with its answer: what is asked, and where it fails what was found."""
    asked = _asked(check.name, check.wanted)
    if check.passed:
        return asked
    found = _found(check)
    return _("%(asked)s; here: %(found)s") % {"asked": asked, "found": found} if found else asked


def _asked(name: str, wanted: Any) -> str:
    if name == "items":
        return _("On: %(items)s") % {"items": items_in_words(wanted) or _("any article")}
    if name == "minimum_amount":
        return _("At least %(amount)s") % {"amount": money(wanted)}
    if name == "payload":
        ((key, value),) = wanted.items()
        return f"{key} = {value}"
    if name == "order":
        return _("An order with an amount")
    return _circumstance(name, wanted)


def _found(check: Check) -> str:
    if check.name == "items":
        return _("none of them")
    if check.name == "minimum_amount":
        return money(check.found)
    if check.name == "period":
        return day(check.found)
    if check.name == "hours":
        return _clock(check.found)
    if check.name == "weekdays":
        return WEEKDAY_NAMES[check.found]()
    if check.name in ("segment", "tiers", "memberships", "order"):
        return ""
    return str(check.found) if check.found not in ("", None) else _("none")


def _circumstance(name: str, wanted: Any) -> str:
    if name == "weekdays":
        return _("On %(days)s") % {
            "days": ", ".join(WEEKDAY_NAMES[code]() for code in WEEKDAY_NAMES if code in wanted)
        }
    if name == "hours":
        until = _clock(wanted.until) if wanted.until else "24:00"
        return _("From %(since)s to %(until)s") % {"since": _clock(wanted.since), "until": until}
    if name == "period":
        return _period(*wanted)
    if name == "segment":
        return _("In the segment %(name)s") % {"name": wanted}
    names = ", ".join(sorted(wanted))
    return {
        "sales_channels": _("Sales channel: %(names)s"),
        "stores": _("Store: %(names)s"),
        "business_units": _("Business unit: %(names)s"),
        "tiers": _("Tier: %(names)s"),
        "memberships": _("Membership: %(names)s"),
    }[name] % {"names": names}


def _period(since: date | None, until: date | None) -> str:
    if since and until:
        return _("From %(since)s to %(until)s") % {"since": day(since), "until": day(until)}
    return _("From %(day)s") % {"day": day(since)} if since else _("Until %(day)s") % {"day": day(until)}


def circumstances_in_words(when: Circumstances) -> list[str]:
    """Return each circumstance that is asked for."""
    written = {
        "sales_channels": when.sales_channels,
        "stores": when.stores,
        "business_units": when.business_units,
        "weekdays": when.weekdays,
        "hours": when.hours,
        "period": (when.since, when.until) if when.since or when.until else None,
        "segment": when.segment,
        "tiers": when.tiers,
        "memberships": when.memberships,
    }
    return [_circumstance(name, wanted) for name, wanted in written.items() if wanted]


def items_in_words(items: Items | None) -> str:
    """Return which articles are meant."""
    if items is None:
        return ""
    named = [*items.categories, *items.brands, *items.collections, *items.products, *items.skus]
    said = ", ".join(sorted(named)) or _("all articles")
    if items.exclude:
        out = items.exclude
        names = sorted([*out.categories, *out.brands, *out.collections, *out.products, *out.skus])
        said = _("%(items)s, but not %(excluded)s") % {"items": said, "excluded": ", ".join(names)}
    return said


def _conditions(terms: Terms) -> list[str]:
    asked = terms.conditions
    said = [_asked("items", asked.items)] if asked.items else []
    said += circumstances_in_words(asked.when)
    if asked.minimum_amount:
        said.append(_asked("minimum_amount", asked.minimum_amount))
    return [*said, *(_asked("payload", {name: value}) for name, value in asked.payload.items())]


def _multiplier(multiplier: Any) -> str:
    when = "; ".join(circumstances_in_words(multiplier.when))
    factor = number(multiplier.factor, 2 if multiplier.factor % 1 else 0)
    return _("Times %(factor)s: %(when)s.") % {"factor": factor, "when": when or _("always")}


def _given(rule: EarningRule, terms: Terms) -> str:
    if rule.gives == Gives.DRAW_ENTRIES:
        return ngettext("%(n)s entry", "%(n)s entries", terms.points) % {"n": number(terms.points)}
    return ngettext("%(n)s point", "%(n)s points", terms.points) % {"n": number(terms.points)}


def _clock(at: time) -> str:
    return at.strftime("%H:%M")
