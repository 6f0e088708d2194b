"""What keeps sending within bounds: caps per person, quiet hours, speed, and when a run pauses by itself."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel

LONGEST_CAP_DAYS = 365


class FrequencyCap(models.Model):
    """At most so many advertising messages to one person within so many days; service messages are free.

    An empty channel counts all channels together. Of several campaigns the one with the higher priority wins.
    """

    channel = models.CharField(
        _("channel"), max_length=8, choices=Channel, blank=True, help_text=_("Empty: all of them together.")
    )
    messages = models.PositiveSmallIntegerField(_("messages at most"), validators=[MinValueValidator(1)])
    days = models.PositiveSmallIntegerField(
        _("within days"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_CAP_DAYS)]
    )

    class Meta:
        verbose_name = _("frequency cap")
        verbose_name_plural = _("frequency caps")
        ordering = ["channel", "days"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "days"],
                name="one_cap_per_channel_and_days",
                violation_error_message=_("There is a cap for this channel and this number of days."),
            ),
            models.CheckConstraint(
                condition=models.Q(messages__gte=1, days__gte=1, days__lte=LONGEST_CAP_DAYS),
                name="a_cap_lets_something_through",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display() or '*'}: {self.messages} / {self.days}"


class QuietHours(models.Model):
    """When nobody is written to through a channel, by the clock of the recipient; `ends_at` is exclusive.

    From 21:00 to 8:00 is one night. Service messages on the fast lane, which somebody waits for, still leave.
    """

    channel = models.CharField(_("channel"), max_length=8, choices=Channel, primary_key=True)
    starts_at = models.TimeField(_("from"))
    ends_at = models.TimeField(_("to"))

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(starts_at=models.F("ends_at")),
                name="quiet_hours_leave_time_to_write",
                violation_error_message=_("Quiet hours that never end would hold everything."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.starts_at:%H:%M}-{self.ends_at:%H:%M}"


class RateLimit(models.Model):
    """How many messages leave in a minute, counted over all workers.

    CHANNEL is what its provider takes; DOMAIN what leaves for one domain of recipients. A campaign's own
    speed stands with the campaign.
    """

    class Kind(models.TextChoices):
        CHANNEL = "CHANNEL", _("Provider of a channel")
        DOMAIN = "DOMAIN", _("Domain of recipients")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    key = models.CharField(_("channel or domain"), max_length=253)
    per_minute = models.PositiveIntegerField(_("messages per minute"), validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")
        ordering = ["kind", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                name="one_rate_per_key",
                violation_error_message=_("There is a limit for this already."),
            ),
            models.CheckConstraint(
                condition=models.Q(per_minute__gte=1), name="a_rate_lets_something_through"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.per_minute}"


class Allowance(models.Model):
    """How many messages may leave at once under a limit, as it was at `counted_at`: shared by all workers."""

    key = models.CharField(max_length=270, primary_key=True)
    tokens = models.FloatField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("allowance of a rate limit")
        verbose_name_plural = _("allowances of rate limits")

    def __str__(self) -> str:
        return self.key


class Breaker(models.Model):
    """When a run pauses by itself: too many mailboxes that do not exist, or too many complaints. One row.

    Shares are percent of what was sent in the run; below the sample nothing is concluded.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    bounce_percent = models.DecimalField(
        _("bounces, percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(5),
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
        help_text=_("The run pauses when more than this share of its messages bounced."),
    )
    complaint_percent = models.DecimalField(
        _("complaints, percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal("0.3"),
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
        help_text=_("The run pauses when more than this share of its recipients called it spam."),
    )
    minimum_sample = models.PositiveIntegerField(
        _("at least messages"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("With fewer messages sent, a share says nothing."),
    )

    class Meta:
        verbose_name = _("circuit breaker")
        verbose_name_plural = _("circuit breaker")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_breaker"),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
