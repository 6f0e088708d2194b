"""A long load as a job that the console shows."""

from collections.abc import Callable

from loyalty_site.demo.progress import JobProgress, Progress
from operations.errors import Refusal
from operations.models import JobRun
from operations.services import fail_job, finish_job, start_job


class JobNotWaiting(Refusal):
    key = "job_not_waiting"
    message = "This job is not waiting to be started."


def run_job(job: JobRun, work: Callable[[Progress], dict[str, int]]) -> dict[str, int]:
    """Run `work`, which returns counts to show, as this queued job, and write down how it ended.

    Raises JobNotWaiting, and whatever `work` raises.
    """
    if not start_job(job):
        raise JobNotWaiting
    progress = JobProgress(job)
    try:
        result = work(progress)
    except Exception as error:
        fail_job(job, error=str(error))
        raise
    finally:
        progress.close()
    finish_job(job, result=result)
    return result
