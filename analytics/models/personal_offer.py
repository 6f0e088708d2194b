"""Sets of personal offers: what a merchant allows, what was computed for whom, and what that will cost."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.behaviour.kinds import HORIZONS


class OfferSet(models.Model):
    """Guards, and the discounts computed within them for everybody of a segment, before and after somebody
    confirmed them.

    `lowest`, `highest` and `step` are percent, or minor units where the promotion takes amounts off.
    `margin_percent` is what an average basket earns at full price, of people for whose articles no costs are
    known. `figures` are what is expected: people by discount, orders, cost and margin without and with.
    """

    class Status(models.TextChoices):
        COMPUTING = "COMPUTING", _("Being computed")
        PROPOSED = "PROPOSED", _("Waits for a decision")
        CONFIRMED = "CONFIRMED", _("Confirmed")
        DISCARDED = "DISCARDED", _("Discarded")
        FAILED = "FAILED", _("Failed")

    class Codes(models.TextChoices):
        """How people come to their discount once it is confirmed."""

        CAMPAIGN = "CAMPAIGN", _("A campaign hands out the codes")
        BATCH = "BATCH", _("One code per person, made now")
        AUTOMATIC = "AUTOMATIC", _("It applies by itself to their next order")

    name = models.CharField(_("name"), max_length=120)
    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.PROTECT, related_name="offer_sets", verbose_name=_("promotion")
    )
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
    )
    model = models.ForeignKey(
        "analytics.BehaviourModel", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    horizon = models.PositiveSmallIntegerField(
        _("days looked ahead"), default=30, choices=[(days, str(days)) for days in HORIZONS]
    )
    lowest = models.DecimalField(_("smallest discount"), max_digits=12, decimal_places=2)
    highest = models.DecimalField(_("largest discount"), max_digits=12, decimal_places=2)
    step = models.DecimalField(_("step"), max_digits=12, decimal_places=2)
    margin_floor_percent = models.DecimalField(
        _("margin that stays, percent"),
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    margin_percent = models.DecimalField(
        _("margin of a basket, percent"),
        max_digits=5,
        decimal_places=2,
        default=30,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    response = models.DecimalField(
        _("answer to a discount"),
        max_digits=5,
        decimal_places=2,
        default=8,
        validators=[MinValueValidator(0), MaxValueValidator(50)],
    )
    valid_days = models.PositiveSmallIntegerField(
        _("good for, days"), default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    codes = models.CharField(_("codes"), max_length=16, choices=Codes, default=Codes.CAMPAIGN)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.COMPUTING)
    as_of = models.DateField(_("as of"))
    figures = models.JSONField(_("figures"), default=dict, editable=False)
    error = models.CharField(_("error"), max_length=300, blank=True, editable=False)
    job = models.OneToOneField(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, editable=False)

    class Meta:
        verbose_name = _("set of personal offers")
        verbose_name_plural = _("sets of personal offers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(lowest__gt=0, step__gt=0, highest__gte=models.F("lowest")),
                name="an_offer_sets_guard_is_a_range",
                violation_error_message=_(
                    "The largest discount is not below the smallest, and steps are positive."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def source_key(self) -> str:
        """Return what the set's offers say they come from."""
        return f"offer-set:{self.pk}"
