"""Files that jobs leave for a person: written once, fetched, deleted after a week."""

from datetime import datetime
from pathlib import Path

from django.core.files import File

from operations.models import JobFile, JobRun


def keep_file(job: JobRun, path: Path, *, code: str, name: str, content_type: str) -> JobFile:
    """Hand a finished file over to the job's page; one of the same code is replaced."""
    file = JobFile.objects.filter(job=job, code=code).first() or JobFile(job=job, code=code)
    if file.pk:
        file.file.delete(save=False)
    file.name, file.content_type = name[:200], content_type
    with path.open("rb") as content:
        file.file.save(code, File(content), save=True)
    return file


def forget_files(*, at: datetime) -> int:
    """Delete the files whose week is over and return how many."""
    outdated = list(JobFile.objects.outdated(at=at))
    for file in outdated:
        file.file.delete(save=False)
        file.delete()
    return len(outdated)
