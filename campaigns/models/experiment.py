"""What lots decided about whole audiences: who hears nothing for a while, and which variant goes on."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Func
from django.utils.translation import gettext_lazy as _


class GlobalHoldoutQuerySet(models.QuerySet["GlobalHoldout"]):
    def at(self, at) -> "GlobalHoldoutQuerySet":
        """Return the period in force at an instant; there is one at most."""
        return self.filter(starts_at__lte=at).exclude(ends_at__lte=at)


class GlobalHoldout(models.Model):
    """A period in which a share of everybody, drawn by lot, is in no marketing campaign.

    What the others bought more in the meantime is what all campaigns together brought. Another period draws
    others.
    """

    HIGHEST = 20

    percent = models.PositiveSmallIntegerField(
        _("share kept out, percent"), validators=[MinValueValidator(1), MaxValueValidator(HIGHEST)]
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = GlobalHoldoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("global holdout")
        verbose_name_plural = _("global holdouts")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent__gte=1, percent__lte=20),
                name="a_global_holdout_is_a_small_share",
                violation_error_message=_("From 1 to 20 percent can be kept out."),
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=models.F("starts_at")),
                name="a_global_holdout_ends_after_it_starts",
                violation_error_message=_("It ends after it starts."),
            ),
            ExclusionConstraint(
                name="one_global_holdout_at_a_time",
                expressions=[(Func("starts_at", "ends_at", function="tstzrange"), "&&")],
                violation_error_message=_("Another period overlaps with this one."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % · {self.starts_at:%Y-%m-%d}"


class WinnerDecision(models.Model):
    """Which variant of a version goes on, decided once; `figures` are the counts it was decided on.

    `variant` is what everybody still waiting, and everybody later, gets: the winner, or the fallback.
    """

    class Outcome(models.TextChoices):
        WINNER = "WINNER", _("Better than the others")
        NO_WINNER = "NO_WINNER", _("As good as each other: the fallback goes on")
        TOO_FEW = "TOO_FEW", _("Too few people to decide: the fallback goes on")
        BY_HAND = "BY_HAND", _("Chosen by hand")

    version = models.OneToOneField(
        "campaigns.CampaignVersion", on_delete=models.PROTECT, related_name="decision"
    )
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    variant = models.CharField(_("variant"), max_length=8)
    figures = models.JSONField(_("figures"), default=list)
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("decision between variants")
        verbose_name_plural = _("decisions between variants")

    def __str__(self) -> str:
        return f"{self.version} · {self.variant}"
