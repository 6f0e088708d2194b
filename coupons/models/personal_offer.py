"""The discount computed for one person."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class PersonalOfferQuerySet(models.QuerySet["PersonalOffer"]):
    def standing(self, at: datetime) -> "PersonalOfferQuerySet":
        """Return the offers that hold: confirmed, and not over."""
        return self.filter(status=PersonalOffer.Status.CONFIRMED, valid_until__gt=at)


class PersonalOffer(models.Model):
    """What a personal promotion gives one customer: a percentage or an amount (minor units).

    `inputs` are the figures it was computed from, `model_version` names the model, `source_key` what it was
    computed with. At most one of a promotion stands for a person; the one before is replaced.
    """

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", _("Proposed")
        CONFIRMED = "CONFIRMED", _("Confirmed")
        REPLACED = "REPLACED", _("Replaced")

    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        related_name="personal_offers",
        verbose_name=_("promotion"),
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="personal_offers",
        verbose_name=_("customer"),
    )
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2, null=True)
    amount = models.BigIntegerField(_("amount"), null=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PROPOSED)
    valid_until = models.DateTimeField(_("good until"))
    inputs = models.JSONField(_("computed from"), default=dict)
    model_version = models.CharField(_("model version"), max_length=64)
    source_key = models.CharField(_("computed with"), max_length=64, db_index=True)
    created_at = models.DateTimeField(_("created at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)

    objects = PersonalOfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("personal offer")
        verbose_name_plural = _("personal offers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent__gt=0, percent__lte=100, amount__isnull=True)
                | models.Q(amount__gt=0, percent__isnull=True),
                name="a_personal_offer_is_a_percentage_or_an_amount",
            ),
            models.UniqueConstraint(
                fields=["promotion", "customer"],
                condition=models.Q(status="CONFIRMED"),
                name="one_standing_offer_per_promotion_and_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} %" if self.percent is not None else f"{self.amount}"
