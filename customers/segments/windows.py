"""Windows as rules write them: relative days, dates, seasons."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from customers.models import Season
from customers.segments.moments import LONGEST_DAYS, Window
from customers.segments.seasons import SeasonWindow, Which
from customers.segments.values import Wrong, day_of, in_bounds, is_whole


def window_of(window: Any) -> Window:
    """Return a window as it was written. Raises Wrong with a sentence."""
    if not isinstance(window, dict):
        raise Wrong(_("A window is an object."))
    if set(window) == {"last_days"}:
        return Window(last_days=days_of(window["last_days"]))
    if set(window) == {"days_ago"}:
        days = window["days_ago"]
        if not isinstance(days, list) or len(days) != 2:
            raise Wrong(_("`days_ago` takes a list of two numbers, the nearer first."))
        nearest, farthest = days_of(days[0]), days_of(days[1])
        if nearest > farthest:
            raise Wrong(_("`days_ago` takes a list of two numbers, the nearer first."))
        return Window(days_ago=(nearest, farthest))
    if window and set(window) <= {"from", "until"}:
        since, until = _bound(window.get("from")), _bound(window.get("until"))
        if type(since) is type(until) and since is not None and since > until:
            raise Wrong(_("The window ends before it begins."))
        return Window(since=since, until=until)
    if "season" in window and set(window) <= {"season", "of"}:
        return Window(season=_season(window["season"], window.get("of")))
    raise Wrong(_("A window is one of last_days, days_ago, season, since_event, or from and until."))


def _season(which: Any, code: Any) -> SeasonWindow:
    if which not in list(Which):
        raise Wrong(_("A season is current, previous or previous_same."))
    seasons = Season.objects.spans()
    if not seasons:
        raise Wrong(_("The programme has no seasons."))
    if code is not None:
        seasons = tuple(season for season in seasons if season.code == code)
        if not seasons:
            raise Wrong(_("There is no season %(code)s.") % {"code": str(code)[:100]})
    return SeasonWindow(Which(which), seasons)


def days_of(value: Any) -> int:
    if not is_whole(value) or not 0 <= value <= LONGEST_DAYS:
        raise Wrong(_("Days are a whole number from 0 to %(most)s.") % {"most": LONGEST_DAYS})
    return value


def _bound(value: Any) -> date | datetime | None:
    if value is None:
        return None
    if isinstance(value, str) and "T" in value:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise Wrong(_("An instant is written 2026-11-21T12:00:00+01:00, with its offset."))
        return in_bounds(instant)
    return day_of(value)
