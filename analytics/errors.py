"""What can go wrong in analytics. Base tree: operations.errors."""

from operations.errors import Conflict, NotFound, Refusal


class PopulationTooSmall(Refusal):
    key = "population_too_small"
    message = "Too few customers bought in this model's window; set fixed thresholds or a smaller minimum."


class SurveyNotFound(NotFound):
    message = "There is no such survey."


class SurveyClosed(Refusal):
    key = "survey_closed"
    message = "This survey takes no answers now."


class AlreadyAnswered(Conflict):
    key = "already_answered"
    message = "This person has answered this survey already."


class SurveyInUse(Refusal):
    key = "survey_in_use"
    message = "There are answers already: words may change, the questions not. Copy the survey to ask others."


class SurveyMoveNotPossible(Refusal):
    key = "move_not_possible"
    message = "The survey is in no state for this."


class SegmentMapBuiltIn(Refusal):
    key = "segment_map_built_in"
    message = "This map comes with the product and stays as it is; change a copy of it."


class SegmentMapInUse(Conflict):
    key = "segment_map_in_use"
    message = "An RFM model uses this map; give the model another one first."


class RunInProgress(Conflict):
    key = "run_in_progress"
    message = "This model is being run right now, or waits for it; this second run did nothing."


class ExtraNotInstalled(Refusal):
    key = "extra_not_installed"
    message = (
        "Clusters need scikit-learn: pip install -r requirements-clusters.txt, then restart the workers."
    )


class ModelDoesNotFit(Refusal):
    key = "model_does_not_fit"
    message = "Too few customers bought more than once to learn from; nothing was predicted."


class HistoryTooShort(Refusal):
    key = "history_too_short"
    message = (
        "There are too few purchases to learn from: at least 25 customers, and about three months of orders."
    )


class OffersDecided(Conflict):
    key = "offers_decided"
    message = "Somebody decided about these offers already, or they are still being computed."


class NothingPredicted(Refusal):
    key = "nothing_predicted"
    message = "Nobody's next purchase was predicted yet: run the behaviour model first."


class BehaviourRunInProgress(Conflict):
    key = "run_in_progress"
    message = "What people do next is being worked out right now; this second run did nothing."


class ObjectiveCodeTaken(Conflict):
    key = "objective_code_taken"
    message = "There is already an objective with this code."


class ObjectiveIsClosed(Conflict):
    key = "objective_closed"
    message = "This objective was closed: it is neither checked nor reviewed any more."
