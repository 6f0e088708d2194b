"""What customers got for reaching a step."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StepReward(models.Model):
    """The reward of one step that one customer got; taken back when their friends became too few again."""

    step = models.ForeignKey(
        "referrals.RewardStep", on_delete=models.PROTECT, related_name="given", verbose_name=_("step")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="referral_steps",
        verbose_name=_("customer"),
    )
    grant = models.OneToOneField("loyalty.RewardGrant", on_delete=models.PROTECT, related_name="+")
    reached_at = models.DateTimeField(_("reached at"))
    taken_back_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("step reached")
        verbose_name_plural = _("steps reached")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "customer"],
                condition=models.Q(taken_back_at__isnull=True),
                name="a_step_is_rewarded_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.step}"
