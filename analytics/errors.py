"""What can go wrong in analytics. Base tree: operations.errors."""

from operations.errors import Conflict, Refusal


class PopulationTooSmall(Refusal):
    key = "population_too_small"
    message = "Too few customers bought in this model's window; set fixed thresholds or a smaller minimum."


class RfmRunInProgress(Conflict):
    key = "run_in_progress"
    message = "This model is being run right now; this second run did nothing."
