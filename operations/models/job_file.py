from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

DAYS_KEPT = 7


class JobFileQuerySet(models.QuerySet["JobFile"]):
    def outdated(self, *, at) -> "JobFileQuerySet":
        """Return the files that nobody needs any more."""
        return self.filter(created_at__lt=at - timedelta(days=DAYS_KEPT))

    def handed_over(self) -> "JobFileQuerySet":
        """Return those that their jobs were for: under the code of its kind, its owner fetches it."""
        return self.filter(code=models.F("job__kind"))


def folder_of(file: "JobFile", name: str) -> str:
    """Return where a job's file is kept; the name a person gave it is not part of it."""
    return f"jobs/{file.job_id}/{file.code}"


class JobFile(models.Model):
    """What a job wrote for a person to fetch; it is deleted after a week."""

    job = models.ForeignKey("operations.JobRun", on_delete=models.CASCADE, related_name="files")
    code = models.CharField(max_length=32, help_text=_("Which of the job's files it is."))
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(max_length=100)
    file = models.FileField(upload_to=folder_of, max_length=200)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = JobFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("file of a job")
        verbose_name_plural = _("files of jobs")
        constraints = [models.UniqueConstraint(fields=["job", "code"], name="one_file_per_job_and_code")]
        permissions = [("export_data", _("Can export lists as files"))]

    def __str__(self) -> str:
        return self.name
