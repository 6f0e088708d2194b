"""How engagement is measured: one rule for the whole programme."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.engagement import HALF_LIFE_DAYS, WEIGHTS, are_signal_weights


def usual_weights() -> dict[str, int | float]:
    return dict(WEIGHTS)


class EngagementRule(models.Model):
    """What each sign of interest weighs, {event type: weight}, and how fast it fades. There is one row.

    `measured_on` is the day as of which people were measured last, `people` how many had any sign.
    """

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    weights = models.JSONField(_("weights"), default=usual_weights)
    half_life_days = models.PositiveSmallIntegerField(
        _("half-life, days"),
        default=HALF_LIFE_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("After so many days a sign counts half."),
    )
    measured_on = models.DateField(_("measured as of"), null=True, editable=False)
    people = models.PositiveIntegerField(_("people with any sign"), default=0, editable=False)

    class Meta:
        verbose_name = _("engagement")
        verbose_name_plural = _("engagement")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_engagement_rule"),
            models.CheckConstraint(
                condition=models.Q(half_life_days__range=(1, 365)),
                name="engagement_half_life_from_1_to_365",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Engagement"))

    def clean(self) -> None:
        if not are_signal_weights(self.weights):
            raise ValidationError(
                {"weights": _("Types of events with weights from 0 to 1,000, one of them above 0.")}
            )

    @classmethod
    def the_one(cls) -> "EngagementRule":
        """Return the rule in force: the merchant's, or the usual one until they change it."""
        return cls.objects.filter(pk=cls.THE_ONE).first() or cls()
