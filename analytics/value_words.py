"""The parameters of the value model in words: how often people buy, how they leave, what they spend."""

import math
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.value.bgnbd import Bgnbd
from analytics.value.gamma_gamma import GammaGamma
from operations import formats

YEAR = 365
_AT_ITS_LIMIT = gettext_lazy(
    "The purchases do not say how large these are: each stands at the end of the range that is searched, as"
    " good as nothing or without bound. The forecast holds; what people have in common, or how they differ,"
    " is less certain than it looks."
)


def model_words(parameters: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (what, a sentence, the parameters behind it) for a run's `parameters`."""
    bgnbd, amounts = Bgnbd(**parameters["bgnbd"]), GammaGamma(**parameters["gamma_gamma"])
    words = [
        (_("Rhythm"), _rhythm(bgnbd), _named(r=bgnbd.r, alpha=bgnbd.alpha)),
        (_("Loss"), _loss(bgnbd), _named(a=bgnbd.a, b=bgnbd.b)),
        (_("Newcomers"), _newcomers(bgnbd), ""),
        (_("Orders"), _orders(amounts), _named(p=amounts.p, q=amounts.q, v=amounts.v)),
    ]
    edge = [*bgnbd.edge, *amounts.edge]
    return [*words, (_("At its limit"), _AT_ITS_LIMIT, " · ".join(edge))] if edge else words


def _rhythm(bgnbd: Bgnbd) -> str:
    days = bgnbd.alpha / bgnbd.r
    spread = 1 / math.sqrt(bgnbd.r)
    apart = (
        _("but people differ very much from each other")
        if spread > 1.4
        else _("and people differ from each other")
        if spread > 0.7
        else _("and people are much alike")
    )
    return _("As long as they are customers, people buy every %(days)s days on average, %(apart)s.") % {
        "days": formats.number(days, 1 if days < 10 else 0),
        "apart": apart,
    }


def _loss(bgnbd: Bgnbd) -> str:
    return _("After each purchase, %(share)s never come back.") % {
        "share": formats.percent(bgnbd.a / (bgnbd.a + bgnbd.b))
    }


def _newcomers(bgnbd: Bgnbd) -> str:
    return _("Somebody new buys %(orders)s more times within a year of the first order.") % {
        "orders": formats.number(float(bgnbd.orders_of_somebody_new(YEAR)[0]), 1)
    }


def _orders(amounts: GammaGamma) -> str:
    average = formats.money(round(amounts.mean)) if amounts.mean is not None else formats.NOTHING
    own = (amounts.q - 1) / amounts.p
    if not amounts.converged:
        return _("A day's purchases come to %(average)s, the same for everybody.") % {"average": average}
    return _(
        "A day's purchases come to %(average)s on average; after %(own)s of them, a person's own count as "
        "much as everybody's."
    ) % {"average": average, "own": formats.number(max(own, 0.1), 1)}


def _named(**values: float) -> str:
    return " · ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: float) -> str:
    return formats.number(value, 0 if value >= 100 else 2 if value >= 1 else 4)
