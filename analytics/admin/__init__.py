from analytics.admin import (
    behaviour,
    clusters,
    models,
    objectives,
    personal_offers,
    scores,
    segment_maps,
    surveys,
    value,
)

__all__ = [
    "behaviour",
    "clusters",
    "models",
    "objectives",
    "personal_offers",
    "scores",
    "segment_maps",
    "surveys",
    "value",
]
