from analytics.admin import (
    models,
    objectives,
    scores,
    segment_maps,
    surveys,
    value,
)

__all__ = [
    "models",
    "objectives",
    "scores",
    "segment_maps",
    "surveys",
    "value",
]
