"""Prize draws and instant wins: a contest with its dates and its committed seed, and who takes part."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Period(models.TextChoices):
    """How often something may be done anew, by the programme's calendar."""

    DAY = "DAY", _("a day")
    WEEK = "WEEK", _("a week")
    MONTH = "MONTH", _("a month")
    TOTAL = "TOTAL", _("in all")


class DrawQuerySet(models.QuerySet["Draw"]):
    def open(self, at: datetime) -> "DrawQuerySet":
        """Return the contests that can be entered at an instant."""
        return self.filter(status=Draw.Status.OPEN, opens_at__lte=at, closes_at__gt=at)

    def public(self) -> "DrawQuerySet":
        """Return the contests that anybody may look up: those that were ever opened."""
        return self.exclude(committed_at=None)


class Draw(models.Model):
    """A contest: entries are collected and winners drawn at its end, or each play is decided at once.

    It takes part who enters from `opens_at` to `closes_at` (exclusive). Texts are JSON by language.
    `commitment` is SHA-256 of the seed, fixed when it opens; `seed` is empty until it is over, and kept
    sealed until then. `digest`, `lines_count` and `entries_count` tell of the list frozen at the end.
    `beacon` is the public number that the regulation says comes into it (`beacon_source`: "the Lotto numbers
    of 10 December, wheel of Rome").

    A play of an instant win uses one of the person's entries (`plays_need_entries`) or none, and at most
    `play_limit` are possible in each `play_period`.
    """

    class Kind(models.TextChoices):
        PRIZE_DRAW = "PRIZE_DRAW", _("Prize draw")
        INSTANT_WIN = "INSTANT_WIN", _("Instant win")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        OPEN = "OPEN", pgettext_lazy("state of a contest", "Open")
        CLOSED = "CLOSED", pgettext_lazy("state of a contest", "Closed")
        DRAWN = "DRAWN", _("Drawn")
        CANCELLED = "CANCELLED", pgettext_lazy("state of a contest", "Called off")

    MOVES = {
        Status.DRAFT: {Status.OPEN, Status.CANCELLED},
        Status.OPEN: {Status.CLOSED, Status.CANCELLED},
        Status.CLOSED: {Status.DRAWN},
        Status.DRAWN: set(),
        Status.CANCELLED: set(),
    }

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.PRIZE_DRAW)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("introduction"), default=dict, blank=True)
    regulation = models.JSONField(_("regulation"), default=dict, blank=True)
    opens_at = models.DateTimeField(_("from"))
    closes_at = models.DateTimeField(_("until"))
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only for the segment"),
    )
    most_entries = models.PositiveIntegerField(_("entries a person"), null=True, blank=True)
    plays_need_entries = models.BooleanField(_("a play uses an entry"), default=False)
    play_limit = models.PositiveIntegerField(_("plays a person"), null=True, blank=True)
    play_period = models.CharField(_("in"), max_length=8, choices=Period, default=Period.DAY)
    substitutes = models.PositiveSmallIntegerField(_("substitutes"), default=0)
    beacon_source = models.CharField(_("public number"), max_length=300, blank=True)
    beacon = models.CharField(_("value of the public number"), max_length=120, blank=True)
    commitment = models.CharField(_("commitment"), max_length=64, blank=True, editable=False)
    sealed_seed = models.BinaryField(default=b"", editable=False)
    seed = models.CharField(_("seed"), max_length=64, blank=True, editable=False)
    committed_at = models.DateTimeField(_("seed fixed at"), null=True, blank=True, editable=False)
    digest = models.CharField(_("digest of the entries"), max_length=64, blank=True, editable=False)
    lines_count = models.PositiveIntegerField(_("people in the list"), default=0, editable=False)
    entries_count = models.PositiveBigIntegerField(_("entries in the list"), default=0, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)
    drawn_at = models.DateTimeField(_("drawn at"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = _("prize draw")
        verbose_name_plural = _("prize draws")
        ordering = ["-pk"]
        permissions = [("run_draw", "Can open, close and draw a contest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")),
                name="a_contest_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["DRAFT", "OPEN"]) | Q(seed=""),
                name="a_seed_is_secret_until_the_contest_is_over",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "CANCELLED"]) | ~Q(commitment=""),
                name="a_contest_opens_with_its_seed_fixed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def verification_url(self) -> str:
        """Return the public page on which everybody can check the draw."""
        return f"{settings.PUBLIC_URL}/draws/{self.code}"

    @property
    def is_instant(self) -> bool:
        return self.kind == self.Kind.INSTANT_WIN

    def is_open(self, at: datetime) -> bool:
        """Return whether it can be entered at an instant."""
        return self.status == self.Status.OPEN and self.opens_at <= at < self.closes_at


class DrawParticipant(models.Model):
    """One person in one contest: their entries that stand, their plays, and their name in the public list."""

    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="participants", verbose_name=_("contest"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    receipt = models.CharField(_("receipt"), max_length=16)
    entries = models.PositiveIntegerField(_("entries"), default=0)
    plays = models.PositiveIntegerField(_("plays"), default=0)

    class Meta:
        verbose_name = _("participant in a contest")
        verbose_name_plural = _("participants in contests")
        constraints = [
            models.UniqueConstraint(fields=["draw", "customer"], name="a_participant_once_a_contest"),
            models.UniqueConstraint(fields=["draw", "receipt"], name="one_receipt_a_contest"),
        ]

    def __str__(self) -> str:
        return self.receipt


class DrawEntryQuerySet(models.QuerySet["DrawEntry"]):
    def standing(self) -> "DrawEntryQuerySet":
        """Return the entries that were not taken back."""
        return self.filter(withdrawn_at=None)


class DrawEntry(models.Model):
    """Entries somebody was given for one cause; the same `source_key` enters a contest once."""

    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="entries", verbose_name=_("contest"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    source_key = models.CharField(_("cause"), max_length=120)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    entries = models.PositiveIntegerField(_("entries"))
    occurred_at = models.DateTimeField(_("at"))
    withdrawn_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = DrawEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry in a contest")
        verbose_name_plural = _("entries in contests")
        constraints = [
            models.UniqueConstraint(fields=["draw", "source_key"], name="a_cause_enters_a_contest_once"),
            models.CheckConstraint(condition=Q(entries__gt=0), name="an_entry_is_one_at_least"),
        ]
        indexes = [models.Index(fields=["draw", "customer"], name="draw_entries_of")]

    def __str__(self) -> str:
        return f"{self.entries} in {self.draw_id}"
