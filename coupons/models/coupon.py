"""One code of a promotion, and handing it to a customer."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.promotion import open_or_after, promotion_runs


class Reason(models.TextChoices):
    """Why a coupon was given."""

    PUBLIC = "PUBLIC", _("For everyone")
    WELCOME = "WELCOME", _("Welcome")
    BIRTHDAY = "BIRTHDAY", _("Birthday")
    WINBACK = "WINBACK", _("Win back")
    REFERRAL = "REFERRAL", _("Referral")
    REWARD = "REWARD", _("Reward")
    APOLOGY = "APOLOGY", _("Apology")


class CouponQuerySet(models.QuerySet["Coupon"]):
    def in_pool(self) -> "CouponQuerySet":
        """Return the codes that were issued and that nobody was given yet."""
        return self.filter(public=False, active=True, holder=None, published_at=None)

    def automatic(self, at: datetime) -> "CouponQuerySet":
        """Return the usable coupons that apply by themselves, those that end first before the others."""
        usable = self.usable(at).filter(automatic=True)
        return usable.order_by(models.F("valid_until").asc(nulls_last=True), "pk")

    def in_status(self, status: str, at: datetime) -> "CouponQuerySet":
        """Return the coupons that `status_at` says this of."""
        ended = models.Q(valid_until__lte=at) | models.Q(promotion__ends_at__lte=at)
        lasting = open_or_after("valid_until", at) & open_or_after("promotion__ends_at", at)
        unused = models.Q(max_uses__isnull=True) | models.Q(uses__lt=models.F("max_uses"))
        on = models.Q(active=True)
        found = {
            Coupon.Status.ACTIVE: on & lasting & unused,
            Coupon.Status.DISABLED: models.Q(active=False),
            Coupon.Status.EXPIRED: on & ended,
            Coupon.Status.USED_UP: on & lasting & models.Q(uses__gte=models.F("max_uses")),
        }
        return self.filter(found[Coupon.Status(status)])

    def usable(self, at: datetime) -> "CouponQuerySet":
        """Return the coupons that are on, within their own dates and not used up."""
        return self.filter(
            models.Q(valid_from__isnull=True) | models.Q(valid_from__lte=at),
            open_or_after("valid_until", at),
            models.Q(max_uses__isnull=True) | models.Q(uses__lt=models.F("max_uses")),
            active=True,
        )

    def running(self, at: datetime) -> "CouponQuerySet":
        """Return the coupons whose promotion lets them be redeemed: it runs, or only hands out no more."""
        return self.filter(promotion_runs(at, of="promotion__", by_code=True))


class Coupon(models.Model):
    """One code. `code` is shown as written, `code_canonical` (NFKC, trimmed, upper case) is what is compared.

    `effect` and `items`, when set, stand in place of or narrow those of the promotion. `valid_from` and
    `valid_until` are half-open and lie inside the promotion's own dates.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Good")
        DISABLED = "DISABLED", _("Switched off")
        EXPIRED = "EXPIRED", _("Expired")
        USED_UP = "USED_UP", _("Used up")

    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        related_name="coupons",
        verbose_name=_("promotion"),
        db_index=False,
    )
    code = models.CharField(_("code"), max_length=64)
    code_canonical = models.CharField(_("canonical code"), max_length=128, unique=True, editable=False)
    public = models.BooleanField(
        _("public"), default=False, help_text=_("One code for everyone, as the merchant wrote it.")
    )
    max_uses = models.PositiveIntegerField(_("uses allowed"), null=True, blank=True)
    uses = models.PositiveIntegerField(_("uses"), default=0, editable=False)
    # Goes up with each reservation: who read the row without a lock sees that somebody reserved it since.
    times_reserved = models.IntegerField(default=0, db_default=0, editable=False)
    holder = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("holder"),
    )
    personal = models.BooleanField(_("personal"), default=False, help_text=_("Only its holder may use it."))
    automatic = models.BooleanField(
        _("applies by itself"),
        default=False,
        help_text=_("Taken off its holder's next order without the code being named."),
    )
    effect = models.JSONField(_("own value"), null=True, blank=True)
    items = models.JSONField(_("own articles"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, blank=True)
    batch = models.ForeignKey(
        "coupons.CodeBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="coupons",
        verbose_name=_("batch"),
        db_index=False,
    )
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("issued by"),
    )
    source_order = models.ForeignKey(
        "customers.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("for the order"),
    )
    valid_from = models.DateTimeField(_("good from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("good until"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        indexes = [
            models.Index(fields=["promotion", "-id"], name="coupon_of_promotion"),
            models.Index(
                fields=["promotion", "id"],
                condition=models.Q(public=False, active=True, holder=None, published_at=None),
                name="coupon_in_pool",
            ),
            models.Index(
                fields=["holder"],
                condition=models.Q(automatic=True, active=True),
                name="coupon_by_itself",
            ),
            models.Index(
                fields=["batch", "id"], condition=models.Q(batch__isnull=False), name="coupon_of_batch"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(max_uses__isnull=True) | models.Q(uses__lte=models.F("max_uses")),
                name="a_coupon_within_its_uses",
                violation_error_message=_("A code cannot be used more often than it allows."),
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_until__gt=models.F("valid_from")),
                name="a_coupon_ends_after_it_starts",
                violation_error_message=_("A coupon ends after it starts."),
            ),
            models.CheckConstraint(
                condition=models.Q(automatic=False) | models.Q(personal=True, holder__isnull=False),
                name="only_a_personal_coupon_applies_by_itself",
                violation_error_message=_("Only a coupon that is its holder's alone applies by itself."),
            ),
            models.UniqueConstraint(
                fields=["promotion"],
                condition=models.Q(public=True),
                name="one_public_code_per_promotion",
                violation_error_message=_("The promotion has a public code already."),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def last_minute(self) -> datetime | None:
        """Return the last minute in which the code is good, as people say it: 23:59, not midnight after."""
        return self.valid_until - timedelta(minutes=1) if self.valid_until else None

    @property
    def last_minute_of_all(self) -> datetime | None:
        """Return the last minute in which it can be spent: its promotion may end before the code does."""
        ends = [end for end in (self.valid_until, self.promotion.ends_at) if end]
        return min(ends) - timedelta(minutes=1) if ends else None

    def status_at(self, at: datetime) -> str:
        """Return the status a person is shown; what decides a redemption is the engine."""
        if not self.active:
            return self.Status.DISABLED
        if any(end and at >= end for end in (self.valid_until, self.promotion.ends_at)):
            return self.Status.EXPIRED
        if self.max_uses is not None and self.uses >= self.max_uses:
            return self.Status.USED_UP
        return self.Status.ACTIVE


class Publication(models.Model):
    """A coupon handed to a customer. The same `external_id` on a promotion is the same publication."""

    class Status(models.TextChoices):
        PUBLISHED = "PUBLISHED", _("Published")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        related_name="publications",
        verbose_name=_("promotion"),
    )
    external_id = models.CharField(_("id in the source"), max_length=200)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="publications",
        verbose_name=_("customer"),
    )
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="publications", verbose_name=_("coupon")
    )
    channel = models.CharField(_("channel"), max_length=8, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PUBLISHED)
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "external_id"], name="one_publication_per_source_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} · {self.external_id}"
