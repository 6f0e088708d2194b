"""The jobs of behaviour: promised here, so that whoever promises one need not load what computes it."""

from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.errors import BehaviourRunInProgress
from analytics.models import BehaviourModel
from operations.models import ApiClient, JobRun, User
from operations.services import promise_job

CHOOSE, PREDICT = "analytics.behaviour_choice", "analytics.behaviour"
CHOSEN_EVERY = timedelta(days=7)


def queue_behaviour(
    *, as_of: date, choose: bool = False, owner: User | None = None, client: ApiClient | None = None
) -> JobRun:
    """Promise the prediction of everybody as of a day; with `choose`, and without a model, a back-test first.

    Raises BehaviourRunInProgress where one is promised already.
    """
    if JobRun.objects.unfinished().filter(kind__in=[CHOOSE, PREDICT]).exists():
        raise BehaviourRunInProgress
    choose = choose or not BehaviourModel.objects.exists()
    return promise_job(
        CHOOSE if choose else PREDICT,
        title=_("Behaviour: back-test and predictions") if choose else _("Behaviour: predictions"),
        owner=owner,
        client=client,
        parameters={"as_of": as_of.isoformat()},
    )


def queue_nightly_behaviour() -> JobRun | None:
    """Promise tonight's predictions; once a week the models are tried anew before. None when there is one."""
    today = timezone.localdate()
    latest = BehaviourModel.objects.first()
    try:
        return queue_behaviour(as_of=today, choose=latest is None or latest.as_of <= today - CHOSEN_EVERY)
    except BehaviourRunInProgress:
        return None


def last_failure() -> JobRun | None:
    """Return the last job of behaviour when it failed and none has succeeded since."""
    last = JobRun.objects.filter(kind__in=[CHOOSE, PREDICT]).order_by("-pk").first()
    return last if last and last.status == JobRun.Status.FAILED else None


def waiting_job() -> JobRun | None:
    """Return the job that is promised or at work."""
    return JobRun.objects.unfinished().filter(kind__in=[CHOOSE, PREDICT]).order_by("pk").first()


def run_choice(job: JobRun) -> dict[str, int | str]:
    """Keep the promise of a back-test, and predict with what it chose."""
    from analytics.services.behaviour import choose_behaviour_model

    model = choose_behaviour_model(as_of=_as_of(job))
    return {"model": model.version} | run_prediction(job)


def run_prediction(job: JobRun) -> dict[str, int | str]:
    """Keep the promise of a prediction."""
    from analytics.services.behaviour import predict_behaviour

    run = predict_behaviour(as_of=_as_of(job))
    return {"customers": run.population, "changed": run.changed_rows}


def _as_of(job: JobRun) -> date:
    return date.fromisoformat(job.parameters["as_of"])
