"""Leaderboards: who wants to be compared, under which name, and where they stand."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from loyalty.progress import Span


class Leaderboard(models.Model):
    """A ranking of those who said they want to be in it, counted anew each `period` or once for all.

    `challenge` is whose progress counts, where that is the metric. Ranks are of the last count
    (`counted_at`), of the period that began on `period_on`.
    """

    class Metric(models.TextChoices):
        POINTS = "POINTS", _("Points earned")
        AMOUNT = "AMOUNT", _("Amount spent")
        ORDERS = "ORDERS", _("Orders")
        BADGES = "BADGES", _("Badges earned")
        CHALLENGE = "CHALLENGE", _("Steps in a challenge")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    title = models.JSONField(_("title"), default=dict)
    metric = models.CharField(_("counts"), max_length=16, choices=Metric, default=Metric.POINTS)
    challenge = models.ForeignKey(
        "loyalty.Challenge",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("challenge"),
    )
    period = models.CharField(
        _("counted"), max_length=8, choices=Span, blank=True, help_text=_("Empty: since its beginning.")
    )
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only for the segment"),
    )
    shown = models.PositiveSmallIntegerField(_("places shown"), default=10)
    active = models.BooleanField(_("active"), default=True)
    period_on = models.DateField(_("counted since"), null=True, blank=True, editable=False)
    counted_at = models.DateTimeField(_("counted at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("leaderboard")
        verbose_name_plural = _("leaderboards")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(metric="CHALLENGE") ^ Q(challenge__isnull=False),
                name="a_board_of_a_challenge_names_it",
                violation_error_message=_("Choose the challenge whose steps count."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LeaderboardMember(models.Model):
    """One person who wants to be in a leaderboard, under a name of their choice. Leaving deletes the row."""

    board = models.ForeignKey(
        Leaderboard, on_delete=models.CASCADE, related_name="members", verbose_name=_("leaderboard")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    nickname = models.CharField(_("name shown"), max_length=24)
    joined_at = models.DateTimeField(_("takes part since"))
    score = models.BigIntegerField(_("score"), default=0)
    rank = models.PositiveIntegerField(_("rank"), null=True, blank=True)

    class Meta:
        verbose_name = _("member of a leaderboard")
        verbose_name_plural = _("members of leaderboards")
        constraints = [
            models.UniqueConstraint(fields=["board", "customer"], name="in_a_leaderboard_once"),
            models.UniqueConstraint(
                "board", Lower("nickname"), name="a_nickname_is_of_one", violation_error_message=_("Taken.")
            ),
        ]
        indexes = [models.Index(fields=["board", "rank"], name="leaderboard_places")]

    def __str__(self) -> str:
        return self.nickname


class LeaderboardPlace(models.Model):
    """Where somebody stood when a period ended: the first places, kept."""

    board = models.ForeignKey(
        Leaderboard, on_delete=models.CASCADE, related_name="places", verbose_name=_("leaderboard")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    period_on = models.DateField(_("period"))
    nickname = models.CharField(_("name shown"), max_length=24, blank=True)
    score = models.BigIntegerField(_("score"))
    rank = models.PositiveIntegerField(_("rank"))

    class Meta:
        verbose_name = _("place in a leaderboard")
        verbose_name_plural = _("places in leaderboards")
        ordering = ["-period_on", "rank", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["board", "customer", "period_on"], name="one_place_a_period"),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.nickname}"
