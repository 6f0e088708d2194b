from analytics.admin import models, scores, segment_maps

__all__ = ["models", "scores", "segment_maps"]
