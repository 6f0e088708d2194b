from celery import shared_task

from customers import services


@shared_task(name="customers.tasks.dispatch_events")
def dispatch_events() -> None:
    """Hand waiting events to their subscribers; beat repeats it, so that a lost bell only delays."""
    services.dispatch_events()
