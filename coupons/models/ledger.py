"""Stored value and points: accounts, the lots they are made of, and an append-only ledger."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Func
from django.db.models.lookups import Exact
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# So long after an expiry that activity would have moved it is booked.
PROLONGED_LATE = timedelta(hours=6)
# First words of the causes whose reason we write ourselves; any other was typed, or is somebody's name.
OWN_REASONS = {"transfer", "debt"}


class LotQuerySet(models.QuerySet["Lot"]):
    def spendable(self, at: datetime) -> "LotQuerySet":
        """Return the lots that can be spent at this instant, the earliest expiry first."""
        return self.filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at),
            remaining__gt=0,
            activates_at__lte=at,
        ).order_by(models.F("expires_at").asc(nulls_last=True), "id")

    def pending(self, at: datetime) -> "LotQuerySet":
        """Return the lots that will be spendable later."""
        return self.filter(remaining__gt=0, activates_at__gt=at)

    def to_expire(self, at: datetime) -> "LotQuerySet":
        """Return the lots whose expiry has passed and was not booked yet.

        What activity prolongs is left a while, for what happened shortly before.
        """
        final = models.Q(prolonged_months__isnull=True) | models.Q(expires_at__lte=at - PROLONGED_LATE)
        return self.filter(final, remaining__gt=0, expires_at__lte=at)

    def units(self) -> int:
        """Return what is left in these lots."""
        return self.aggregate(units=models.Sum("remaining"))["units"] or 0


class Account(models.Model):
    """Points or money of one customer. A merge moves accounts whole, and only one of a kind stays `main`.

    `balance` is the fold of the ledger: all lots not yet closed, with pending ones and with expiries not yet
    booked. What can be spent is `spendable(at)`.
    """

    class Kind(models.TextChoices):
        POINTS = "POINTS", _("Points")
        GIFT_CARD = "GIFT_CARD", _("Gift card")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="accounts",
        verbose_name=_("customer"),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.POINTS)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    main = models.BooleanField(_("main"), default=True, editable=False)
    balance = models.BigIntegerField(_("balance"), default=0, editable=False)
    opened_at = models.DateTimeField(_("opened at"), auto_now_add=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "currency"],
                condition=models.Q(main=True, kind="POINTS"),
                name="one_main_account_per_customer",
            ),
            models.CheckConstraint(
                condition=models.Q(balance__gte=0),
                name="an_account_is_not_overdrawn",
                violation_error_message=_("An account cannot be overdrawn."),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="POINTS", currency="")
                | (~models.Q(kind="POINTS") & ~models.Q(currency="")),
                name="money_has_a_currency",
                violation_error_message=_("Money has a currency, points have none."),
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], condition=models.Q(main=False), name="account_beside_main"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def spendable(self, at: datetime) -> int:
        """Return what can be spent at this instant."""
        return self.lots.spendable(at).units()

    def pending(self, at: datetime) -> int:
        """Return what was earned but cannot be spent yet."""
        return self.lots.pending(at).units()


class LedgerEntry(models.Model):
    """One change of an account, for ever: a trigger refuses UPDATE and DELETE.

    `source_key` names the cause; the same cause changes an account once. A reversal names the debit
    of which it gives back all or a part; a trigger refuses to give a lot more back than it took.

    `chain_hash` binds the entry to the one before it in its account (coupons.chains). A trigger computes it
    whoever writes, so that no statement can forget it.
    """

    class Kind(models.TextChoices):
        CREDIT = "CREDIT", _("Credit")
        DEBIT = "DEBIT", _("Debit")
        EXPIRY = "EXPIRY", _("Expiry")
        REVERSAL = "REVERSAL", _("Reversal")

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", verbose_name=_("account"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    delta = models.BigIntegerField(_("change"))
    balance_after = models.BigIntegerField(_("balance after"))
    source_key = models.CharField(_("cause"), max_length=200)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    occurred_at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)
    chain_hash = models.BinaryField(editable=False, db_default=b"")

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "source_key"], name="one_entry_per_cause"),
            models.CheckConstraint(condition=~models.Q(delta=0), name="an_entry_changes_something"),
            models.CheckConstraint(
                condition=models.Q(balance_after__gte=0), name="no_entry_overdraws_its_account"
            ),
            models.CheckConstraint(
                condition=Exact(
                    Func("chain_hash", function="octet_length", output_field=models.IntegerField()), 32
                ),
                name="an_entry_is_chained",
            ),
        ]
        indexes = [models.Index(fields=["account", "-id"], name="entry_account")]

    def __str__(self) -> str:
        return f"{self.delta:+d}"

    @property
    def reason_shown(self) -> str:
        """Return the reason for who reads it: our own ones, kept in English, in the active language."""
        own = self.source_key.partition(":")[0] in OWN_REASONS
        return gettext(self.reason) if own and self.reason else self.reason


class Lot(models.Model):
    """Units earned together: they become spendable together and expire together (both exclusive instants).

    With `prolonged_months`, a sign of life of its customer moves a coming expiry to so many months after it;
    an expiry that has passed stays.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="lots", verbose_name=_("account"), db_index=False
    )
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="lot")
    earned = models.PositiveBigIntegerField(_("earned"))
    remaining = models.PositiveBigIntegerField(_("remaining"))
    activates_at = models.DateTimeField(_("spendable from"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    prolonged_months = models.PositiveSmallIntegerField(
        _("months of inactivity until it expires"), null=True, blank=True
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(remaining__lte=models.F("earned")), name="a_lot_holds_what_was_earned"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=True)
                | models.Q(expires_at__gt=models.F("activates_at")),
                name="a_lot_expires_after_it_activates",
                violation_error_message=_("Points expire after they become spendable."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at"], condition=models.Q(remaining__gt=0), name="lot_open"
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(remaining__gt=0, expires_at__isnull=False),
                name="lot_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} / {self.earned}"


class LotMovement(models.Model):
    """What an entry took from or gave back to one lot; append-only as the ledger."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="movements", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="movements")
    delta = models.BigIntegerField(_("change"))

    class Meta:
        verbose_name = _("movement of a lot")
        verbose_name_plural = _("movements of lots")
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="one_movement_per_entry_and_lot"),
            models.CheckConstraint(condition=~models.Q(delta=0), name="a_movement_changes_something"),
        ]

    def __str__(self) -> str:
        return f"{self.delta:+d}"
