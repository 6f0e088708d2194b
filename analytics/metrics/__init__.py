"""Every figure that can be charted, compared and aimed at, by its code.

A metric takes one number from the facts of a span of time; metrics of one source are counted together. Pages
list them, objectives watch them, the API answers them.
"""

from analytics.metrics.catalogue import METRICS
from analytics.metrics.metric import Better, Metric, Unit, Value
from analytics.metrics.values import metric_named, metric_series, metric_value, metric_values

__all__ = [
    "METRICS",
    "Better",
    "Metric",
    "Unit",
    "Value",
    "metric_named",
    "metric_series",
    "metric_value",
    "metric_values",
]
