from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign


class CampaignRunQuerySet(models.QuerySet["CampaignRun"]):
    def sending(self) -> "CampaignRunQuerySet":
        """Return runs whose messages may go out."""
        return self.filter(status=CampaignRun.Status.RUNNING, campaign__status=Campaign.Status.RUNNING)


class CampaignRun(models.Model):
    """One occurrence of a campaign: who was in the audience then, and what became of each message."""

    class Status(models.TextChoices):
        PLANNED = "PLANNED", _("Planned")
        RUNNING = "RUNNING", _("Running")
        PAUSED = "PAUSED", _("Paused")
        DONE = "DONE", _("Done")
        STOPPED = "STOPPED", _("Stopped")
        MISSED = "MISSED", _("Missed")

    class PauseReason(models.TextChoices):
        BY_HAND = "BY_HAND", _("Paused by hand")
        LATE = "LATE", _("Too late: confirm that it should still go out")
        NO_COUPON = "NO_COUPON", _("No coupon left: the pool or the budget of the promotion is used up")
        PROMOTION_NOT_ACTIVE = "PROMOTION_NOT_ACTIVE", _("The promotion is not active")
        TOO_MANY = "TOO_MANY", _("More people than was agreed to: another person has to agree")
        BOUNCES = "BOUNCES", _("Too many messages bounced: check where the addresses come from")
        COMPLAINTS = "COMPLAINTS", _("Too many recipients complained: check audience and content")

    MOVES = {
        Status.PLANNED: {Status.RUNNING, Status.PAUSED, Status.STOPPED, Status.MISSED},
        Status.RUNNING: {Status.PAUSED, Status.DONE, Status.STOPPED},
        Status.PAUSED: {Status.PLANNED, Status.RUNNING, Status.STOPPED},
        Status.DONE: set(),
        Status.STOPPED: set(),
        Status.MISSED: set(),
    }

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="runs", verbose_name=_("campaign")
    )
    version = models.ForeignKey("campaigns.CampaignVersion", on_delete=models.PROTECT, related_name="+")
    occurrence = models.CharField(_("occurrence"), max_length=64)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PLANNED)
    pause_reason = models.CharField(_("reason of the pause"), max_length=32, choices=PauseReason, blank=True)
    not_before = models.DateTimeField(_("not before"))
    planned_at = models.DateTimeField(_("audience taken at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    # Bounces and complaints are counted from here on: whoever resumes has seen what came before.
    watched_from = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = CampaignRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run of a campaign")
        verbose_name_plural = _("runs of campaigns")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "occurrence"], name="one_run_per_occurrence"),
            models.CheckConstraint(
                condition=models.Q(status="PAUSED") | models.Q(pause_reason=""),
                name="only_a_paused_run_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status"],
                condition=models.Q(status__in=["PLANNED", "RUNNING", "PAUSED"]),
                name="campaignrun_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.occurrence}"

    @property
    def expires_at(self) -> datetime | None:
        """Return when its messages are no longer good; None where they always are."""
        hours = self.version.good_for_hours
        return None if hours is None else self.not_before + timedelta(hours=hours)
