from celery import shared_task
from django.utils import timezone

from coupons import services
from operations.models import JobRun
from operations.services import fail_job, finish_job, start_job


@shared_task(name="coupons.tasks.issue_coupons")
def issue_coupons(job_id: int) -> None:
    """Make the codes that a job promised; a job somebody else has taken is left alone."""
    job = JobRun.objects.get(pk=job_id)
    if not start_job(job):
        return
    try:
        result = services.issue_in_batches(job, at=timezone.now())
    except Exception as error:
        fail_job(job, error=str(error))
        raise
    finish_job(job, result=result)


@shared_task(name="coupons.tasks.keep_promotions")
def keep_promotions() -> None:
    """Write down which promotions the clock started and ended; take up jobs whose bell was lost."""
    services.move_promotions(at=timezone.now())
    for job in JobRun.objects.filter(kind="coupons.issue", status=JobRun.Status.QUEUED):
        issue_coupons(job.pk)


@shared_task(name="coupons.tasks.expire_lots")
def expire_lots() -> None:
    """Book the expiry of points; they cannot be spent from their expiry on, booked or not."""
    services.expire_lots(at=timezone.now())
