from analytics.admin import models, scores, segment_maps, surveys

__all__ = ["models", "scores", "segment_maps", "surveys"]
