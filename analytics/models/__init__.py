from analytics.models.rfm import RfmModel, RfmRun, RfmSnapshot
from analytics.models.score import RfmScore, RfmTransition
from analytics.models.segment_map import RfmMapSegment, RfmSegmentMap
from analytics.models.survey import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse

__all__ = [
    "RfmMapSegment",
    "RfmModel",
    "RfmRun",
    "RfmScore",
    "RfmSegmentMap",
    "RfmSnapshot",
    "RfmTransition",
    "Survey",
    "SurveyParticipation",
    "SurveyQuestion",
    "SurveyResponse",
]
