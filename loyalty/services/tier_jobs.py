"""Looking at everybody's tier as a job with progress, after thresholds were changed."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.services.tier_reviews import review_tiers
from operations.models import JobRun, User
from operations.services.jobs import advance_job
from operations.services.runs import promise_job

KIND = "loyalty.tiers"


def request_review(*, announce: bool, by: User | None = None) -> JobRun:
    """Promise a look at everybody's tier; with `announce` campaigns hear of who rises."""
    return promise_job(KIND, title=_("Tiers of everybody"), owner=by, parameters={"announce": announce})


def run_review(job: JobRun) -> dict[str, Any]:
    """Carry the look out; taken up again after a kill, it decides what is still to be decided."""

    def progress(done: int, total: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(total=total)
        advance_job(job, done=done)

    announce = bool(job.parameters.get("announce"))
    review = review_tiers(at=timezone.now(), announce=announce, progress=progress)
    return {"risen": review.risen, "fallen": review.fallen, "kept": review.kept}
