"""The steps of a journey, read and checked one by one; campaigns.journeys.flow looks at them together."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.triggers import EventRule
from campaigns.triggers.reading import RuleReader
from operations.errors import InvalidInput, Mistake

END = "END"  # Where a journey goes that goes nowhere else.
NEXT, THEN, OTHERWISE = "next", "then", "otherwise"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
MOST_SHARES = 10
LONGEST_WAIT = timedelta(days=2 * 366)
MOST_POINTS = 1_000_000


class StepKind(models.TextChoices):
    MESSAGE = "MESSAGE", gettext_lazy("Send a message")
    WAIT = "WAIT", gettext_lazy("Wait")
    BRANCH = "BRANCH", gettext_lazy("Fork")
    GIVE = "GIVE", gettext_lazy("Give something")
    TAG = "TAG", gettext_lazy("Put on a list")
    EXIT = "EXIT", gettext_lazy("End here")


class Unit(models.TextChoices):
    MINUTES = "MINUTES", gettext_lazy("minutes")
    HOURS = "HOURS", gettext_lazy("hours")
    DAYS = "DAYS", gettext_lazy("days")
    WEEKS = "WEEKS", gettext_lazy("weeks")


LENGTHS = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
}


@dataclass(frozen=True)
class Step:
    """One station of a journey. `next` names the step after it; empty: the one that follows in the list."""

    id: str
    name: str
    next: str

    kind = StepKind.EXIT

    def ways(self) -> list[tuple[str, str]]:
        """Return every way out of the step: its name, and the step that it names (empty: the following)."""
        return [(NEXT, self.next)]


@dataclass(frozen=True)
class MessageStep(Step):
    """Send what the version says at this step; with `coupon`, each message brings one of the campaign's."""

    coupon: bool = False

    kind = StepKind.MESSAGE


@dataclass(frozen=True)
class WaitStep(Step):
    """Wait for some time (then until the local time `clock`), until a day, or for an event.

    Waiting for an event ends after `length` at the latest, and then goes `otherwise`.
    """

    length: timedelta | None = None
    clock: time | None = None
    until: date | None = None
    event: EventRule | None = None
    otherwise: str = ""

    kind = StepKind.WAIT

    def ways(self) -> list[tuple[str, str]]:
        ways = super().ways()
        return [*ways, (OTHERWISE, self.otherwise)] if self.event else ways


@dataclass(frozen=True)
class BranchStep(Step):
    """Part the ways: by a segment, by rules, by what happened, or by lot (`shares`: percent and step)."""

    segment: str = ""
    rules: Mapping[str, Any] | None = None
    event: EventRule | None = None
    within_days: int | None = None
    otherwise: str = ""
    shares: tuple[tuple[int, str], ...] = ()

    kind = StepKind.BRANCH

    def ways(self) -> list[tuple[str, str]]:
        if self.shares:
            return [(str(number), target) for number, (_percent, target) in enumerate(self.shares)]
        return [(THEN, self.next), (OTHERWISE, self.otherwise)]


@dataclass(frozen=True)
class GiveStep(Step):
    """Give a coupon of a promotion, or points."""

    promotion: str = ""
    points: int = 0
    expires_days: int | None = None

    kind = StepKind.GIVE


@dataclass(frozen=True)
class TagStep(Step):
    """Put the person into a segment that is kept by hand, or take them out of it."""

    segment: str = ""
    adds: bool = True

    kind = StepKind.TAG


@dataclass(frozen=True)
class ExitStep(Step):
    kind = StepKind.EXIT

    def ways(self) -> list[tuple[str, str]]:
        return []


@dataclass(frozen=True)
class Goal:
    """What a journey is for: whoever reaches it leaves at once."""

    event: EventRule | None = None
    segment: str = ""


def read_step(given: Any, *, under: str) -> tuple[Step | None, list[Mistake]]:
    """Return a step, and everything that is wrong with it, with places below `under`."""
    if not isinstance(given, Mapping):
        return None, [Mistake(under, _("A step is an object."))]
    reader = StepReader(given, under=under)
    id_ = reader.text("id", longest=32, required=True)
    if id_ and not NAME.fullmatch(id_):
        reader.wrong("id", _("Use small letters, digits, - and _."))
    kind = reader.choice("kind", StepKind.values)
    common = {"id": id_, "name": reader.text("name", longest=80), "next": reader.target(NEXT)}
    step = READERS[StepKind(kind)](reader, common)
    return step, reader.mistakes()


def read_goal(given: Any) -> tuple[Goal | None, list[Mistake]]:
    """Return the goal, None without one, and everything that is wrong with it."""
    if not given:
        return None, []
    reader = StepReader(given, under="/goal")
    event, segment = reader.event("event"), reader.text("segment", longest=120)
    if bool(event) == bool(segment) and not reader.mistakes():
        reader.wrong("event", _("A goal is an event or a segment."))
    return Goal(event, segment), reader.mistakes()


class StepReader(RuleReader):
    """Reads a step; its mistakes are collected, not raised."""

    def mistakes(self) -> list[Mistake]:
        """Return what is wrong; also names that nobody asked for."""
        try:
            self.done()
        except InvalidInput as error:
            return list(error.details)
        return []

    def target(self, name: str, *, required: bool = False) -> str:
        """Return the name of a step, END, or nothing."""
        return self.text(name, longest=32, required=required)

    def length(self) -> timedelta:
        amount = self.whole("amount", lowest=1, highest=100_000)
        length = amount * LENGTHS[Unit(self.choice("unit", Unit.values, Unit.DAYS))]
        if length > LONGEST_WAIT:
            self.wrong("amount", _("Wait for two years at most."))
            return LONGEST_WAIT
        return length

    def day(self, name: str) -> date | None:
        value = self.given(name)
        try:
            return date.fromisoformat(value) if value is not None else None
        except (TypeError, ValueError):
            self.wrong(name, _("Write a day like 2026-12-24."))
            return None

    def event(self, name: str) -> EventRule | None:
        """Return `{"type", "where"}` as a rule that an event fits or not."""
        value = self.given(name)
        if value is None:
            return None
        if not isinstance(value, Mapping) or set(value) - {"type", "where"}:
            self.wrong(name, _("An event has a type and conditions (where)."))
            return None
        try:
            return EventRule.parse(value)
        except InvalidInput as error:
            for mistake in error.details:
                self.wrong(name + mistake.pointer.removeprefix("/trigger_rule"), mistake.message)
            return None


def _message(reader: StepReader, common: dict[str, str]) -> Step:
    return MessageStep(**common, coupon=reader.flag("coupon"))


def _wait(reader: StepReader, common: dict[str, str]) -> Step:
    clock = reader.clock("at") if reader.has("at") else None
    event, until, otherwise = reader.event("event"), reader.day("until"), reader.target(OTHERWISE)
    timed = event is not None or until is None or reader.has("amount")
    length = reader.length() if timed else None
    if until is not None and (event is not None or length is not None):
        reader.wrong("until", _("Wait for a time, until a day or for an event: one of them."))
    if otherwise and event is None:
        reader.wrong(OTHERWISE, _("Only waiting for an event can go another way."))
    return WaitStep(**common, length=length, clock=clock, until=until, event=event, otherwise=otherwise)


def _branch(reader: StepReader, common: dict[str, str]) -> Step:
    segment, event, rules = reader.text("segment", longest=120), reader.event("event"), reader.given("rules")
    within, shares = reader.whole_or_none("within_days", lowest=1, highest=3660), _shares(reader)
    asked = [bool(segment), event is not None, rules is not None, bool(shares)]
    otherwise = reader.target(OTHERWISE, required=not shares)
    if sum(asked) != 1 and not reader.has_mistakes:
        reader.wrong("kind", _("Fork by a segment, by rules, by an event or by lot: one of them."))
    if rules is not None and not isinstance(rules, Mapping):
        reader.wrong("rules", _("Rules are an object."))
        rules = None
    if within is not None and event is None:
        reader.wrong("within_days", _("Only an event happens within some days."))
    return BranchStep(
        **common,
        segment=segment,
        rules=rules,
        event=event,
        within_days=within,
        otherwise=otherwise,
        shares=shares,
    )


def _shares(reader: StepReader) -> tuple[tuple[int, str], ...]:
    given = reader.given("shares")
    if given is None:
        return ()
    if not isinstance(given, list) or not 2 <= len(given) <= MOST_SHARES:
        reader.wrong("shares", _("The lot parts people into 2 to %(most)s.") % {"most": MOST_SHARES})
        return ()
    shares = []
    for number, one in enumerate(given):
        percent = one.get("percent") if isinstance(one, Mapping) else None
        target = one.get("next", "") if isinstance(one, Mapping) else None
        fits = type(percent) is int and 0 < percent < 100 and isinstance(target, str)
        if not fits or set(one) - PARTS:
            reader.wrong(f"shares/{number}", _("A share has a percentage and the step that is next."))
        else:
            shares.append((percent, target))
    if len(shares) == len(given) and sum(percent for percent, _target in shares) != 100:
        reader.wrong("shares", _("The shares add up to 100 percent."))
    return tuple(shares)


PARTS = {"percent", "next"}


def _give(reader: StepReader, common: dict[str, str]) -> Step:
    promotion = reader.text("promotion", longest=64)
    points = reader.whole_or_none("points", lowest=1, highest=MOST_POINTS) or 0
    expires = reader.whole_or_none("expires_days", lowest=1, highest=3660)
    if bool(promotion) == bool(points) and not reader.has_mistakes:
        reader.wrong("promotion", _("Give a coupon of a promotion, or points."))
    if expires and not points:
        reader.wrong("expires_days", _("A coupon's promotion says how long it is good."))
    return GiveStep(**common, promotion=promotion, points=points, expires_days=expires)


def _tag(reader: StepReader, common: dict[str, str]) -> Step:
    add, remove = reader.text("add", longest=120), reader.text("remove", longest=120)
    if bool(add) == bool(remove) and not reader.has_mistakes:
        reader.wrong("add", _("Name one list: to put people on, or to take them off."))
    return TagStep(**common, segment=add or remove, adds=bool(add))


def _exit(reader: StepReader, common: dict[str, str]) -> Step:
    if common["next"]:
        reader.wrong(NEXT, _("Nothing comes after the end."))
    return ExitStep(**common)


READERS = {
    StepKind.MESSAGE: _message,
    StepKind.WAIT: _wait,
    StepKind.BRANCH: _branch,
    StepKind.GIVE: _give,
    StepKind.TAG: _tag,
    StepKind.EXIT: _exit,
}


def event_rules(steps: Collection[Step], goal: Goal | None) -> Iterator[EventRule]:
    """Yield the events that somebody on the way may wait for."""
    if goal is not None and goal.event is not None:
        yield goal.event
    for step in steps:
        if isinstance(step, WaitStep) and step.event is not None:
            yield step.event
