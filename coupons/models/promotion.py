"""The definition of an incentive: what it gives, to whom, when, how often and for how much in all."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def programme_currency() -> str:
    return settings.PROGRAMME_CURRENCY


def programme_time_zone() -> str:
    return settings.PROGRAMME_TIME_ZONE


class Period(models.TextChoices):
    """Over which local period of the promotion's time zone a limit or a budget counts."""

    TOTAL = "TOTAL", _("In all")
    DAY = "DAY", _("Per day")
    WEEK = "WEEK", _("Per week")
    MONTH = "MONTH", _("Per month")


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def running(self, at: datetime) -> "PromotionQuerySet":
        """Return the promotions that can be redeemed at this instant, whatever their coupons say."""
        return self.filter(promotion_runs(at))

    def automatic(self, at: datetime) -> "PromotionQuerySet":
        """Return the promotions that apply to a cart without a code."""
        return self.running(at).filter(trigger=Promotion.Trigger.AUTOMATIC)

    def by_reference(self, reference: str) -> "PromotionQuerySet":
        """Return the promotion whose id or code this is; codes are never only digits."""
        if reference.isascii() and reference.isdigit():
            return self.filter(pk=int(reference)) if len(reference) < 19 else self.none()
        if "\0" in reference:  # PostgreSQL would rather fail than say that there is no such text.
            return self.none()
        return self.filter(code=reference)


def promotion_runs(at: datetime, *, of: str = "", by_code: bool = False) -> models.Q:
    """Return the condition that a promotion can be redeemed at this instant.

    `of` leads to it from another row ("promotion__"). With `by_code`, one that only hands out no more can.
    """
    on = models.Q(**{f"{of}status__in": [Promotion.Status.ACTIVE, Promotion.Status.SCHEDULED]})
    if by_code:
        on |= models.Q(
            **{f"{of}status": Promotion.Status.STOPPED, f"{of}stop_mode": Promotion.StopMode.DRAIN}
        )
    begun = models.Q(**{f"{of}starts_at__isnull": True}) | models.Q(**{f"{of}starts_at__lte": at})
    return on & begun & open_or_after(f"{of}ends_at", at)


def open_or_after(field: str, at: datetime) -> models.Q:
    """Return the condition that an end is not set or still to come."""
    return models.Q(**{f"{field}__isnull": True}) | models.Q(**{f"{field}__gt": at})


class Promotion(models.Model):
    """An incentive and its rules. The JSON fields hold what `coupons.rules` validated (api.md, Promotions).

    `starts_at` and `ends_at` are half-open. A stop is HARD (nothing redeems any more) or DRAIN (nothing new
    is handed out, coupons already out stay good until they expire).
    """

    class Trigger(models.TextChoices):
        COUPON = "COUPON", _("With a coupon code")
        AUTOMATIC = "AUTOMATIC", _("By itself")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        SCHEDULED = "SCHEDULED", _("Scheduled")
        ACTIVE = "ACTIVE", _("Active")
        STOPPED = "STOPPED", _("Stopped")
        EXPIRED = "EXPIRED", _("Ended")

    class StopMode(models.TextChoices):
        HARD = "HARD", _("At once")
        DRAIN = "DRAIN", _("Hand out no more")

    class LegalKind(models.TextChoices):
        SCONTO = "SCONTO", _("Discount")
        OPERAZIONE_A_PREMIO = "OPERAZIONE_A_PREMIO", _("Premium for everyone who qualifies")
        CONCORSO = "CONCORSO", _("Prize competition")

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    trigger = models.CharField(_("how it applies"), max_length=16, choices=Trigger, default=Trigger.COUPON)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    stop_mode = models.CharField(_("way of stopping"), max_length=8, choices=StopMode, blank=True)
    stop_reason = models.CharField(_("reason for stopping"), max_length=300, blank=True)
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True)
    effect = models.JSONField(_("what it gives"))
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    limits = models.JSONField(_("limits"), default=list, blank=True)
    stacking = models.JSONField(_("together with others"), default=dict, blank=True)
    margin_floor = models.JSONField(_("margin that stays"), default=dict, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default=programme_currency)
    time_zone = models.CharField(_("time zone"), max_length=64, default=programme_time_zone)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    coupon_pattern = models.CharField(
        _("pattern of its codes"),
        max_length=40,
        default="##########",
        help_text=_("Each # becomes a random letter or digit; at least ten of them."),
    )
    coupon_max_uses = models.PositiveIntegerField(
        _("uses per code"), null=True, blank=True, default=1, help_text=_("Empty: unlimited.")
    )
    coupon_valid_days = models.PositiveIntegerField(
        _("days a code is good for"), null=True, blank=True, help_text=_("Empty: as long as the promotion.")
    )
    legal_kind = models.CharField(_("legal kind"), max_length=24, choices=LegalKind, default=LegalKind.SCONTO)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(code__regex=r"^[0-9]+$"),
                name="a_promotion_code_is_not_a_number",
                violation_error_message=_("A code needs at least one letter."),
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True)
                | models.Q(starts_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="a_promotion_ends_after_it_starts",
                violation_error_message=_("A promotion ends after it starts."),
            ),
            models.CheckConstraint(
                condition=models.Q(status="STOPPED") ^ models.Q(stop_mode=""),
                name="only_a_stopped_promotion_has_a_stop_mode",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def status_at(self, at: datetime) -> str:
        """Return the status at this instant: the clock moves SCHEDULED and ACTIVE on, without a writer."""
        if self.status not in (self.Status.SCHEDULED, self.Status.ACTIVE):
            return self.status
        if self.ends_at and at >= self.ends_at:
            return self.Status.EXPIRED
        if self.starts_at and at < self.starts_at:
            return self.Status.SCHEDULED
        return self.Status.ACTIVE
