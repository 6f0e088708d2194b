"""When a campaign goes out, in one sentence."""

from typing import Any

from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.admin.event_words import OWN_EVENTS
from campaigns.models import CampaignVersion
from campaigns.triggers import (
    CalendarRule,
    DateRule,
    EventRule,
    Recurring,
    SegmentRule,
    parse_trigger,
)
from campaigns.triggers.calendars import HOLIDAYS
from campaigns.triggers.dates import REPLACEMENT, SERVICE
from campaigns.triggers.recurring import MONTH, WEEK, WEEKDAYS
from customers.models import Segment
from operations.errors import FidelioError
from operations.formats import moment

DATES = {
    "birthday": lambda: _("on each person's birthday"),
    "signup": lambda: _("after they joined"),
    "purchase": lambda: _("after they bought something"),
    "last_order": lambda: _("after their last order"),
    "coupon_expiry": lambda: _("when a coupon of theirs expires"),
    "points_expiry": lambda: _("when points of theirs expire"),
    "replacement": lambda: _("when something they own has to be replaced"),
    "service": lambda: _("when something they own is due for a service"),
}
# Their months are the age of a thing; those of the others follow a day.
OF_THINGS = (REPLACEMENT, SERVICE)


def trigger_sentence(version: CampaignVersion) -> str:
    """Return what sets the campaign off, as a marketer would say it."""
    if version.trigger == CampaignVersion.Trigger.MANUAL:
        return _("Whenever a colleague sends it from a customer's page.")
    if version.trigger == CampaignVersion.Trigger.ONE_OFF:
        if version.starts_at:
            return _("Once, on %(moment)s.") % {"moment": moment(version.starts_at)}
        return _("Once, as soon as it is started.")
    try:
        rule = parse_trigger(version.trigger, version.trigger_rule)
    except FidelioError:
        return _("Its rule cannot be read; look at the step “When”.")
    words = _words(rule)
    return words[:1].upper() + words[1:]


def _words(rule: Any) -> str:
    match rule:
        case Recurring():
            return _recurring(rule)
        case DateRule():
            return _date(rule)
        case CalendarRule():
            return _calendar(rule)
        case EventRule():
            return _event(rule)
        case SegmentRule():
            segment = Segment.objects.filter(code=rule.segment).first() or rule.segment
            moved = _("enters") if rule.moves == "entered" else _("leaves")
            words = _("when somebody %(moves)s the segment “%(segment)s”") % {
                "moves": moved,
                "segment": segment,
            }
            return f"{words}{_later(rule.delay_minutes)}."
    return ""


def _recurring(rule: Recurring) -> str:
    clock = {"clock": f"{rule.at:%H:%M}"}
    if rule.every == WEEK:
        days = ", ".join(str(WEEKDAY_NAMES[WEEKDAYS.index(day)]) for day in rule.weekdays)
        return _("every week on %(days)s at %(clock)s.") % ({"days": days} | clock)
    if rule.every == MONTH:
        if rule.day == 31:
            return _("on the last day of every month at %(clock)s.") % clock
        return _("on day %(day)d of every month at %(clock)s.") % ({"day": rule.day} | clock)
    return _("every day at %(clock)s.") % clock


def _date(rule: DateRule) -> str:
    words = DATES[rule.of]()
    if rule.months:
        age = ngettext("%(count)d month", "%(count)d months", rule.months) % {"count": rule.months}
        if rule.of in OF_THINGS:
            words = _("%(words)s (%(article)s)") % {"words": words, "article": age}
        else:
            words = f"{age} {words}"
        if rule.every_year:
            words = _("%(words)s, and on every anniversary") % {"words": words}
    if rule.article:
        words = _("%(words)s (%(article)s)") % {"words": words, "article": rule.article[1]}
    if rule.days_before:
        words += _in_advance(rule.days_before)
    return _("%(words)s, at %(clock)s where they live.") % {"words": words, "clock": f"{rule.at:%H:%M}"}


def _calendar(rule: CalendarRule) -> str:
    what = _("on local events of your own")
    if rule.of == HOLIDAYS:
        what = _("on public holidays (%(place)s)") % {
            "place": "-".join(filter(None, [rule.country, rule.subdivision]))
        }
    if rule.days_before:
        what += _in_advance(rule.days_before)
    return _("%(words)s, at %(clock)s where they live.") % {"words": what, "clock": f"{rule.at:%H:%M}"}


def _event(rule: EventRule) -> str:
    own = OWN_EVENTS.get(rule.type)
    words = (
        _("when %(event)s") % {"event": own} if own else _("when “%(type)s” happens") % {"type": rule.type}
    )
    if rule.nth:
        words = _("when “%(type)s” happens for the %(count)s time") % {
            "type": own or rule.type,
            "count": _ordinal(rule.nth),
        }
    if rule.every_nth:
        words = _("every %(count)s time that “%(type)s” happens") % {
            "type": own or rule.type,
            "count": _ordinal(rule.every_nth),
        }
    return f"{words}{_later(rule.delay_minutes)}."


def _ordinal(number: int) -> str:
    """Return 1st, 22nd, 13th; in Italian 10ª, for it speaks of times."""
    if (get_language() or "en").startswith("it"):
        return f"{number}ª"
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _in_advance(days: int) -> str:
    return ngettext(", %(count)d day in advance", ", %(count)d days in advance", days) % {"count": days}


def _later(minutes: int) -> str:
    if not minutes:
        return ""
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext(", %(count)d day later", ", %(count)d days later", days) % {"count": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext(", %(count)d hour later", ", %(count)d hours later", hours) % {"count": hours}
    return ngettext(", %(count)d minute later", ", %(count)d minutes later", minutes) % {"count": minutes}
