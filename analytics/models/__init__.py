from analytics.models.behaviour import BehaviourModel, BehaviourRun, BehaviourState
from analytics.models.cut_off import RfmCutOff
from analytics.models.day import PurchaseDay, StaleDay
from analytics.models.engagement import EngagementRule
from analytics.models.objective import CorrectiveAction, Objective, ObjectiveCheck, ObjectiveReview
from analytics.models.personal_offer import OfferSet
from analytics.models.prediction import ClusterModel, ClusterRun, Schedule, ValueModel, ValueRun
from analytics.models.rfm import RfmModel, RfmRun, RfmSnapshot
from analytics.models.runs import RunStatus
from analytics.models.score import RfmScore, RfmTransition
from analytics.models.segment_map import RfmMapSegment, RfmSegmentMap
from analytics.models.survey import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse

__all__ = [
    "BehaviourModel",
    "BehaviourRun",
    "BehaviourState",
    "ClusterModel",
    "ClusterRun",
    "CorrectiveAction",
    "EngagementRule",
    "Objective",
    "ObjectiveCheck",
    "ObjectiveReview",
    "OfferSet",
    "PurchaseDay",
    "RfmCutOff",
    "RfmMapSegment",
    "RfmModel",
    "RfmRun",
    "RfmScore",
    "RfmSegmentMap",
    "RfmSnapshot",
    "RfmTransition",
    "RunStatus",
    "Schedule",
    "StaleDay",
    "Survey",
    "SurveyParticipation",
    "SurveyQuestion",
    "SurveyResponse",
    "ValueModel",
    "ValueRun",
]
