"""Grouping by k-means or a Gaussian mixture on scaled features, in as many groups as separate best."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Groups are found in at most so many, their number in fewer; everybody is then assigned to one.
SAMPLE, CHOICE_SAMPLE, SILHOUETTE_SAMPLE = 100_000, 20_000, 4_000
NUMBERS = range(3, 9)
SEED = 7


def is_installed() -> bool:
    """Return whether scikit-learn is there."""
    return find_spec("sklearn") is not None


@dataclass(frozen=True)
class Scaling:
    """How features become comparable: logarithms of what is counted, then means of 0 and deviations of 1."""

    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, features: Floats) -> "Scaling":
        deviations = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(deviations > 1e-9, deviations, 1.0))

    def apply(self, features: Floats) -> Floats:
        return (features - self.means) / self.deviations


@dataclass(frozen=True)
class Choice:
    """How well one number of groups separates: a silhouette (higher is better) or a BIC (lower is better)."""

    clusters: int
    score: float


@dataclass(frozen=True)
class Grouping:
    """The group of each row, the groups' centres in the features as given, and how they were chosen.

    `quality` is the silhouette of the groups: 1 is far apart, 0 is touching.
    """

    labels: Ints
    centres: Floats
    scaling: Scaling
    choices: list[Choice]
    quality: float | None


def group(features: Floats, *, mixture: bool, clusters: int | None = None) -> Grouping:
    """Return rows in groups; `features` are a row each, on scales that are about normal.

    Without `clusters` the number of 3 to 8 that separates best: by silhouette for k-means, by BIC for a
    mixture. The same rows are grouped the same way every time. Groups without anybody are left out.
    """
    from threadpoolctl import threadpool_limits

    # Threads that wait for each other by spinning take a busy machine's other work along.
    with threadpool_limits(limits=1):
        return _group(features, mixture=mixture, clusters=clusters)


def _group(features: Floats, *, mixture: bool, clusters: int | None) -> Grouping:
    scaling = Scaling.of(features)
    scaled = scaling.apply(features)
    draw = np.random.default_rng(SEED)
    choices = [] if clusters else _choices(_drawn(scaled, CHOICE_SAMPLE, draw), mixture=mixture)
    if choices:
        best = (min if mixture else max)(choices, key=lambda choice: choice.score)
        clusters = best.clusters
    clusters = min(clusters or 1, len(np.unique(scaled, axis=0)))
    model = _model(clusters, mixture=mixture).fit(_drawn(scaled, SAMPLE, draw))
    labels = model.predict(scaled).astype(np.int64)
    present, labels = np.unique(labels, return_inverse=True)
    centres = np.array([features[labels == number].mean(axis=0) for number in range(len(present))])
    return Grouping(labels, centres, scaling, choices, _silhouette(scaled, labels, draw))


def matched_codes(centres: Floats, scaling: Scaling, before: dict[str, list[float]]) -> list[str]:
    """Return a code for each group: that of the nearest group of the run before, or a fresh one.

    So a segment made of a group stays about the same people when the grouping is done anew.
    """

    from scipy.optimize import linear_sum_assignment

    codes: dict[int, str] = {}
    if before:
        old = scaling.apply(np.array(list(before.values())))
        distances = np.linalg.norm(scaling.apply(centres)[:, None, :] - old[None, :, :], axis=2)
        names = list(before)
        codes = {
            int(row): names[column] for row, column in zip(*linear_sum_assignment(distances), strict=True)
        }
    free = (f"c{number}" for number in range(1, len(centres) + len(before) + 1))
    fresh = (code for code in free if code not in before)
    return [codes.get(row) or next(fresh) for row in range(len(centres))]


def _choices(scaled: Floats, *, mixture: bool) -> list[Choice]:
    most = len(np.unique(scaled, axis=0)) - 1
    found = []
    for clusters in NUMBERS:
        if clusters > most:
            break
        model = _model(clusters, mixture=mixture).fit(scaled)
        if mixture:
            found.append(Choice(clusters, float(model.bic(scaled))))
            continue
        score = _silhouette(scaled, model.labels_, np.random.default_rng(SEED))
        if score is not None:
            found.append(Choice(clusters, score))
    return found


def _model(clusters: int, *, mixture: bool):
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    if mixture:
        return GaussianMixture(clusters, random_state=SEED, reg_covar=1e-3, n_init=3)
    return KMeans(clusters, random_state=SEED, n_init=5)


def _silhouette(scaled: Floats, labels: Ints, draw: np.random.Generator) -> float | None:
    from sklearn.metrics import silhouette_score

    if len(labels) > SILHOUETTE_SAMPLE:
        rows = draw.choice(len(labels), SILHOUETTE_SAMPLE, replace=False)
        scaled, labels = scaled[rows], labels[rows]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(scaled, labels))


def _drawn(rows: Floats, size: int, draw: np.random.Generator) -> Floats:
    return rows if len(rows) <= size else rows[draw.choice(len(rows), size, replace=False)]
