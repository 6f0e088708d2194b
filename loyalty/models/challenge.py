"""Challenges, stamp cards and collection cards: one thing in three looks, counted from what people do."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty.progress import Span, Terms


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def active(self, at: datetime) -> "ChallengeQuerySet":
        """Return what counts something that happened at an instant."""
        return self.filter(
            Q(starts_at=None) | Q(starts_at__lte=at),
            Q(ends_at=None) | Q(ends_at__gt=at),
            status=Challenge.Status.ACTIVE,
        )

    def whole(self) -> "ChallengeQuerySet":
        return self.select_related("reward", "badge", "segment")


class Challenge(models.Model):
    """Something to reach: so much of a metric, in a window, for a reward, a badge or both.

    A stamp card is reached `target` stamps at a time, over and over; a collection card is reached when each
    of `items` (`[{"code", "title": {...}, "skus": [..], "categories": [..], ...}]`) was bought.

    `which` says which lines, stores and channels count: lists of `skus`, `categories`, `brands`,
    `collections`, `stores`, `sales_channels`. AMOUNT counts what was paid and kept, in minor units, or one
    for every full `unit_amount`. `window` is one span (between the dates), the last `window_days`, or each
    calendar `period`; of periods, `streak` in a row have to be reached. `most_a_day` counts on one local day.
    """

    class Kind(models.TextChoices):
        CHALLENGE = "CHALLENGE", _("Challenge")
        STAMP_CARD = "STAMP_CARD", _("Stamp card")
        COLLECTION = "COLLECTION", _("Collection card")

    class Metric(models.TextChoices):
        ORDERS = "ORDERS", _("Orders")
        AMOUNT = "AMOUNT", _("Amount spent")
        QUANTITY = "QUANTITY", _("Units bought")
        STORES = "STORES", _("Different stores")
        EVENTS = "EVENTS", _("Events of a kind")
        POINTS = "POINTS", _("Points earned with orders")
        ITEMS = "ITEMS", _("Different items of a set")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        ACTIVE = "ACTIVE", _("Active")
        STOPPED = "STOPPED", _("Stopped")

    class Window(models.TextChoices):
        FIXED = "FIXED", _("Between the dates")
        ROLLING = "ROLLING", _("In the last days")
        PERIOD = "PERIOD", _("In each period of the calendar")

    class Joining(models.TextChoices):
        AUTOMATIC = "AUTOMATIC", _("Everybody takes part")
        OPT_IN = "OPT_IN", _("Who says so takes part")

    MOVES = {
        Status.DRAFT: {Status.ACTIVE},
        Status.ACTIVE: {Status.STOPPED},
        Status.STOPPED: {Status.ACTIVE},
    }

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.CHALLENGE)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("introduction"), default=dict, blank=True)
    icon = models.CharField(_("icon"), max_length=40, default="emoji_events")
    metric = models.CharField(_("counts"), max_length=16, choices=Metric, default=Metric.ORDERS)
    event_type = models.CharField(_("kind of event"), max_length=64, blank=True)
    which = models.JSONField(_("what counts"), default=dict, blank=True)
    items = models.JSONField(_("items of the set"), default=list, blank=True)
    minimum_amount = models.PositiveBigIntegerField(_("smallest order"), default=0)
    unit_amount = models.PositiveBigIntegerField(_("one for every"), null=True, blank=True)
    target = models.PositiveBigIntegerField(_("target"), validators=[MinValueValidator(1)])
    window = models.CharField(_("window"), max_length=8, choices=Window, default=Window.FIXED)
    window_days = models.PositiveSmallIntegerField(_("days of the window"), null=True, blank=True)
    period = models.CharField(_("period"), max_length=8, choices=Span, blank=True)
    streak = models.PositiveSmallIntegerField(_("periods in a row"), default=1)
    most_a_day = models.PositiveIntegerField(_("counts at most a day"), null=True, blank=True)
    most_completions = models.PositiveIntegerField(
        _("times a person"), null=True, blank=True, default=1, help_text=_("Empty: over and over.")
    )
    joining = models.CharField(_("who takes part"), max_length=10, choices=Joining, default=Joining.AUTOMATIC)
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only for the segment"),
    )
    reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reward"),
    )
    badge = models.ForeignKey(
        "loyalty.Badge",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="challenges",
        verbose_name=_("badge"),
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("game", "challenge")
        verbose_name_plural = pgettext_lazy("game", "challenges")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="a_challenge_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(target__gt=0, streak__gt=0), name="there_is_something_to_reach"
            ),
            models.CheckConstraint(
                condition=~Q(window="ROLLING") | Q(window_days__isnull=False, window_days__gt=0),
                name="a_rolling_window_has_days",
            ),
            models.CheckConstraint(
                condition=Q(window="PERIOD") ^ Q(period=""), name="a_period_has_its_length"
            ),
            models.CheckConstraint(condition=Q(streak=1) | Q(window="PERIOD"), name="a_streak_is_of_periods"),
            models.CheckConstraint(
                condition=~Q(metric="EVENTS") | ~Q(event_type=""), name="events_are_of_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def terms(self) -> Terms:
        """Return what the arithmetic of progress needs."""
        return Terms(
            target=self.target,
            distinct=self.metric in (self.Metric.STORES, self.Metric.ITEMS),
            items=tuple(item["code"] for item in self.items) if self.metric == self.Metric.ITEMS else (),
            days=self.window_days if self.window == self.Window.ROLLING else None,
            span=self.period if self.window == self.Window.PERIOD else "",
            streak=self.streak,
            most_a_day=self.most_a_day,
            most_completions=self.most_completions,
            zone=settings.PROGRAMME_TIME_ZONE,
        )

    def is_active(self, at: datetime) -> bool:
        """Return whether what happens at an instant counts."""
        begun = self.starts_at is None or self.starts_at <= at
        return self.status == self.Status.ACTIVE and begun and (self.ends_at is None or at < self.ends_at)


class StampCard(Challenge):
    """A challenge in the look of a card: its own page in the console."""

    class Meta:
        proxy = True
        verbose_name = _("stamp card")
        verbose_name_plural = _("stamp cards")


class ChallengeParticipant(models.Model):
    """One person in one challenge: since when, how far they are, and how often they reached it.

    `value`, `streak` and `completions` are what `loyalty.progress` makes of the steps as last told.
    """

    challenge = models.ForeignKey(
        Challenge,
        on_delete=models.PROTECT,
        related_name="participants",
        verbose_name=_("challenge"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    joined_at = models.DateTimeField(_("takes part since"))
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    value = models.PositiveBigIntegerField(_("progress"), default=0)
    completions = models.PositiveIntegerField(_("times reached"), default=0)
    moved_at = models.DateTimeField(_("last step"), null=True, blank=True)

    class Meta:
        verbose_name = _("participant in a challenge")
        verbose_name_plural = _("participants in challenges")
        constraints = [
            models.UniqueConstraint(fields=["challenge", "customer"], name="a_challenge_once_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.challenge_id}"


class ChallengeStep(models.Model):
    """What one cause counts for: an order, an event. A return corrects `value`; the cause counts once.

    `item` is the store or the item of the set, where different ones count.
    """

    challenge = models.ForeignKey(Challenge, on_delete=models.PROTECT, related_name="steps", db_index=False)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    source_key = models.CharField(_("cause"), max_length=120)
    item = models.CharField(_("item"), max_length=64, blank=True)
    value = models.PositiveBigIntegerField(_("counts for"))
    occurred_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a challenge")
        verbose_name_plural = _("steps of challenges")
        constraints = [
            models.UniqueConstraint(
                fields=["challenge", "source_key", "item"], name="a_cause_counts_once_in_a_challenge"
            ),
        ]
        indexes = [models.Index(fields=["challenge", "customer", "occurred_at"], name="challenge_steps_of")]

    def __str__(self) -> str:
        return f"{self.value} for {self.challenge_id}"


class ChallengeCompletion(models.Model):
    """One time somebody reached a challenge, and what they were given; it stays when goods come back.

    `key` tells the times apart: the number of the lap, or the first day of the period.
    """

    challenge = models.ForeignKey(
        Challenge, on_delete=models.PROTECT, related_name="completions", verbose_name=_("challenge")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    key = models.CharField(_("time"), max_length=20)
    grant = models.OneToOneField(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    completed_at = models.DateTimeField(_("reached at"))

    class Meta:
        verbose_name = _("challenge reached")
        verbose_name_plural = _("challenges reached")
        constraints = [
            models.UniqueConstraint(fields=["challenge", "customer", "key"], name="a_lap_is_reached_once"),
        ]

    def __str__(self) -> str:
        return f"{self.challenge_id} {self.key}"
