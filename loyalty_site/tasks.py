from celery import shared_task

from loyalty_site.demo.queue import run_waiting_job


# Half of the broker's visibility timeout, so that a running load is never delivered a second time.
@shared_task(name="loyalty_site.tasks.load_demo", soft_time_limit=1500, time_limit=1560)
def load_demo() -> None:
    """Load the demo data, if that was promised; beat repeats it, so that a lost bell only delays."""
    run_waiting_job()
