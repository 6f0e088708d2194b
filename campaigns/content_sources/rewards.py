"""What mails may say of the reward that suits a person best."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.content_sources.source import Source, Subject
from loyalty.catalogue import Obstacle
from loyalty.services.reward_offers import offers_for
from operations.formats import number


def _reward(subject: Subject) -> Mapping[str, Any]:
    """The first reward of the catalogue that they have the points for, or are on the way to."""
    offers = offers_for(subject.customer, at=subject.at)
    best = next((offer for offer in offers if offer.obstacle in (None, Obstacle.POINTS)), None)
    if best is None:
        return {}
    return {
        "name": best.reward.shown_name,
        "points": number(best.reward.cost_points),
        "missing": number(best.missing) if best.missing else "",
        "why": best.why,
    }


REWARD = Source(
    "reward",
    {
        "name": _("The reward that suits them best"),
        "points": _("Points it costs"),
        "missing": _("Points they still need for it; empty when they have them"),
        "why": _("Why it is for them, in a sentence"),
    },
    {"name": "Cinema", "points": "250", "missing": "40", "why": "Mancano solo 40 punti"},
    _reward,
    previews=True,
)
SOURCES = [REWARD]
