from analytics.admin import models, scores, segment_maps, surveys

__all__ = ["models", "scores", "segment_maps", "surveys"]
from analytics.admin import objectives

__all__ = ["models", "objectives", "scores", "segment_maps"]
