"""Groups named by their medians: "often, recently, small baskets"."""

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

# What lies in the upper and the lower third of everybody is worth a word; a name has at most three.
HIGH, LOW, MOST_WORDS = 2 / 3, 1 / 3, 3
WORDS = {
    "frequency+": _("often"),
    "frequency-": _("seldom"),
    "recency-": _("recently"),
    "recency+": _("long ago"),
    "monetary+": _("large baskets"),
    "monetary-": _("small baskets"),
    "engagement+": _("attentive"),
    "engagement-": _("inattentive"),
    "buy_probability+": _("about to buy"),
    "buy_probability-": _("not about to buy"),
    "discounts+": _("with discounts"),
    "discounts-": _("at full price"),
}
ORDER = list(WORDS)
MIDDLE = _("in the middle")


def telling_words(
    values: NDArray[np.float64], labels: NDArray[np.int64], features: Sequence[str]
) -> list[list[str]]:
    """Return for each group the words (keys of WORDS) that tell it from everybody, the most telling first.

    A group's median stands for it; its rank among everybody says whether it is high or low. Groups with
    the same words are told apart by a further one each, where they have one.
    """
    spoken = [_ranked(values, labels == group, features) for group in range(int(labels.max()) + 1)]
    names = [[word for word, apart in words if apart >= HIGH - 0.5][:MOST_WORDS] for words in spoken]
    for group, name in enumerate(names):
        further = [word for word, _apart in spoken[group] if word not in name]
        while further and names.count(name) > 1 and len(name) < MOST_WORDS + 1:
            names[group] = name = [*name, further.pop(0)]
    return names


def name_of(words: Sequence[str]) -> str:
    """Return a group's name in the reader's language, beginning with a capital."""
    text = ", ".join(str(WORDS[word]) for word in sorted(words, key=ORDER.index)) or str(MIDDLE)
    return text[:1].upper() + text[1:]


def _ranked(
    values: NDArray[np.float64], members: NDArray[np.bool_], features: Sequence[str]
) -> list[tuple[str, float]]:
    ranked = []
    for place, feature in enumerate(features):
        column, median = values[:, place], np.median(values[members, place])
        # The middle of those who are equal, so that half of everybody at one value is neither high nor low.
        rank = ((column < median).mean() + (column <= median).mean()) / 2
        ranked.append((f"{feature}{'+' if rank >= 0.5 else '-'}", float(abs(rank - 0.5))))
    return sorted(ranked, key=lambda each: -each[1])
