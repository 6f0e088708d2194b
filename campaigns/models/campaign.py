"""What is sent to whom, and when: a campaign, and its versions that never change."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, Purpose


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def by_reference(self, reference: str) -> "CampaignQuerySet":
        """Return the campaign with this code or, if there is none, with this id."""
        by_code = self.filter(code=reference)
        if reference.isascii() and reference.isdigit() and len(reference) < 19 and not by_code.exists():
            return self.filter(pk=int(reference))
        return by_code

    def under_way(self) -> "CampaignQuerySet":
        """Return campaigns that are sending or wait to go on."""
        return self.filter(
            status__in=[Campaign.Status.SCHEDULED, Campaign.Status.RUNNING, Campaign.Status.PAUSED]
        )

    def needing_a_decision(self) -> "CampaignQuerySet":
        """Return paused campaigns: nothing goes on until somebody decides."""
        return self.filter(status=Campaign.Status.PAUSED)


class Campaign(models.Model):
    """An audience, a content, an optional promotion and a time; `Version` holds what these are."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        SCHEDULED = "SCHEDULED", _("Scheduled")
        RUNNING = "RUNNING", _("Running")
        PAUSED = "PAUSED", _("Paused")
        STOPPED = "STOPPED", _("Stopped")
        FINISHED = "FINISHED", _("Finished")

    MOVES = {
        Status.DRAFT: {Status.SCHEDULED, Status.RUNNING, Status.STOPPED},
        Status.SCHEDULED: {Status.RUNNING, Status.PAUSED, Status.STOPPED},
        Status.RUNNING: {Status.PAUSED, Status.STOPPED, Status.FINISHED},
        Status.PAUSED: {Status.SCHEDULED, Status.RUNNING, Status.STOPPED},
        Status.STOPPED: set(),
        Status.FINISHED: set(),
    }

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        permissions = [
            ("start_campaign", _("Can start, pause and resume campaigns")),
            ("stop_campaign", _("Can stop campaigns")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> "CampaignVersion":
        """Return the newest version: what a run planned now would send."""
        return self.versions.select_related("segment", "promotion").latest("number")


class CampaignVersion(models.Model):
    """What a campaign says, to whom and when, compiled; a run keeps the one it was planned with.

    `body` is what was written (HTML, MJML or plain text, with Liquid); `html` and `text` are the Liquid
    templates made of it. A trigger refuses UPDATE and DELETE (see the migration).
    """

    class Trigger(models.TextChoices):
        ONE_OFF = "ONE_OFF", _("Once")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="versions", verbose_name=_("campaign")
    )
    number = models.PositiveIntegerField(_("version"))
    segment = models.ForeignKey(
        "customers.Segment", on_delete=models.PROTECT, related_name="+", verbose_name=_("segment")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.EMAIL)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose, default=Purpose.MARKETING)
    subject = models.CharField(_("subject"), max_length=300)
    body = models.TextField(_("content"))
    html = models.TextField(_("HTML"), editable=False)
    text = models.TextField(_("plain text"), editable=False)
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("promotion"),
    )
    trigger = models.CharField(_("trigger"), max_length=16, choices=Trigger, default=Trigger.ONE_OFF)
    starts_at = models.DateTimeField(
        _("not before"), null=True, blank=True, help_text=_("Empty: as soon as the campaign is started.")
    )
    holdout_percent = models.PositiveSmallIntegerField(
        _("holdout, percent"),
        default=0,
        validators=[MaxValueValidator(50)],
        help_text=_("Share of the audience that gets nothing, to measure what the campaign brings."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("version of a campaign")
        verbose_name_plural = _("versions of campaigns")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_version_per_number"),
            models.CheckConstraint(
                condition=models.Q(holdout_percent__lte=50),
                name="at_most_half_is_held_out",
                violation_error_message=_("At most half of the audience can be held out."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"
