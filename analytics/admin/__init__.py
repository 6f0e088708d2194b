from analytics.admin import (
    clusters,
    models,
    objectives,
    scores,
    segment_maps,
    surveys,
    value,
)

__all__ = [
    "clusters",
    "models",
    "objectives",
    "scores",
    "segment_maps",
    "surveys",
    "value",
]
