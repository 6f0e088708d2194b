"""What a contest gives, the list frozen at its end, its plays and its winners."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty.models.draw import Draw


class DrawPrize(models.Model):
    """One of the things that can come out: a reward, so many times; or nothing, where it has no reward.

    In a prize draw they are drawn in the order of `position`, each `quantity` times. In an instant win each
    play gives it with its `probability`, until it was given `quantity` times: then such a play gives nothing.
    The probabilities of an instant win sum to 1, as a trigger of the database checks.
    """

    draw = models.ForeignKey(
        Draw, on_delete=models.CASCADE, related_name="prizes", verbose_name=_("contest"), db_index=False
    )
    position = models.PositiveSmallIntegerField(_("position"))
    reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reward"),
    )
    quantity = models.PositiveIntegerField(
        _("how many"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    given = models.PositiveIntegerField(_("given"), default=0, editable=False)
    probability = models.DecimalField(_("probability"), max_digits=9, decimal_places=8, null=True, blank=True)

    class Meta:
        verbose_name = _("prize")
        verbose_name_plural = _("prizes")
        ordering = ["draw", "position"]
        constraints = [
            models.UniqueConstraint(fields=["draw", "position"], name="prizes_stand_in_order"),
            models.CheckConstraint(
                condition=Q(quantity__isnull=True) | Q(given__lte=F("quantity")),
                name="no_more_prizes_given_than_there_are",
            ),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gte=0, probability__lte=1),
                name="a_probability_lies_between_0_and_1",
            ),
            models.CheckConstraint(
                condition=Q(reward__isnull=False) | Q(quantity__isnull=True),
                name="there_is_no_end_to_nothing",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reward) if self.reward_id else str(_("No prize"))

    @property
    def is_left(self) -> bool:
        return self.quantity is None or self.given < self.quantity

    @property
    def percent(self) -> Decimal | None:
        return None if self.probability is None else self.probability * 100


class DrawLine(models.Model):
    """One line of the list frozen when a contest closed; never changed but for a merge."""

    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="lines", verbose_name=_("contest"), db_index=False
    )
    receipt = models.CharField(_("receipt"), max_length=16)
    entries = models.PositiveIntegerField(_("entries"))
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )

    class Meta:
        verbose_name = _("line of a frozen list")
        verbose_name_plural = _("lines of frozen lists")
        ordering = ["draw", "receipt"]
        constraints = [
            models.UniqueConstraint(fields=["draw", "receipt"], name="one_line_a_receipt"),
            models.CheckConstraint(condition=Q(entries__gt=0), name="a_line_holds_a_ticket"),
        ]

    def __str__(self) -> str:
        return self.receipt


class DrawPlay(models.Model):
    """One play of an instant win: what came out of seed, receipt and number, and what was given for it.

    `prize` is what came out; `won` is false for nothing and for a prize that was gone. Never changed.
    """

    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="plays", verbose_name=_("contest"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    receipt = models.CharField(_("receipt"), max_length=16)
    number = models.PositiveIntegerField(_("number"))
    source_key = models.CharField(_("cause"), max_length=120)
    prize = models.ForeignKey(
        DrawPrize, on_delete=models.PROTECT, related_name="plays", verbose_name=_("outcome")
    )
    won = models.BooleanField(_("won"))
    grant = models.OneToOneField(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    played_at = models.DateTimeField(_("played at"))

    class Meta:
        verbose_name = _("play")
        verbose_name_plural = _("plays")
        constraints = [
            models.UniqueConstraint(fields=["draw", "source_key"], name="a_play_a_cause"),
            models.UniqueConstraint(fields=["draw", "receipt", "number"], name="plays_are_numbered"),
            models.CheckConstraint(
                condition=Q(won=False) | Q(grant__isnull=False), name="who_won_was_given_something"
            ),
        ]
        indexes = [models.Index(fields=["draw", "customer", "-played_at"], name="draw_plays_of")]

    def __str__(self) -> str:
        return f"{self.receipt} {self.number}"


class DrawWinnerQuerySet(models.QuerySet["DrawWinner"]):
    def whole(self) -> "DrawWinnerQuerySet":
        """Return winners with what a page shows of them, in the order drawn."""
        return self.select_related("line", "customer", "prize__reward", "grant").order_by("rank")


class DrawWinner(models.Model):
    """A line that was drawn, in which order, and what for.

    Substitutes have no prize until somebody before them is set aside (`reason`: not found, not entitled).
    `problem` says why a prize could not be given yet.
    """

    class Status(models.TextChoices):
        WON = "WON", _("Won")
        SUBSTITUTE = "SUBSTITUTE", _("Substitute")
        SET_ASIDE = "SET_ASIDE", _("Set aside")

    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="winners", verbose_name=_("contest"), db_index=False
    )
    rank = models.PositiveIntegerField(_("drawn as"))
    line = models.OneToOneField(DrawLine, on_delete=models.PROTECT, related_name="winner")
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    status = models.CharField(_("status"), max_length=16, choices=Status)
    prize = models.ForeignKey(
        DrawPrize,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="winners",
        verbose_name=_("prize"),
    )
    grant = models.OneToOneField(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    decided_at = models.DateTimeField(_("decided at"))

    objects = DrawWinnerQuerySet.as_manager()

    class Meta:
        verbose_name = _("winner")
        verbose_name_plural = _("winners")
        ordering = ["draw", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["draw", "rank"], name="winners_stand_in_order"),
            models.CheckConstraint(
                condition=Q(status="SUBSTITUTE") ^ Q(prize__isnull=False), name="who_won_has_a_prize"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.line_id}"
