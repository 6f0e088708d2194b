"""Coupons that say sorry: who gave what to whom and why, and how much of it a day."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.promotion import programme_currency


class Apology(models.Model):
    """An incentive an agent gives a customer for something that went wrong: a coupon, or a gift card.

    `worth_amount` is the most it can cost, in minor units: what counts against the allowances of the agent
    and of the customer. An `automatic` coupon is taken off the customer's next order by itself.
    """

    class Kind(models.TextChoices):
        COUPON = "COUPON", _("Coupon")
        GIFT_CARD = "GIFT_CARD", _("Gift card")

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "AWAITING_APPROVAL", _("Waiting for approval")
        ISSUED = "ISSUED", _("Issued")
        REJECTED = "REJECTED", _("Rejected")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="apologies", verbose_name=_("customer")
    )
    order = models.ForeignKey(
        "customers.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="apologies",
        verbose_name=_("order"),
    )
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("agent"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("client"),
    )
    status = models.CharField(_("status"), max_length=24, choices=Status)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.COUPON)
    automatic = models.BooleanField(_("applies by itself"), default=False)
    effect = models.JSONField(_("what it gives"))
    items = models.JSONField(_("articles"), null=True, blank=True)
    worth_amount = models.PositiveBigIntegerField(_("worth at most"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=300)
    channel = models.CharField(_("channel"), max_length=8, blank=True)
    coupon = models.OneToOneField(
        "coupons.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="apology",
        verbose_name=_("coupon"),
    )
    gift_card = models.OneToOneField(
        "coupons.GiftCard",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="apology",
        verbose_name=_("gift card"),
    )
    within_allowance = models.BooleanField(_("within the allowance"))
    requested_at = models.DateTimeField(_("requested at"))
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)

    class Meta:
        verbose_name = _("apology")
        verbose_name_plural = _("apologies")
        ordering = ["-id"]
        permissions = [
            ("issue_apology", "Can issue an apology"),
            ("approve_apology", "Can approve another person's apology"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="ISSUED", issued_at__isnull=False)
                & (
                    models.Q(kind="COUPON", coupon__isnull=False, gift_card__isnull=True)
                    | models.Q(kind="GIFT_CARD", coupon__isnull=True, gift_card__isnull=False)
                )
                | (~models.Q(status="ISSUED") & models.Q(coupon__isnull=True, gift_card__isnull=True)),
                name="an_issued_apology_gives_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(automatic=False) | models.Q(kind="COUPON"),
                name="only_a_coupon_applies_by_itself",
                violation_error_message=_("Only a coupon applies by itself."),
            ),
            models.CheckConstraint(
                condition=models.Q(agent__isnull=False) | models.Q(client__isnull=False),
                name="somebody_issues_an_apology",
            ),
            models.CheckConstraint(
                condition=models.Q(worth_amount__gt=0),
                name="an_apology_is_worth_something",
                violation_error_message=_("An apology is worth something."),
            ),
        ]
        indexes = [
            models.Index(fields=["agent", "-requested_at"], name="apology_agent"),
            models.Index(fields=["-issued_at"], name="apology_day"),
        ]

    def __str__(self) -> str:
        return self.reason


class AgentAllowance(models.Model):
    """How much a member of staff, or each member of a group, may give in apologies on one local day.

    `customer_amount` is what one customer may have had from anybody in the last 30 days, this one included,
    without another person's approval; empty for what the settings say.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="apology_allowance",
        verbose_name=_("member of staff"),
    )
    group = models.OneToOneField(
        "auth.Group",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="apology_allowance",
        verbose_name=_("group"),
    )
    daily_amount = models.PositiveBigIntegerField(_("per day"))
    customer_amount = models.PositiveBigIntegerField(_("per customer in 30 days"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default=programme_currency)

    class Meta:
        verbose_name = _("agent's allowance")
        verbose_name_plural = _("agents' allowances")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(group__isnull=True),
                name="an_allowance_of_a_person_or_a_group",
                violation_error_message=_("Name a member of staff or a group, not both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.daily_amount}"
