"""How good a probability was once it is known what people did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.behaviour.history import Floats

TENTHS = 10
TINY = 1e-6


@dataclass(frozen=True)
class Tenth:
    """A tenth of the people, by their probability: how many they are, what was said, how many bought."""

    people: int
    predicted: float
    bought: int

    @property
    def actual(self) -> float:
        return self.bought / self.people if self.people else 0.0


@dataclass(frozen=True)
class Quality:
    """AUC (0.5 is guessing, 1 is knowing), log-loss and Brier score (0 is knowing), and the ten tenths.

    The first tenth holds those with the highest probability. An AUC is None when everybody or nobody bought.
    """

    auc: float | None
    log_loss: float
    brier: float
    tenths: list[Tenth]

    @property
    def people(self) -> int:
        return sum(tenth.people for tenth in self.tenths)

    @property
    def bought(self) -> int:
        return sum(tenth.bought for tenth in self.tenths)


def judge(probability: Floats, bought: NDArray[np.bool_]) -> Quality:
    """Return how well the probabilities told who would buy."""
    return Quality(
        auc=auc(probability, bought),
        log_loss=log_loss(probability, bought),
        brier=float(np.mean((probability - bought) ** 2)),
        tenths=tenths(probability, bought),
    )


def auc(score: Floats, bought: NDArray[np.bool_]) -> float | None:
    """Return how often a buyer was ranked above somebody who did not buy; a tie counts half."""

    from scipy.stats import rankdata

    buyers, others = int(bought.sum()), int((~bought).sum())
    if not buyers or not others:
        return None
    ranks = rankdata(score)
    return float((ranks[bought].sum() - buyers * (buyers + 1) / 2) / (buyers * others))


def log_loss(probability: Floats, bought: NDArray[np.bool_]) -> float:
    """Return the mean surprise, in nats."""
    safe = np.clip(probability, TINY, 1 - TINY)
    return float(-np.mean(np.where(bought, np.log(safe), np.log1p(-safe))))


def tenths(probability: Floats, bought: NDArray[np.bool_]) -> list[Tenth]:
    """Return the tenths from the likeliest on; fewer than ten people make fewer of them."""
    order = np.argsort(-probability, kind="stable")
    return [
        Tenth(len(part), float(probability[part].mean()), int(bought[part].sum()))
        for part in np.array_split(order, TENTHS)
        if len(part)
    ]
