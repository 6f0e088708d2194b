"""RFM arithmetic without a database: scores, thresholds, loyalty levels and the map of the eleven segments.

R, F and M are scores from 1 (worst) to 5 (best). Thresholds are four values running from worst to best: days
in falling order, counts and amounts in rising order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import isfinite
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SCORES = 5
CODES = tuple("".join(digits) for digits in product("12345", repeat=3))


def quantile_score(strictly_worse: int, population: int) -> int:
    """Return the score of a value that `strictly_worse` of `population` values stand below.

    Equal values get equal scores; any population works (analytics.md, section 1).
    """
    return 1 + SCORES * strictly_worse // population


def quantile_scores(values: Sequence[int], *, smaller_is_better: bool = False) -> list[int]:
    """Return the quantile score of each value among all of them."""
    thresholds = quantile_thresholds(values, smaller_is_better=smaller_is_better)
    return [
        recency_score(value, thresholds) if smaller_is_better else value_score(value, thresholds)
        for value in values
    ]


def quantile_thresholds(values: Iterable[int], *, smaller_is_better: bool = False) -> list[int]:
    """Return the four values below which 20, 40, 60 and 80 % stand: SQL's `percentile_disc`, worst first."""
    ordered = sorted(values, reverse=smaller_is_better)
    return [ordered[-(-step * len(ordered) // SCORES) - 1] for step in range(1, SCORES)]


def recency_score(days: int, thresholds: Sequence[int]) -> int:
    """Return R from days since the last order and quantile thresholds in falling days."""
    return 1 + sum(threshold > days for threshold in thresholds)


def value_score(value: int, thresholds: Sequence[int]) -> int:
    """Return F or M from a count or amount and quantile thresholds in rising order."""
    return 1 + sum(threshold < value for threshold in thresholds)


def fixed_recency_score(days: int, thresholds: Sequence[int]) -> int:
    """Return R from the merchant's own days, inclusive."""
    return 1 + sum(days <= threshold for threshold in thresholds)


def fixed_value_score(value: int, thresholds: Sequence[int]) -> int:
    """Return F or M from the merchant's own values, inclusive."""
    return 1 + sum(value >= threshold for threshold in thresholds)


def inverted(score: int) -> int:
    """Return R' for durables, where whoever bought long ago is the better prospect."""
    return SCORES + 1 - score


def replacement_score(days: int, *, cycle_days: int, tolerance_days: int) -> int:
    """Return R for goods that are bought again after a cycle: 5 within it and its tolerance, 4 within two...

    The fifth tolerance away from the cycle, on either side, and all further ones are 1.
    """
    return fixed_recency_score(abs(days - cycle_days), replacement_steps(tolerance_days))


def replacement_steps(tolerance_days: int) -> list[int]:
    """Return the most days away from the cycle for R 2, 3, 4 and 5."""
    return [tolerance_days * step for step in range(SCORES - 1, 0, -1)]


def scaled_weights(weights: Sequence[Decimal | int | float]) -> list[Decimal]:
    """Return the weights of R, F and M scaled to sum 3, so that every sum of scores lies in 3..15."""
    exact = [Decimal(str(weight)) for weight in weights]
    return [weight * 3 / sum(exact) for weight in exact]


def number(value: Decimal) -> int | float:
    """Return the decimal as JSON shows it: whole numbers without a fraction."""
    return int(value) if value == int(value) else float(value)


def are_weights(value: Any) -> bool:
    """Return whether the value is three numbers, none negative, not all zero."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(_is_number(weight) and 0 <= weight <= 1000 for weight in value)
        and sum(value) > 0
    )


def are_thresholds(value: Any) -> bool:
    """Return whether the value is {"r", "f", "m"} with four whole numbers each, from worst to best.

    Equal ones leave the score between them to nobody.
    """
    if not isinstance(value, dict) or set(value) != {"r", "f", "m"}:
        return False
    for score, steps in value.items():
        if not isinstance(steps, list) or len(steps) != SCORES - 1:
            return False
        if not all(_is_number(step) and step == int(step) and 0 <= step < 2**53 for step in steps):
            return False
        if sorted(steps, reverse=score == "r") != steps:
            return False
    return True


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or isfinite(value)


@dataclass(frozen=True)
class Level:
    """A band of the sum of scores, both ends included."""

    code: str
    name: Promise
    lowest: int
    highest: int


LEVELS = (
    Level("low", _("Low"), 3, 6),
    Level("medium", _("Medium"), 7, 9),
    Level("high", _("High"), 10, 12),
    Level("top", _("Top"), 13, 15),
)


def loyalty_level(score_sum: Decimal | int) -> Level:
    """Return the band of a sum; between two bands (weighted sums) the lower one."""
    return next(level for level in reversed(LEVELS) if score_sum >= level.lowest)


FORMER = "#94a3b8"


@dataclass(frozen=True)
class RfmSegment:
    """A named set of codes such as 555, with what a marketer should know about it.

    `name` is the English name used in every answer of the API; `label` is the same for the reader's language.
    """

    code: str
    name: str
    label: Promise | str
    colour: str
    advice: Promise | str
    codes: frozenset[str]


@dataclass(frozen=True)
class SegmentMap:
    """A partition of the 125 codes: every code in one segment, and in one only."""

    segments: tuple[RfmSegment, ...]

    def __post_init__(self) -> None:
        named = sorted(code for segment in self.segments for code in segment.codes)
        if named != sorted(CODES):
            missing = sorted(set(CODES) - set(named))
            twice = sorted({code for code in named if named.count(code) > 1})
            unknown = sorted(set(named) - set(CODES))
            raise ValueError(
                f"not a partition of the codes: missing {missing}, twice {twice}, unknown {unknown}"
            )

    def of(self, code: str) -> RfmSegment:
        """Return the segment that holds a code such as 555."""
        return next(segment for segment in self.segments if code in segment.codes)

    def by_code(self, segment_code: str) -> RfmSegment:
        """Return the segment named by its own code, such as `cant-lose`.

        One that a map had and has no more is still a word in old runs and moves: its code names it.
        """
        return next((segment for segment in self.segments if segment.code == segment_code), None) or (
            RfmSegment(segment_code, segment_code, segment_code, FORMER, "", frozenset())
        )

    def in_order(self) -> list[str]:
        """Return the segment code of each of the 125 codes from 111 to 555."""
        segment_of = {code: segment.code for segment in self.segments for code in segment.codes}
        return [segment_of[code] for code in CODES]


def _segment(code: str, name: str, label: Promise, colour: str, advice: Promise, codes: str) -> RfmSegment:
    return RfmSegment(code, name, label, colour, advice, frozenset(codes.split()))


ELEVEN = SegmentMap(
    (
        _segment(
            "champions",
            "Champions",
            _("Champions"),
            "#0f766e",
            _("Reward them, let them try new things first, ask them to bring a friend."),
            "555 554 544 545 454 455 445",
        ),
        _segment(
            "loyal",
            "Loyal",
            _("Loyal"),
            "#0d9488",
            _("Offer the next better article, ask for a review, thank them."),
            "543 444 435 355 354 345 344 335",
        ),
        _segment(
            "potential-loyalist",
            "Potential Loyalist",
            _("Potential Loyalist"),
            "#2563eb",
            _("Recommend what goes with their last purchases; invite them into the programme."),
            "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323",
        ),
        _segment(
            "new",
            "New",
            _("New"),
            "#0284c7",
            _("Welcome them and make the second purchase easy."),
            "512 511 422 421 412 411 311",
        ),
        _segment(
            "promising",
            "Promising",
            _("Promising"),
            "#7c3aed",
            _("They spend well but seldom: give them a reason to come back soon."),
            "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
        ),
        _segment(
            "need-attention",
            "Need Attention",
            _("Need Attention"),
            "#a16207",
            _("A limited offer on what they usually buy, before they drift away."),
            "535 534 443 434 343 334 325 324",
        ),
        _segment(
            "about-to-sleep",
            "About To Sleep",
            _("About To Sleep"),
            "#b45309",
            _("Remind them of you with something popular at a good price."),
            "331 321 312 221 213",
        ),
        _segment(
            "at-risk",
            "At Risk",
            _("At Risk"),
            "#c2410c",
            _("They bought often and stopped: write personally, ask what went wrong."),
            "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
        ),
        _segment(
            "cant-lose",
            "Can't Lose",
            _("Can't Lose"),
            "#b91c1c",
            _("Once among the best: win them back with the strongest offer you can afford, or a call."),
            "155 154 144 214 215 115 114 113",
        ),
        _segment(
            "hibernating",
            "Hibernating",
            _("Hibernating"),
            "#475569",
            _("Write seldom and cheaply; watch who answers."),
            "332 322 231 241 251 233 232 223 222 132 123 122 212 211",
        ),
        _segment(
            "lost",
            "Lost",
            _("Lost"),
            "#64748b",
            _("One last attempt, then save the cost of contacting them."),
            "111 112 121 131 141 151",
        ),
    )
)
