from analytics.models.rfm import RfmModel, RfmRun, RfmScore, RfmTransition

__all__ = ["RfmModel", "RfmRun", "RfmScore", "RfmTransition"]
