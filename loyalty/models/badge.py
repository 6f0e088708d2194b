"""Badges, and who earned them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Badge(models.Model):
    """Something to show: given by challenges, by hand, and to whoever enters its `segment`. Kept for good.

    Texts are JSON by language. With it comes the `reward`, if it has one.
    """

    class Tone(models.TextChoices):
        BRONZE = "BRONZE", _("Bronze")
        SILVER = "SILVER", _("Silver")
        GOLD = "GOLD", _("Gold")
        TEAL = "TEAL", _("Green")
        INDIGO = "INDIGO", _("Blue")
        ROSE = "ROSE", _("Red")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("what it is for"), default=dict, blank=True)
    icon = models.CharField(_("icon"), max_length=40, default="military_tech")
    tone = models.CharField(_("colour"), max_length=8, choices=Tone, default=Tone.GOLD)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, nobody earns it any more; who has it keeps it.")
    )
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("for everybody in the segment"),
    )
    reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reward"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        ordering = ["name"]
        permissions = [("award_badge", "Can give and take badges by hand")]

    def __str__(self) -> str:
        return self.name


class BadgeAwardQuerySet(models.QuerySet["BadgeAward"]):
    def standing(self) -> "BadgeAwardQuerySet":
        """Return the badges that were not taken back."""
        return self.filter(revoked_at=None)


class BadgeAward(models.Model):
    """That somebody earned a badge, once; taken back, it can be earned again."""

    badge = models.ForeignKey(
        Badge, on_delete=models.PROTECT, related_name="awards", verbose_name=_("badge"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    source_key = models.CharField(_("cause"), max_length=120)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    awarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    grant = models.OneToOneField(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    awarded_at = models.DateTimeField(_("earned at"))
    revoked_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = BadgeAwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("badge earned")
        verbose_name_plural = _("badges earned")
        ordering = ["-awarded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["badge", "customer"], condition=Q(revoked_at=None), name="a_badge_is_earned_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.badge_id} of {self.customer_id}"
