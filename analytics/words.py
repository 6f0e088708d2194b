"""What scores and thresholds mean, in sentences for a person."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analytics.models import RfmModel, RfmRun, RfmScore
from analytics.rules import SCORES, inverted
from operations.formats import money, number

COMPARED: dict[str, Promise] = {
    "r": gettext_lazy("bought more recently than at least %(share)s%% of customers"),
    "r_inverted": gettext_lazy("last bought longer ago than at least %(share)s%% of customers"),
    "f": gettext_lazy("buys more often than at least %(share)s%% of customers"),
    "m": gettext_lazy("spends more than at least %(share)s%% of customers"),
}
LOWEST: dict[str, Promise] = {
    "r": gettext_lazy("among those who bought longest ago"),
    "r_inverted": gettext_lazy("among those who bought most recently"),
    "f": gettext_lazy("among those who buy least often"),
    "m": gettext_lazy("among those who spend least"),
}


def score_words(model: RfmModel, letter: str, score: int) -> str:
    """Return what a score of r, f or m says: "buys more often than at least 60% of customers".

    With a merchant's own thresholds it says which of the five steps the customer stands on.
    """
    if model.binning == RfmModel.Binning.FIXED:
        return _("step %(score)d of 5 by your own thresholds") % {"score": score}
    key = "r_inverted" if letter == "r" and model.recency == RfmModel.Recency.INVERTED else letter
    if score == 1:
        return str(LOWEST[key])
    return COMPARED[key] % {"share": 100 * (score - 1) // SCORES}


def explain_score(score: RfmScore) -> list[tuple[str, str]]:
    """Return the scores with their words: [("R5", "bought more recently than ..."), ...]."""
    said = [
        (f"{letter.upper()}{value}", score_words(score.model, letter, value))
        for letter, value in (("r", score.r), ("f", score.f), ("m", score.m))
    ]
    if score.e is not None:
        said.append((f"E{score.e}", engagement_words(score.e)))
    return said


def engagement_words(score: int) -> str:
    """Return what a score of engagement says, among the model's customers who showed any interest."""
    if score == 1:
        return _("among those who show least interest")
    return _("shows more interest than at least %(share)s%% of those who show any") % {
        "share": 100 * (score - 1) // SCORES
    }


@dataclass(frozen=True)
class Band:
    """What a customer needs to get one score: days since the last order, orders, money."""

    score: int
    recency: str
    frequency: str
    money: str


def bands(run: RfmRun) -> list[Band]:
    """Return what leads to each score, the best first."""
    fixed = run.model.binning == RfmModel.Binning.FIXED
    turned = run.model.recency == RfmModel.Recency.INVERTED
    recency = _falling(run.thresholds["r"], inclusive=fixed)
    frequency = _rising(run.thresholds["f"], _orders, inclusive=fixed)
    amounts = _rising(run.thresholds["m"], money, inclusive=fixed)
    return [
        Band(
            score,
            recency[(inverted(score) if turned else score) - 1],
            frequency[score - 1],
            amounts[score - 1],
        )
        for score in range(SCORES, 0, -1)
    ]


def _falling(thresholds: list[int], *, inclusive: bool) -> list[str]:
    """Days for R1 to R5. By quantiles a score needs fewer days than its threshold, by own ones at most."""
    most = [None, *(days if inclusive else days - 1 for days in thresholds)]
    least = [*(days + 1 if inclusive else days for days in thresholds), 0]
    return [_days(low, high) for low, high in zip(least, most, strict=True)]


def _days(least: int, most: int | None) -> str:
    if most is None:
        return ngettext("%(days)s day ago or more", "%(days)s days ago or more", least) % {
            "days": number(least)
        }
    if most < least:
        return _("nobody")
    if least == most:
        return ngettext("%(days)s day ago", "%(days)s days ago", most) % {"days": number(most)}
    if least == 0:
        return ngettext("up to %(days)s day ago", "up to %(days)s days ago", most) % {"days": number(most)}
    return _("%(from)s to %(to)s days ago") % {"from": number(least), "to": number(most)}


def _rising(thresholds: list[int], write: Callable[[int], str], *, inclusive: bool) -> list[str]:
    """Counts or amounts for scores 1 to 5: by quantiles more than the threshold, by own ones at least."""
    least = [None, *(value if inclusive else value + 1 for value in thresholds)]
    most = [*(value - 1 if inclusive else value for value in thresholds), None]
    return [_between(low, high, write) for low, high in zip(least, most, strict=True)]


def _between(least: int | None, most: int | None, write: Callable[[int], str]) -> str:
    if least is None:
        return _("up to %(most)s") % {"most": write(most)}
    if most is None:
        return _("%(least)s or more") % {"least": write(least)}
    if most < least:
        return _("nobody")
    if least == most:
        return write(least)
    return _("%(least)s to %(most)s") % {"least": write(least), "most": write(most)}


def _orders(count: int) -> str:
    return ngettext("%(count)s order", "%(count)s orders", count) % {"count": number(count)}
