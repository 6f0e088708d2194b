"""Journeys: steps with waits and branches, read and checked without a database."""

from campaigns.journeys.flow import MOST_LAPS, Journey, Way, mistakes_of_contents, parse_journey, steps_named
from campaigns.journeys.steps import (
    END,
    NEXT,
    OTHERWISE,
    THEN,
    BranchStep,
    ExitStep,
    GiveStep,
    Goal,
    MessageStep,
    Step,
    StepKind,
    TagStep,
    Unit,
    WaitStep,
    event_rules,
)
from campaigns.journeys.waiting import drawn_share, wait_until

__all__ = [
    "END",
    "MOST_LAPS",
    "NEXT",
    "OTHERWISE",
    "THEN",
    "BranchStep",
    "ExitStep",
    "GiveStep",
    "Goal",
    "Journey",
    "MessageStep",
    "Step",
    "StepKind",
    "TagStep",
    "Unit",
    "WaitStep",
    "Way",
    "drawn_share",
    "event_rules",
    "mistakes_of_contents",
    "parse_journey",
    "steps_named",
    "wait_until",
]
