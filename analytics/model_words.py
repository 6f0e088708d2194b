"""What an RFM model does, in sentences, as its form, its page and the list of models say it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries import countries

from analytics.models import RfmModel
from operations.formats import number


def model_in_words(model: RfmModel) -> list[str]:
    """Return what a model scores and how, one sentence after the other."""
    return [
        _("Counts %(orders)s.") % {"orders": orders_in_words(model)},
        recency_in_words(model),
        binning_in_words(model),
        *_weights_in_words(model),
        _("Customers are put into %(map)s.") % {"map": _map_in_words(model)},
        steadiness_in_words(model),
    ]


def orders_in_words(model: RfmModel) -> str:
    """Return which orders count: "orders of the product line Shoes of the last 365 days"."""
    return _("%(orders)s %(window)s") % {"orders": scope_in_words(model), "window": window_in_words(model)}


def scope_in_words(model: RfmModel) -> str:
    value = model.scope_value
    if model.scope == RfmModel.Scope.COUNTRY:
        value = countries.name(value) or value
    words = {
        RfmModel.Scope.ALL: _("all paid orders"),
        RfmModel.Scope.PRODUCT_LINE: _("articles of the product line %(value)s"),
        RfmModel.Scope.BUSINESS_UNIT: _("orders of the business unit %(value)s"),
        RfmModel.Scope.CHANNEL: _("orders over the sales channel %(value)s"),
        RfmModel.Scope.STORE: _("orders in the store %(value)s"),
        RfmModel.Scope.STORE_GROUP: _("orders in the store group %(value)s"),
        RfmModel.Scope.COUNTRY: _("orders in stores in %(value)s"),
    }
    return words[RfmModel.Scope(model.scope)] % {"value": value}


def window_in_words(model: RfmModel) -> str:
    if model.season_id:
        return _("of the season %(season)s when it last ended") % {"season": model.season}
    if model.window_days:
        return ngettext("of the last day", "of the last %(days)s days", model.window_days) % {
            "days": number(model.window_days)
        }
    return _("of all time")


def recency_in_words(model: RfmModel) -> str:
    if model.recency == RfmModel.Recency.REPLACEMENT:
        return _(
            "R is best for whoever bought about %(cycle)s days ago, give or take %(tolerance)s: their article"
            " is due to be replaced."
        ) % {"cycle": number(model.cycle_days), "tolerance": number(model.tolerance_days)}
    if model.recency == RfmModel.Recency.INVERTED:
        return _("R is best for whoever bought longest ago: their article is due to be replaced.")
    return _("R is best for whoever bought most recently.")


def binning_in_words(model: RfmModel) -> str:
    average = model.monetary == RfmModel.Monetary.AVERAGE
    money = _("the average order") if average else _("the sum of the orders")
    if model.binning == RfmModel.Binning.FIXED:
        return _("Scores go by thresholds of your own; M looks at %(money)s.") % {"money": money}
    return _("Scores are fifths of the customers; M looks at %(money)s.") % {"money": money}


def steadiness_in_words(model: RfmModel) -> str:
    if model.commit_after_runs == 1:
        return _("Somebody whose scores change segment moves at once.")
    return _(
        "Somebody moves once their scores have named another segment on %(days)d days scored, or at once when"
        " their loyalty level changes by %(levels)d."
    ) % {"days": model.commit_after_runs, "levels": model.commit_jump}


def _weights_in_words(model: RfmModel) -> list[str]:
    if len(set(model.weights)) == 1:
        return []
    r, f, m = (number(weight, 0 if weight == int(weight) else 2) for weight in model.weights)
    return [_("In the sum R weighs %(r)s, F %(f)s and M %(m)s.") % {"r": r, "f": f, "m": m}]


def _map_in_words(model: RfmModel) -> str:
    count = len(model.segments.segments)
    return ngettext("%(count)d segment (%(map)s)", "%(count)d segments (%(map)s)", count) % {
        "count": count,
        "map": model.segment_map,
    }
