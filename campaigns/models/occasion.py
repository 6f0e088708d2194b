"""What one person's message is about, and when it is due: the ledger of triggers that concern one person."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OccasionState(models.TextChoices):
    WAITING = "WAITING", _("Waiting")
    PLANNED = "PLANNED", _("Planned")
    NOT_NEEDED = "NOT_NEEDED", _("Not needed any more")
    CLOSED = "CLOSED", _("The campaign ended before")


class OccasionQuerySet(models.QuerySet["Occasion"]):
    def waiting(self) -> "OccasionQuerySet":
        return self.filter(state=OccasionState.WAITING)


class Occasion(models.Model):
    """One person's turn in a campaign, once: a birthday, an order some months ago, an event.

    `occurrence` becomes that of the message. `about` names by id what the message may speak of: `order`,
    `product`, `event`, `coupon`, `asset`, `points`; `since` is the instant after which a purchase makes it
    needless.
    """

    campaign = models.ForeignKey(
        "campaigns.Campaign",
        on_delete=models.PROTECT,
        related_name="occasions",
        verbose_name=_("campaign"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    occurrence = models.CharField(_("occurrence"), max_length=64)
    due_at = models.DateTimeField(_("due at"))
    expires_at = models.DateTimeField(_("good until"), null=True)
    about = models.JSONField(_("about"), default=dict)
    state = models.CharField(_("state"), max_length=16, choices=OccasionState, default=OccasionState.WAITING)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OccasionQuerySet.as_manager()

    class Meta:
        verbose_name = _("occasion")
        verbose_name_plural = _("occasions")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "customer", "occurrence"], name="one_occasion_per_occurrence"
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "due_at", "id"],
                condition=models.Q(state="WAITING"),
                name="occasion_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.occurrence
