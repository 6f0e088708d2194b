"""What a merge, an export and an erasure do with this app's tables."""

from customers.registry import CustomerTable, OnErase, OnMerge

TABLES = [
    CustomerTable(
        "analytics.RfmScore",
        on_merge=OnMerge.STEP,
        step="analytics.services.merges.merge_scores",
        on_erase=OnErase.DELETE,
        profile=True,
        derived=True,
    ),
    CustomerTable(
        "analytics.BehaviourState",
        on_merge=OnMerge.STEP,
        step="analytics.services.merges.merge_states",
        on_erase=OnErase.DELETE,
        profile=True,
        derived=True,
    ),
    CustomerTable("analytics.RfmTransition", on_erase=OnErase.DELETE, profile=True, derived=True),
    CustomerTable(
        "analytics.SurveyParticipation",
        on_merge=OnMerge.STEP,
        step="analytics.services.survey_merges.merge_answers",
    ),
    CustomerTable(
        "analytics.SurveyResponse",
        on_merge=OnMerge.STEP,
        step="analytics.services.survey_merges.merge_answers",
        blank={"answers": {}, "comment": ""},
    ),
]
