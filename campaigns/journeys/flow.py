"""A journey as a whole: where each step leads, and what is wrong with the way they hang together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from campaigns.journeys.steps import (
    END,
    NEXT,
    BranchStep,
    GiveStep,
    Goal,
    MessageStep,
    Step,
    WaitStep,
    read_goal,
    read_step,
)
from operations.errors import InvalidInput, Mistake

MOST_STEPS = 50
MOST_LAPS = 100


@dataclass(frozen=True)
class Way:
    """One way from a step to another one, or to the END; `name` is what the step calls it."""

    source: str
    name: str
    target: str


@dataclass(frozen=True)
class Journey:
    """The steps in their order, and what ends them early."""

    steps: tuple[Step, ...]
    goal: Goal | None = None

    @cached_property
    def by_id(self) -> dict[str, Step]:
        return {step.id: step for step in self.steps}

    @cached_property
    def places(self) -> dict[str, int]:
        return {step.id: number for number, step in enumerate(self.steps)}

    @property
    def first(self) -> str:
        return self.steps[0].id

    @cached_property
    def ways(self) -> list[Way]:
        return [way for step in self.steps for way in self.ways_of(step)]

    def ways_of(self, step: Step) -> list[Way]:
        """Return the ways out of a step, each to a step or the END."""
        return [Way(step.id, name, target or self._following(step)) for name, target in step.ways()]

    def target(self, step: Step, way: str = NEXT) -> str:
        """Return where a way out of a step leads."""
        return next(one.target for one in self.ways_of(step) if one.name == way)

    def goes_back(self, step: str, target: str) -> bool:
        """Return whether a way leads to where somebody may have been before: it begins another lap."""
        return target != END and self.places[target] <= self.places[step]

    def reached_from(self, start: str, *, without: Collection[str] = ()) -> set[str]:
        """Return the steps that can be reached from one, itself among them, not passing through some."""
        found: set[str] = set()
        open_ends = [start]
        while open_ends:
            name = open_ends.pop()
            if name == END or name in found or name in without or name not in self.by_id:
                continue
            found.add(name)
            open_ends += [way.target for way in self.ways_of(self.by_id[name])]
        return found

    def has_coupon_at(self, name: str) -> bool:
        """Return whether whoever is at a step was given a coupon, whichever way they came."""
        step = self.by_id.get(name)
        if isinstance(step, MessageStep) and step.coupon:
            return False  # The campaign's own, as the version says.
        giving = {one.id for one in self.steps if isinstance(one, GiveStep) and one.promotion}
        return name not in self.reached_from(self.first, without=giving)

    def _following(self, step: Step) -> str:
        place = self.places[step.id] + 1
        return self.steps[place].id if place < len(self.steps) else END


def parse_journey(steps: Any, goal: Any = None) -> Journey:
    """Return the checked journey of a version's `steps` and `goal`.

    Raises InvalidInput with a pointer under /steps or /goal for every mistake.
    """
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise InvalidInput.at("/steps", _("A journey has steps."))
    if len(steps) > MOST_STEPS:
        raise InvalidInput.at("/steps", _("A journey has at most %(most)s steps.") % {"most": MOST_STEPS})
    read = [read_step(one, under=f"/steps/{number}") for number, one in enumerate(steps)]
    found, mistakes = read_goal(goal)
    mistakes = [mistake for _step, each in read for mistake in each] + mistakes
    mistakes += _twins([step for step, _mistakes in read])
    if mistakes:
        raise InvalidInput(mistakes[0].message, details=mistakes)
    journey = Journey(tuple(step for step, _mistakes in read if step is not None), found)
    mistakes = list(_mistakes(journey))
    if mistakes:
        raise InvalidInput(mistakes[0].message, details=mistakes)
    return journey


def mistakes_of_contents(journey: Journey, contents: Iterable[tuple[str, str]]) -> Iterator[Mistake]:
    """Yield what is wrong with the contents (step, channel) of a journey's messages."""
    said = list(contents)
    for number, step in enumerate(journey.steps):
        if isinstance(step, MessageStep) and step.id not in {name for name, _channel in said}:
            yield Mistake(f"/steps/{number}", _("Write what this message says."))
    for number, (name, _channel) in enumerate(said):
        if not isinstance(journey.by_id.get(name), MessageStep):
            yield Mistake(f"/contents/{number}/step", _("The journey has no message of this name."))


def _twins(steps: Sequence[Step | None]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for number, step in enumerate(steps):
        if step is not None and step.id:
            if step.id in seen:
                yield Mistake(f"/steps/{number}/id", _("Another step has this name."))
            seen.add(step.id)


def _mistakes(journey: Journey) -> Iterator[Mistake]:
    unknown = list(_unknown(journey))
    yield from unknown
    if unknown:
        return
    reached = journey.reached_from(journey.first)
    for number, step in enumerate(journey.steps):
        if step.id not in reached:
            yield Mistake(f"/steps/{number}", _("Nobody gets here: no step leads to this one."))
    yield from _restless(journey)


def _unknown(journey: Journey) -> Iterator[Mistake]:
    for number, step in enumerate(journey.steps):
        for name, target in step.ways():
            if target and target != END and target not in journey.by_id:
                named = f"shares/{name}/next" if isinstance(step, BranchStep) and step.shares else name
                named = NEXT if name == "then" else named
                yield Mistake(f"/steps/{number}/{named}", _("There is no step of this name."))


def _restless(journey: Journey) -> Iterator[Mistake]:
    """A way that leads back must pass a wait that takes time, or people would go round for ever at once."""
    resting = {step.id for step in journey.steps if isinstance(step, WaitStep) and step.length is not None}
    for number, step in enumerate(journey.steps):
        if step.id in resting:
            continue
        targets = [way.target for way in journey.ways_of(step)]
        if any(
            journey.goes_back(step.id, target) and step.id in journey.reached_from(target, without=resting)
            for target in targets
        ):
            yield Mistake(f"/steps/{number}/{NEXT}", _("Whoever goes back has to wait somewhere on the way."))


def steps_named(steps: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the names that steps have, checked or not."""
    return {str(one.get("id", "")) for one in steps if isinstance(one, Mapping)}
