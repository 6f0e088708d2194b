"""Files of records that somebody brings in: what they are, how far each is, and how to take it back."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

UNDO_WITHIN = timedelta(days=1)
UPLOADS_KEPT = timedelta(days=7)


def upload_path(run: "ImportRun", name: str) -> str:
    """Return where an upload is kept; the name a person gave it is not part of it."""
    return f"imports/{secrets.token_hex(16)}"


class ImportKind(models.TextChoices):
    """What one record of a file tells of."""

    CUSTOMERS = "customers", _("Customers")
    ORDERS = "orders", _("Orders")
    PRODUCTS = "products", _("Products")
    EVENTS = "events", _("Events")
    CONSENTS = "consents", _("Consents")


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def with_upload(self) -> "ImportRunQuerySet":
        return self.exclude(upload="")


class ImportRun(models.Model):
    """One file on its way in.

    `mapping` is column -> field, `values` are what holds for every record, `options` is how the file is
    written. `position` is the last line whose records are in the database, counted with them in one
    transaction, so that a killed import goes on behind it. `report` is what became of the records so far;
    `checked` the report of the last dry run.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("To be mapped")
        CHECKING = "CHECKING", _("Checking")
        CHECKED = "CHECKED", _("Checked")
        RUNNING = "RUNNING", _("Importing")
        DONE = "DONE", _("Imported")
        STOPPED = "STOPPED", _("Stopped")
        FAILED = "FAILED", _("Failed")
        UNDOING = "UNDOING", _("Being undone")
        UNDONE = "UNDONE", _("Undone")

    class Mode(models.TextChoices):
        UPSERT = "upsert", _("Add new ones and update known ones")
        CREATE = "create", _("Only add new ones")
        UPDATE = "update", _("Only update known ones")

    kind = models.CharField(_("records"), max_length=16, choices=ImportKind)
    source = models.ForeignKey("customers.Source", on_delete=models.PROTECT, verbose_name=_("source"))
    file_name = models.CharField(_("file"), max_length=200)
    upload = models.FileField(upload_to=upload_path, max_length=200, blank=True)
    size = models.PositiveBigIntegerField(_("size"))
    digest = models.CharField(max_length=64, db_index=True)
    options = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    values = models.JSONField(default=dict)
    mode = models.CharField(_("mode"), max_length=8, choices=Mode, default=Mode.UPSERT)
    announce = models.BooleanField(
        _("act on it"),
        default=False,
        help_text=_("Points are earned and campaigns start as if it happened now. Leave off for the past."),
    )
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    job = models.ForeignKey(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    position = models.PositiveBigIntegerField(default=0)
    report = models.JSONField(default=dict)
    checked = models.JSONField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("owner")
    )
    created_at = models.DateTimeField(_("uploaded at"), auto_now_add=True)
    started_at = models.DateTimeField(_("imported at"), null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_busy(self) -> bool:
        """Return whether a job is at work on it."""
        return self.status in {self.Status.CHECKING, self.Status.RUNNING, self.Status.UNDOING}

    @property
    def is_open(self) -> bool:
        """Return whether its mapping may still be changed: nothing of it is in the database."""
        return bool(self.upload) and self.status in {
            self.Status.DRAFT, self.Status.CHECKED, self.Status.FAILED, self.Status.UNDONE
        }  # fmt: skip

    def can_be_undone(self, *, at: datetime) -> bool:
        """Return whether it ended less than a day ago."""
        ended = self.status in {self.Status.DONE, self.Status.STOPPED}
        return ended and self.finished_at is not None and at < self.finished_at + UNDO_WITHIN


class ImportMapping(models.Model):
    """How the last file of a source was mapped, offered again for the next one."""

    source = models.ForeignKey("customers.Source", on_delete=models.CASCADE, verbose_name=_("source"))
    kind = models.CharField(_("records"), max_length=16, choices=ImportKind)
    mapping = models.JSONField(default=dict)
    values = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    used_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")
        constraints = [
            models.UniqueConstraint(fields=["source", "kind"], name="one_mapping_per_source_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.source} · {self.get_kind_display()}"


class ImportedRow(models.Model):
    """What an import changed, kept for as long as it can be undone.

    `target` is the primary key of the profile, order, article, event or consent record. `before` is what it
    said before; null for one that the import made.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    target = models.BigIntegerField()
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    before = models.JSONField(null=True)

    class Meta:
        verbose_name = _("imported record")
        verbose_name_plural = _("imported records")

    def __str__(self) -> str:
        return f"{self.run_id} {self.target}"
