"""Gift cards: a code under which an account of money is spent. Amounts are minor units of its currency."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.engine.money import net_of
from coupons.models.ledger import Lot


class GiftCardBatch(models.Model):
    """Cards issued together, to be printed or handed out; their codes can be fetched once, for a day."""

    name = models.CharField(_("name"), max_length=100)
    count = models.PositiveIntegerField(_("cards"))
    amount = models.BigIntegerField(_("amount on each"))
    currency = models.CharField(_("currency"), max_length=3)
    job = models.ForeignKey(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("issued by"),
    )
    fetched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("codes fetched by"),
    )
    fetched_at = models.DateTimeField(_("codes fetched at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("batch of gift cards")
        verbose_name_plural = _("batches of gift cards")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class GiftCardQuerySet(models.QuerySet["GiftCard"]):
    def whole(self) -> "GiftCardQuerySet":
        """Return cards with their account and its holder, in one query."""
        return self.select_related("account__customer")

    def with_money(self, at: datetime) -> "GiftCardQuerySet":
        """Return cards with `spendable_units`, what their accounts could pay at this instant."""
        lots = Lot.objects.filter(account=models.OuterRef("account")).spendable(at).order_by()
        units = lots.values("account").annotate(units=models.Sum("remaining")).values("units")
        return self.annotate(spendable_units=Coalesce(models.Subquery(units), 0))


class GiftCard(models.Model):
    """A means of payment: who knows the code spends the money of its account.

    The holder, if anybody, is the customer of the account: a card may be spent by whoever has it. An inactive
    card has no money yet, it is loaded with `amount` when it is activated. From `expires_at` on (exclusive)
    nothing can be spent. `bought_on` is the order it was sold in, `line_id` its line there.

    What a multi-purpose card (MPV) buys is taxed when it is spent; a single-purpose one (SPV) was taxed when
    it was issued, at `tax_rate`.
    """

    class Status(models.TextChoices):
        INACTIVE = "INACTIVE", _("Not active yet")
        ACTIVE = "ACTIVE", pgettext_lazy("gift card", "Good")
        EXPIRED = "EXPIRED", pgettext_lazy("gift card", "Expired")
        DISABLED = "DISABLED", pgettext_lazy("gift card", "Switched off")

    class VatKind(models.TextChoices):
        MPV = "MPV", _("Multi-purpose")
        SPV = "SPV", _("Single-purpose")

    class Reason(models.TextChoices):
        """Why a card was given."""

        SOLD = "SOLD", _("Sold")
        GIFT = "GIFT", _("Given away")
        APOLOGY = "APOLOGY", _("Apology")
        REWARD = "REWARD", _("Reward")
        REPLACEMENT = "REPLACEMENT", _("In place of another card")

    account = models.OneToOneField(
        "coupons.Account", on_delete=models.PROTECT, related_name="gift_card", verbose_name=_("account")
    )
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    last4 = models.CharField(_("last four characters"), max_length=4, db_index=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.ACTIVE)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, default=Reason.SOLD)
    note = models.CharField(_("note"), max_length=300, blank=True)
    amount = models.BigIntegerField(_("issued with"))
    vat_kind = models.CharField(_("tax"), max_length=3, choices=VatKind, default=VatKind.MPV)
    tax_rate = models.DecimalField(
        _("tax rate, percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    items = models.JSONField(_("pays for"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    bought_on = models.ForeignKey(
        "customers.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gift_cards",
        verbose_name=_("bought on the order"),
    )
    line_id = models.CharField(_("line of the order"), max_length=64, blank=True)
    channel = models.CharField(_("sent by"), max_length=8, blank=True)
    batch = models.ForeignKey(
        GiftCardBatch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cards",
        verbose_name=_("batch"),
    )
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("issued by"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("API client"),
    )
    source_key = models.CharField(_("cause"), max_length=200, unique=True, editable=False)
    code_version = models.PositiveSmallIntegerField(_("version of the code"), default=1, editable=False)
    issued_at = models.DateTimeField(_("issued at"), db_index=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("switched off at"), null=True, blank=True)

    objects = GiftCardQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift card")
        verbose_name_plural = _("gift cards")
        ordering = ["-id"]
        permissions = [
            ("issue_giftcard", _("Can issue gift cards and top them up")),
            ("disable_giftcard", _("Can switch gift cards off and on")),
            ("approve_giftcard", _("Can approve gift cards above the limit")),
            ("view_liabilities", _("Can see what is owed on gift cards and points")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0),
                name="a_gift_card_is_worth_something",
                violation_error_message=_("A gift card is worth something."),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["INACTIVE", "ACTIVE", "DISABLED"]),
                name="a_gift_card_is_not_stored_as_expired",
            ),
            models.CheckConstraint(
                condition=models.Q(status="ACTIVE", activated_at__isnull=False)
                | models.Q(status="INACTIVE", activated_at__isnull=True)
                | models.Q(status="DISABLED", disabled_at__isnull=False),
                name="a_gift_card_tells_when_it_moved",
            ),
            models.CheckConstraint(
                condition=models.Q(vat_kind="MPV") | models.Q(tax_rate__isnull=False),
                name="a_single_purpose_card_has_its_tax_rate",
                violation_error_message=_("A single-purpose card needs its tax rate."),
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=models.F("issued_at")),
                name="a_gift_card_expires_after_its_issue",
                violation_error_message=_("A gift card expires after it was issued."),
            ),
        ]

    def __str__(self) -> str:
        return f"···· {self.last4}"

    @property
    def holder(self):
        """Return the customer it was given to, or None."""
        return self.account.customer

    @property
    def currency(self) -> str:
        return self.account.currency

    @property
    def tax_amount(self) -> int:
        """Return the tax in what it was issued with, due at once for a single-purpose card; else 0."""
        return 0 if self.tax_rate is None else self.amount - net_of(self.amount, self.tax_rate)

    @property
    def last_minute(self) -> datetime | None:
        """Return the last minute in which the card is good, as people say it: 23:59, not midnight after."""
        return self.expires_at - timedelta(minutes=1) if self.expires_at else None

    def status_at(self, at: datetime) -> str:
        """Return the status a person is shown at this instant."""
        if self.status != self.Status.DISABLED and self.expires_at and at >= self.expires_at:
            return self.Status.EXPIRED
        return self.status

    def refusal_at(self, at: datetime) -> str:
        """Return the key of the error that keeps this card from paying; empty when only its money counts."""
        return {
            self.Status.INACTIVE: "coupon_not_active",
            self.Status.EXPIRED: "coupon_expired",
            self.Status.DISABLED: "coupon_disabled",
        }.get(self.status_at(at), "")

    def available_at(self, at: datetime) -> int:
        """Return what can be paid with it at this instant; reservations of others are not taken off."""
        if self.refusal_at(at):
            return 0
        units = getattr(self, "spendable_units", None)  # When they were read together (`with_money`).
        return self.account.spendable(at) if units is None else units


class SealedCode(models.Model):
    """The code of a card on its way to a person, encrypted; deleted once it was sent, or after a day."""

    card = models.OneToOneField(
        GiftCard, on_delete=models.CASCADE, related_name="sealed_code", verbose_name=_("gift card")
    )
    token = models.BinaryField(editable=False)
    sealed_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("sealed code")
        verbose_name_plural = _("sealed codes")

    def __str__(self) -> str:
        return str(self.card)
