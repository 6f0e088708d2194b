from celery import shared_task

from customers import services


@shared_task(name="customers.tasks.dispatch_events")
def dispatch_events(limit: int = 200) -> None:
    """Hand waiting events to their subscribers; beat repeats it, so that a lost bell only delays."""
    if services.dispatch_events(limit=limit) == limit:
        dispatch_events.delay()
