"""The values of key figures, asked for by code: one, a series, several at once."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from analytics.metrics.catalogue import METRICS
from analytics.metrics.metric import Metric, Source, Value
from analytics.purchases import ANYWHERE
from analytics.windows import Scope, Window, preceding, windows_of
from customers.models import Segment
from operations.errors import InvalidInput


def metric_named(code: str) -> Metric:
    """Return the metric with a code. Raises InvalidInput."""
    metric = METRICS.get(code)
    if metric is None:
        raise InvalidInput.at("/metric", _("There is no key figure “%(code)s”.") % {"code": code})
    return metric


def metric_series(
    code: str,
    *,
    start: date,
    end: date,
    grain: str,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[tuple[date, Value]]:
    """Return (first day, value) of every whole period that holds a day from `start` to `end`.

    None where a period has no such figure. Raises InvalidInput for an unknown code, for a scope or segment
    the metric cannot be narrowed to, and for more than a thousand periods.
    """
    windows = windows_of(start, end, grain)
    (values,) = metric_values(
        [code], windows, preceding(windows, grain), scope=scope, segment=segment
    ).values()
    return [(window.start, value) for window, value in zip(windows, values, strict=True)]


def metric_value(
    code: str, *, start: date, end: date, scope: Scope | None = None, segment: Segment | None = None
) -> Value:
    """Return one figure of the days from `start` to `end`, both included.

    What needs a period before (retention, say) takes as many whole months or days in front of `start`.
    """
    window = Window(start, end + timedelta(days=1))
    ((value,),) = metric_values([code], [window], window.before(), scope=scope, segment=segment).values()
    return value


def metric_values(
    codes: Iterable[str],
    windows: Sequence[Window],
    before: Window,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> dict[str, list[Value]]:
    """Return the values of several metrics for each span, each source counted once.

    Raises InvalidInput for an unknown code, and for a scope or segment one cannot be narrowed to.
    """
    metrics = [metric_named(code) for code in codes]
    for metric in metrics:
        if not metric.can_be_narrowed(scope, segment):
            raise InvalidInput.at(
                "/scope", _("“%(metric)s” is not known for this part.") % {"metric": metric.label}
            )
    facts: dict[Source, Sequence[Any]] = {}
    for metric in metrics:
        if metric.source not in facts:
            facts[metric.source] = metric.source(windows, before, scope=scope or ANYWHERE, segment=segment)
    return {metric.code: [metric.value(each) for each in facts[metric.source]] for metric in metrics}
