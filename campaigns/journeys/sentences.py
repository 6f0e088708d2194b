"""What a step does, in a few words."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.journeys.steps import (
    BranchStep,
    GiveStep,
    MessageStep,
    Step,
    TagStep,
    WaitStep,
)

WAYS = {"then": lambda: _("yes"), "otherwise": lambda: _("no"), "goal": lambda: _("goal")}


def say_step(step: Step, names: Mapping[str, str] | None = None) -> str:
    """Return a sentence without its full stop: “Wait 2 days”. `names`: {"segment:vip": "Our best"}."""
    names = names or {}
    match step:
        case MessageStep(coupon=True):
            return _("Message with a coupon")
        case MessageStep():
            return _("Message")
        case WaitStep(event=event) if event is not None:
            return _("Wait for %(event)s, %(time)s at most") % {"event": event.type, "time": _time(step)}
        case WaitStep(until=day) if day is not None:
            return _("Wait until %(day)s") % {"day": day.isoformat()}
        case WaitStep():
            return _("Wait %(time)s") % {"time": _time(step)}
        case BranchStep(shares=shares) if shares:
            return _("By lot: %(shares)s") % {"shares": " / ".join(f"{one} %" for one, _next in shares)}
        case BranchStep(event=event) if event is not None:
            return _("Did this happen: %(event)s?") % {"event": event.type}
        case BranchStep(segment=segment) if segment:
            return _("In the segment %(segment)s?") % {"segment": names.get(f"segment:{segment}", segment)}
        case BranchStep():
            return _("Do these rules hold?")
        case GiveStep(points=points) if points:
            return ngettext("Give %(count)s point", "Give %(count)s points", points) % {"count": points}
        case GiveStep():
            return _("Give a coupon of %(promotion)s") % {
                "promotion": names.get(f"promotion:{step.promotion}", step.promotion)
            }
        case TagStep(adds=True):
            return _("Put on the list %(list)s") % {
                "list": names.get(f"segment:{step.segment}", step.segment)
            }
        case TagStep():
            return _("Take off the list %(list)s") % {
                "list": names.get(f"segment:{step.segment}", step.segment)
            }
    return _("The end")


def say_way(name: str) -> str:
    """Return how a way out of a step is called; empty for the only one."""
    if name.isdigit():
        return chr(ord("A") + int(name))
    return WAYS[name]() if name in WAYS else ""


def _time(step: WaitStep) -> str:
    minutes = int(step.length.total_seconds()) // 60 if step.length else 0
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
