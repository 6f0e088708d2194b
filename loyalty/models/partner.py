"""Partners of the coalition: where points are earned and burned at a rate, and settled month by month."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Partner(models.Model):
    """A merchant of the coalition whose till gives and takes our points.

    Its API client is the one whose `partner_source` is `source`. It gives `earn_points` for every full
    `earn_amount` paid there, and takes `burn_points` for every `burn_amount` it lets off; both amounts are
    minor units of `currency`. It pays `earn_price` for a point it gave, and gets `burn_price` for one that
    was burned with it. A cap that is empty does not limit.
    """

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100)
    source = models.CharField(
        _("source"),
        max_length=64,
        unique=True,
        help_text=_("The code under which its API client is a partner."),
    )
    active = models.BooleanField(_("active"), default=True)
    currency = models.CharField(_("currency"), max_length=3)
    earn_points = models.PositiveIntegerField(_("points"), default=1)
    earn_amount = models.PositiveIntegerField(_("for every full"), default=100)
    burn_points = models.PositiveIntegerField(_("points taken"), default=1)
    burn_amount = models.PositiveIntegerField(_("let off for them"), default=1)
    earn_price = models.DecimalField(
        _("price of a point given"), max_digits=10, decimal_places=4, validators=[MinValueValidator(0)]
    )
    burn_price = models.DecimalField(
        _("price of a point burned"), max_digits=10, decimal_places=4, validators=[MinValueValidator(0)]
    )
    valid_months = models.PositiveSmallIntegerField(
        _("months until they expire"), null=True, blank=True, help_text=_("Empty: never.")
    )
    customer_day_points = models.PositiveIntegerField(
        _("most points a customer earns there a day"), null=True, blank=True
    )
    customer_day_burn_points = models.PositiveIntegerField(
        _("most points a customer burns there a day"), null=True, blank=True
    )
    month_points = models.PositiveBigIntegerField(_("most points it gives a month"), null=True, blank=True)

    class Meta:
        verbose_name = _("coalition partner")
        verbose_name_plural = _("coalition partners")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    earn_points__gt=0, earn_amount__gt=0, burn_points__gt=0, burn_amount__gt=0
                ),
                name="a_partner_has_rates",
                violation_error_message=_("Points and amounts of a rate are above zero."),
            ),
            models.CheckConstraint(
                condition=models.Q(earn_price__gte=0, burn_price__gte=0),
                name="a_partner_s_prices_are_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PartnerPosting(models.Model):
    """Points that a customer earned or burned with a partner, or that were reversed; append-only.

    `points` has the sign of what it did to the customer. `month` is the first day of the month it is settled
    in. A reversal names what it `reverses`; of points a customer had spent meanwhile it holds only those that
    could be taken back, so that the partner still pays for the others.
    """

    class Kind(models.TextChoices):
        EARN = "EARN", _("Earned")
        BURN = "BURN", _("Burned")
        EARN_BACK = "EARN_BACK", pgettext_lazy("points", "Taken back")
        BURN_BACK = "BURN_BACK", _("Given back")

    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="postings", verbose_name=_("partner"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    source_id = models.CharField(_("its number there"), max_length=128)
    amount = models.PositiveBigIntegerField(_("amount"))
    points = models.BigIntegerField(_("points"))
    month = models.DateField(_("month"))
    entry = models.OneToOneField(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversal"
    )
    posted_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("posting of a partner")
        verbose_name_plural = _("postings of partners")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "source_id"], name="one_posting_per_number_there"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["EARN", "BURN_BACK"], points__gte=0)
                | models.Q(kind__in=["BURN", "EARN_BACK"], points__lte=0),
                name="a_posting_has_the_sign_of_its_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(points=0) ^ models.Q(entry__isnull=False),
                name="posted_points_stand_in_the_ledger",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["EARN", "BURN"], reverses__isnull=True)
                | models.Q(kind__in=["EARN_BACK", "BURN_BACK"], reverses__isnull=False),
                name="a_reversal_names_what_it_reverses",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "month", "-id"], name="posting_month"),
            models.Index(fields=["customer", "partner", "posted_at"], name="posting_day"),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"


class PartnerMonth(models.Model):
    """How many points a partner gave in a month, for its cap; the hottest row, taken last."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="months", db_index=False)
    month = models.DateField()
    points = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("month of a partner")
        verbose_name_plural = _("months of partners")
        constraints = [models.UniqueConstraint(fields=["partner", "month"], name="one_month_of_a_partner")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Settlement(models.Model):
    """A month that was closed with a partner, with the prices of that day; append-only, and nothing is added.

    `balance_amount` is what the partner pays, negative what it gets; minor units of `currency`.
    """

    partner = models.ForeignKey(
        Partner,
        on_delete=models.PROTECT,
        related_name="settlements",
        verbose_name=_("partner"),
        db_index=False,
    )
    month = models.DateField(_("month"))
    currency = models.CharField(_("currency"), max_length=3)
    earned_points = models.BigIntegerField(_("points given"))
    burned_points = models.BigIntegerField(_("points burned"))
    earn_price = models.DecimalField(_("price of a point given"), max_digits=10, decimal_places=4)
    burn_price = models.DecimalField(_("price of a point burned"), max_digits=10, decimal_places=4)
    earned_amount = models.BigIntegerField(_("for points given"))
    burned_amount = models.BigIntegerField(_("for points burned"))
    balance_amount = models.BigIntegerField(_("balance"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    closed_at = models.DateTimeField(_("closed at"))

    class Meta:
        verbose_name = _("settlement with a partner")
        verbose_name_plural = _("settlements with partners")
        ordering = ["-month"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "month"], name="a_month_is_settled_once"),
            models.CheckConstraint(
                condition=models.Q(balance_amount=models.F("earned_amount") - models.F("burned_amount")),
                name="a_settlement_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.month:%Y-%m}"
