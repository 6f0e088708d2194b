from celery import shared_task
from django.utils import timezone

from operations import services
from operations.models import JobRun
from operations.services import webhooks

# What nobody had time for within so many seconds was rung for again meanwhile.
RINGS_AGAIN = 30


@shared_task(name="operations.tasks.forget_answers")
def forget_answers() -> None:
    """Delete the answers under Idempotency-Keys that nobody will repeat any more."""
    services.forget_answers(at=timezone.now())


@shared_task(name="operations.tasks.carry_out_job")
def carry_out_job(job_id: int) -> None:
    """Carry out one promised job; called twice at once, the second call leaves it to the first."""
    job = JobRun.objects.filter(pk=job_id).first()
    if job is not None:
        services.carry_out(job)


@shared_task(name="operations.tasks.take_up_jobs")
def take_up_jobs() -> None:
    """Ring again for jobs whose bell was lost or whose worker was killed; beat repeats it."""
    for job_id in services.abandoned_jobs():
        services.ring_for(job_id)


@shared_task(name="operations.tasks.forget_files")
def forget_files() -> None:
    """Delete the files of jobs that are older than a week."""
    services.forget_files(at=timezone.now())


@shared_task(name="operations.tasks.check_invariants")
def check_invariants() -> None:
    """Check the books; what does not hold is logged, stands on its page and the home page, and is mailed."""
    services.mail_broken(services.check_invariants(at=timezone.now()))


@shared_task(name="operations.tasks.call_webhooks")
def call_webhooks() -> None:
    """Give every webhook that has something to hear a turn of its own; beat repeats it."""
    for webhook_id in webhooks.due_webhooks(at=timezone.now()):
        call_webhook.apply_async((webhook_id,), expires=RINGS_AGAIN)


@shared_task(name="operations.tasks.call_webhook")
def call_webhook(webhook_id: int) -> None:
    """Tell one webhook what waits for it; called twice at once, the second call leaves it to the first."""
    webhooks.call_webhook(webhook_id)


@shared_task(name="operations.tasks.forget_deliveries")
def forget_deliveries() -> None:
    """Delete what webhooks were told more than a month ago."""
    webhooks.forget_deliveries(at=timezone.now())
