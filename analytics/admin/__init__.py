from analytics.admin import models, scores

__all__ = ["models", "scores"]
