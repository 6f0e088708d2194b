"""What is sent to whom, and when: a campaign, and its versions that never change."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, Purpose

if TYPE_CHECKING:
    from coupons.models import Promotion

MAIN = "main"  # The step of a campaign that is no journey.
# The order in which channels are tried for a person, and shown.
CHANNEL_ORDER: list[str] = [Channel.EMAIL, Channel.SMS, Channel.PUSH]


class Lane(models.TextChoices):
    """Fast messages overtake bulk ones; what a message is for decides nothing here."""

    FAST = "FAST", _("Fast")
    BULK = "BULK", _("Bulk")


class CouponScope(models.TextChoices):
    """What each recipient's coupon is good for, within what its promotion is good for."""

    FAVOURITE_PRODUCT = "FAVOURITE_PRODUCT", _("The article they spent most on")
    FAVOURITE_CATEGORY = "FAVOURITE_CATEGORY", _("Their favourite category")
    FAVOURITE_BRAND = "FAVOURITE_BRAND", _("Their favourite brand")


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
    """An audience, contents, an optional promotion and a trigger; `version` holds what these are."""

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
    recipe = models.SlugField(_("recipe"), max_length=64, blank=True, editable=False)
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=50,
        help_text=_("Where a person may get only so many messages, the campaign with the higher one wins."),
    )
    messages_per_minute = models.PositiveIntegerField(
        _("messages per minute"), null=True, blank=True, help_text=_("Empty: as fast as it goes.")
    )
    # Every occurrence due up to here has been planned.
    watermark_at = models.DateTimeField(null=True, blank=True, editable=False)
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
            ("send_campaign", _("Can send a campaign to one customer by hand")),
            ("approve_campaign", _("Can agree to the start of large campaigns")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> "CampaignVersion":
        """Return the newest version: what a run planned now would send."""
        found = self.versions.select_related("segment", "promotion").prefetch_related("contents", "variants")
        return found.latest("number")


class CampaignVersion(models.Model):
    """To whom a campaign goes and when; its contents and variants belong to it. A run keeps its own.

    `trigger_rule` says more about the trigger, as campaigns.triggers reads it; `steps` are a journey's, empty
    for a campaign that is the single step MAIN. A trigger in the database refuses UPDATE and DELETE.
    """

    class Trigger(models.TextChoices):
        ONE_OFF = "ONE_OFF", _("Once")
        RECURRING = "RECURRING", _("Again and again")
        EVENT = "EVENT", _("When something happens")
        SEGMENT = "SEGMENT", _("When somebody enters or leaves a segment")
        DATE = "DATE", _("On a date of each person")
        CALENDAR = "CALENDAR", _("On days of the calendar")
        MANUAL = "MANUAL", _("By hand, for one person")

    class WinnerBy(models.TextChoices):
        CLICKED = "CLICKED", _("Who clicked")
        REDEEMED = "REDEEMED", _("Who redeemed")
        BOUGHT = "BOUGHT", _("Who bought")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="versions", verbose_name=_("campaign")
    )
    number = models.PositiveIntegerField(_("version"))
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
        help_text=_("Empty: everybody."),
    )
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose, default=Purpose.MARKETING)
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("promotion"),
    )
    trigger = models.CharField(_("trigger"), max_length=16, choices=Trigger, default=Trigger.ONE_OFF)
    trigger_rule = models.JSONField(_("rule of the trigger"), default=dict, blank=True)
    starts_at = models.DateTimeField(
        _("not before"), null=True, blank=True, help_text=_("Empty: as soon as the campaign is started.")
    )
    ends_at = models.DateTimeField(
        _("until"),
        null=True,
        blank=True,
        help_text=_("Of a campaign that goes on: nothing is due after this. Empty: until it is stopped."),
    )
    good_for_hours = models.PositiveIntegerField(
        _("good for, hours"),
        null=True,
        blank=True,
        help_text=_("A message that could not leave within this time is not sent any more. Empty: always."),
    )
    lane = models.CharField(_("lane"), max_length=4, choices=Lane, default=Lane.BULK)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    goal = models.JSONField(_("goal"), default=dict, blank=True)
    holdout_percent = models.PositiveSmallIntegerField(
        _("holdout, percent"),
        default=0,
        validators=[MaxValueValidator(50)],
        help_text=_("Share of the audience that gets nothing, to measure what the campaign brings."),
    )
    winner_by = models.CharField(
        _("winner by"),
        max_length=8,
        choices=WinnerBy,
        blank=True,
        help_text=_("Empty: the variants keep their shares to the end."),
    )
    test_percent = models.PositiveSmallIntegerField(
        _("share in the test, percent"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    winner_after_hours = models.PositiveIntegerField(_("decided after, hours"), null=True, blank=True)
    winner_sample = models.PositiveIntegerField(_("at least in each variant"), default=500)
    fallback_variant = models.CharField(_("variant when none wins"), max_length=8, blank=True)
    coupon_scope = models.CharField(
        _("coupon good for"),
        max_length=24,
        choices=CouponScope,
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty: for all that its promotion is good for."),
    )
    utm = models.BooleanField(
        _("UTM parameters"),
        default=True,
        help_text=_("Links tell the shop's own statistics of which campaign they are."),
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
            models.CheckConstraint(
                condition=models.Q(test_percent__gte=1, test_percent__lte=100),
                name="the_share_in_the_test_is_a_percentage",
                violation_error_message=_("The share in the test is between 1 and 100 percent."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"

    @property
    def content(self) -> "CampaignContent":
        """Return what is shown where only one content has room: the first of the first channel."""
        return min(self.contents.all(), key=lambda one: (one.step != MAIN, _place(one.channel), one.pk))

    @property
    def channels(self) -> list[str]:
        """Return the channels of the step MAIN, or of a journey's first message, in the order of trial."""
        first = next((one["id"] for one in self.steps if one["kind"] == "MESSAGE"), MAIN)
        return self.channels_of(first)

    @property
    def all_channels(self) -> list[str]:
        """Return the channels through which any step writes, in the order of trial."""
        return sorted({one.channel for one in self.contents.all()}, key=_place)

    def channels_of(self, step: str) -> list[str]:
        """Return the channels of a step in the order in which they are tried."""
        return sorted({one.channel for one in self.contents.all() if one.step == step}, key=_place)

    @property
    def gives_coupons(self) -> bool:
        """Return whether any recipient gets a coupon with the message."""
        return self.promotion is not None or any(one.promotion_id for one in self.variants.all())

    def brings_coupon(self, step: str = MAIN) -> bool:
        """Return whether messages of a step bring a coupon; those of a journey do where the step says so."""
        return not self.steps or any(one["id"] == step and one.get("coupon") for one in self.steps)

    def promotion_for(self, variant: str = "", *, step: str = MAIN) -> "Promotion | None":
        """Return what a recipient gets a coupon of: their variant's own promotion before the campaign's."""
        if not self.brings_coupon(step):
            return None
        own = next((one.promotion for one in self.variants.all() if one.code == variant), None)
        return own or self.promotion

    def content_for(
        self, *, step: str = MAIN, variant: str = "", channel: str, language: str = ""
    ) -> "CampaignContent | None":
        """Return what a recipient gets: their variant's before everybody's, their language's before any.

        A language nobody wrote for gets the content for every language, else the first one that there is.
        """
        found = [
            one
            for one in self.contents.all()
            if one.step == step and one.channel == channel and one.variant in (variant, "")
        ]
        fitting = [one for one in found if one.language in (language, "")] or found
        return max(fitting, key=lambda one: (one.variant, one.language, -one.pk), default=None)


class CampaignContent(models.Model):
    """What one step of a campaign says through one channel, to one variant in one language; never changed.

    `variant` and `language` are empty where it is for all of them. `body` is what was written (HTML, MJML or
    plain text, with Liquid); `html` and `text` are the Liquid templates made of it. Where a mail was put
    together of `blocks`, `body` is the MJML that they make.
    """

    version = models.ForeignKey(
        CampaignVersion, on_delete=models.PROTECT, related_name="contents", verbose_name=_("version")
    )
    step = models.CharField(_("step"), max_length=32, default=MAIN)
    variant = models.CharField(_("variant"), max_length=8, blank=True)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.EMAIL)
    language = models.CharField(_("language"), max_length=8, blank=True)
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    body = models.TextField(_("content"))
    blocks = models.JSONField(_("blocks"), default=dict, blank=True)
    html = models.TextField(_("HTML"), blank=True, editable=False)
    text = models.TextField(_("plain text"), editable=False)

    class Meta:
        verbose_name = _("content of a campaign")
        verbose_name_plural = _("contents of campaigns")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "step", "variant", "channel", "language"], name="one_content_for_each"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.get_channel_display()


class CampaignVariant(models.Model):
    """One arm of an experiment: its share of those who are written to, and the offer it makes."""

    version = models.ForeignKey(
        CampaignVersion, on_delete=models.PROTECT, related_name="variants", verbose_name=_("version")
    )
    code = models.CharField(_("variant"), max_length=8)
    name = models.CharField(_("name"), max_length=80, blank=True)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1, validators=[MinValueValidator(1)])
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("promotion"),
        help_text=_("Empty: the campaign's."),
    )

    class Meta:
        verbose_name = _("variant of a campaign")
        verbose_name_plural = _("variants of campaigns")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="one_variant_per_code"),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1),
                name="a_variant_has_a_weight",
                violation_error_message=_("A variant has a weight of at least one."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.code


def _place(channel: str) -> int:
    return CHANNEL_ORDER.index(channel) if channel in CHANNEL_ORDER else len(CHANNEL_ORDER)
