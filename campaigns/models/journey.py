"""Where each person is in a journey, and how many went which way."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PositionState(models.TextChoices):
    ON_THE_WAY = "ON_THE_WAY", _("On the way")
    REACHED = "REACHED", _("Reached the goal")
    FINISHED = "FINISHED", _("Came to the end")
    CLOSED = "CLOSED", _("Closed before the end")


class JourneyPositionQuerySet(models.QuerySet["JourneyPosition"]):
    def on_the_way(self) -> "JourneyPositionQuerySet":
        return self.filter(state=PositionState.ON_THE_WAY)


class JourneyPosition(models.Model):
    """One person's way through a journey, once per occurrence: at which step they are, and until when.

    The version is the run's, so that an edit changes nothing for who is on the way. `due_at` is when the step
    is dealt with, or its wait is over; `waits_since` is set while it waits. What counts for goals and forks
    happened after `since_at`. Whoever is `held_out` goes the same way and gets nothing. `laps` counts the
    times a way led back.
    """

    campaign = models.ForeignKey(
        "campaigns.Campaign",
        on_delete=models.PROTECT,
        related_name="positions",
        verbose_name=_("campaign"),
        db_index=False,
    )
    run = models.ForeignKey(
        "campaigns.CampaignRun",
        on_delete=models.PROTECT,
        related_name="positions",
        verbose_name=_("run"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    occurrence = models.CharField(_("occurrence"), max_length=64)
    step = models.CharField(_("step"), max_length=32)
    state = models.CharField(
        _("state"), max_length=16, choices=PositionState, default=PositionState.ON_THE_WAY
    )
    entered_at = models.DateTimeField(_("entered at"))
    since_at = models.DateTimeField(_("counts since"))
    due_at = models.DateTimeField(_("due at"))
    waits_since = models.DateTimeField(_("waits since"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    laps = models.PositiveSmallIntegerField(default=0)
    held_out = models.BooleanField(_("held out"), default=False)
    # What the last step GIVE gave: later messages speak of it.
    publication = models.ForeignKey(
        "coupons.Publication",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("coupon"),
    )

    objects = JourneyPositionQuerySet.as_manager()

    class Meta:
        verbose_name = _("position in a journey")
        verbose_name_plural = _("positions in journeys")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "customer", "occurrence"], name="one_journey_per_occurrence"
            ),
            models.UniqueConstraint(
                fields=["campaign", "customer"],
                condition=models.Q(state="ON_THE_WAY"),
                name="nobody_is_in_a_journey_twice_at_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="ON_THE_WAY", ended_at__isnull=True)
                | (~models.Q(state="ON_THE_WAY") & models.Q(ended_at__isnull=False)),
                name="a_journey_that_is_over_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["run", "due_at", "id"],
                condition=models.Q(state="ON_THE_WAY"),
                name="journeyposition_due",
            ),
            models.Index(
                fields=["campaign", "step"],
                condition=models.Q(state="ON_THE_WAY"),
                name="journeyposition_at_step",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} · {self.get_state_display()}"


class JourneyPassage(models.Model):
    """How many people have left a step of a campaign by one of its ways, all versions and runs together.

    The ways are those of campaigns.journeys; `goal` is who reached the goal at the step.
    """

    GOAL = "goal"

    campaign = models.ForeignKey(
        "campaigns.Campaign", on_delete=models.CASCADE, related_name="passages", db_index=False
    )
    step = models.CharField(_("step"), max_length=32)
    way = models.CharField(_("way"), max_length=16)
    people = models.PositiveBigIntegerField(_("people"), default=0)

    class Meta:
        verbose_name = _("passage of a journey")
        verbose_name_plural = _("passages of journeys")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "step", "way"], name="one_count_per_way"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.way}: {self.people}"
