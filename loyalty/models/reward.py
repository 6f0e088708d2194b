"""What is given to people: the catalogue of rewards, and every reward that was given."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel
from loyalty.models.translated import Translated


def programme_currency() -> str:
    return settings.PROGRAMME_CURRENCY


class RewardQuerySet(models.QuerySet["Reward"]):
    def whole(self) -> "RewardQuerySet":
        """Return rewards with what they point to, in one query."""
        return self.select_related("promotion", "product", "segment", "tier_from")

    def catalogue(self, at: datetime) -> "RewardQuerySet":
        """Return the rewards that points can buy at this instant, whoever asks; the cheapest first."""
        return self.filter(
            models.Q(available_from__isnull=True) | models.Q(available_from__lte=at),
            models.Q(available_until__isnull=True) | models.Q(available_until__gt=at),
            active=True,
            cost_points__isnull=False,
        ).order_by("cost_points", "pk")


class Reward(Translated):
    """The one definition of something that is given: for points, or by a game, a milestone, a referral.

    What it gives is said by its kind: a coupon of `promotion`; a gift card of `amount`; `points_given`; the
    `product`, handed over by somebody; a donation of `amount`; the next of its partner codes. Amounts are
    minor units of `currency`. `valid_days` is how long a card or points given are good.

    `cost_points` puts it into the catalogue. `stock` is how many there are in all, `taken` how many of them
    are gone. Tier, segment, dates and `per_customer` are terms of the catalogue alone.

    `traits` names what speaks for it in a person: `{"categories": [..], "brands": [..], "stores": [..]}`.
    """

    class Kind(models.TextChoices):
        COUPON = "COUPON", _("Coupon")
        GIFT_CARD = "GIFT_CARD", _("Gift card")
        POINTS = "POINTS", _("Points")
        PRODUCT = "PRODUCT", _("Product")
        DONATION = "DONATION", _("Donation")
        PARTNER_CODE = "PARTNER_CODE", _("Partner's code")

    TRANSLATED = Translated.TRANSLATED | {"description": 1000}

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), max_length=1000, blank=True)
    picture_url = models.URLField(_("address of a picture"), max_length=500, blank=True)
    kind = models.CharField(_("gives"), max_length=16, choices=Kind)
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon of the promotion"),
    )
    amount = models.BigIntegerField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default=programme_currency)
    points_given = models.PositiveIntegerField(_("points given"), null=True, blank=True)
    product = models.ForeignKey(
        "customers.Product",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("product"),
    )
    valid_days = models.PositiveSmallIntegerField(
        _("good for days"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    channel = models.CharField(_("sent by"), max_length=8, choices=Channel, blank=True)
    cost_points = models.PositiveIntegerField(_("costs points"), null=True, blank=True)
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    taken = models.PositiveIntegerField(_("taken"), default=0, editable=False)
    per_customer = models.PositiveSmallIntegerField(
        _("times a customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    tier_from = models.ForeignKey(
        "loyalty.Tier",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("from the tier"),
    )
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only for the segment"),
    )
    available_from = models.DateTimeField(_("available from"), null=True, blank=True)
    available_until = models.DateTimeField(_("available until"), null=True, blank=True)
    active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Switched off, it is not given any more; what was given stays."),
    )
    traits = models.JSONField(_("speaks for it"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = RewardQuerySet.as_manager()

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(stock__isnull=True) | models.Q(taken__lte=models.F("stock")),
                name="no_more_rewards_taken_than_there_are",
                violation_error_message=_("The stock cannot lie below what was taken."),
            ),
            models.CheckConstraint(
                condition=(~models.Q(kind="COUPON") | models.Q(promotion__isnull=False))
                & (
                    ~models.Q(kind__in=["GIFT_CARD", "DONATION"])
                    | models.Q(amount__gt=0, amount__isnull=False)
                )
                & (~models.Q(kind="POINTS") | models.Q(points_given__gt=0, points_given__isnull=False))
                & (~models.Q(kind="PRODUCT") | models.Q(product__isnull=False)),
                name="a_reward_says_what_it_gives",
                violation_error_message=_("Say what the reward gives."),
            ),
            models.CheckConstraint(
                condition=models.Q(cost_points__isnull=True) | models.Q(cost_points__gt=0),
                name="a_reward_of_the_catalogue_costs_points",
                violation_error_message=_("A reward of the catalogue costs at least one point."),
            ),
            models.CheckConstraint(
                condition=models.Q(available_from__isnull=True)
                | models.Q(available_until__isnull=True)
                | models.Q(available_until__gt=models.F("available_from")),
                name="a_reward_ends_after_it_starts",
                violation_error_message=_("A reward ends after it starts."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def picture(self) -> str:
        """Return where our pages find the picture: in the media library, as they load from nowhere else."""
        library = f"{settings.PUBLIC_URL}/i/"
        return (
            self.picture_url.removeprefix(settings.PUBLIC_URL) if self.picture_url.startswith(library) else ""
        )

    @property
    def left(self) -> int | None:
        """Return how many are left; None when there is no end to them."""
        return None if self.stock is None else self.stock - self.taken


class PartnerCodeQuerySet(models.QuerySet["PartnerCode"]):
    def free(self, at: datetime) -> "PartnerCodeQuerySet":
        """Return the codes that can be given, those that end first before the others."""
        lasting = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at)
        return self.filter(lasting, given_at__isnull=True).order_by(
            models.F("expires_at").asc(nulls_last=True), "pk"
        )


class PartnerCode(models.Model):
    """One code of another company, given once. It is worth money: sealed here, and in no log.

    `code_hash` tells a code that was loaded already. From `expires_at` on (exclusive) it is not given.
    """

    reward = models.ForeignKey(
        Reward,
        on_delete=models.PROTECT,
        related_name="partner_codes",
        verbose_name=_("reward"),
        db_index=False,
    )
    sealed = models.BinaryField(editable=False)
    code_hash = models.CharField(max_length=64, editable=False)
    last4 = models.CharField(_("last four characters"), max_length=4)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    added_at = models.DateTimeField(_("added at"))
    given_at = models.DateTimeField(_("given at"), null=True, blank=True)

    objects = PartnerCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner's code")
        verbose_name_plural = _("partners' codes")
        constraints = [
            models.UniqueConstraint(fields=["reward", "code_hash"], name="one_partner_code_per_reward"),
        ]
        indexes = [
            models.Index(
                fields=["reward", "expires_at", "id"],
                condition=models.Q(given_at__isnull=True),
                name="partner_codes_free",
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.last4}"


class RewardGrantQuerySet(models.QuerySet["RewardGrant"]):
    def whole(self) -> "RewardGrantQuerySet":
        """Return grants with what they gave, in one query."""
        return self.select_related(
            "reward", "customer", "publication__coupon", "gift_card__account", "entry", "partner_code"
        )

    def standing(self) -> "RewardGrantQuerySet":
        """Return the grants that were not taken back."""
        return self.exclude(status=RewardGrant.Status.TAKEN_BACK)

    def waiting(self) -> "RewardGrantQuerySet":
        """Return the products that somebody still has to hand over, the oldest first."""
        return self.filter(status=RewardGrant.Status.WAITING).order_by("granted_at", "pk")


class RewardGrant(models.Model):
    """One reward that one person was given, for points or without. The same `source_key` gives once.

    `spent_entry` is the debit of the points it cost, `spent_points` how many. What it gave stands in
    `publication`, `gift_card`, `entry` (points) or `partner_code`; `amount` is what a card or a donation was
    of. A product waits until it is handed over. `points_back` is what a taking back gave of `spent_points`.
    """

    class Status(models.TextChoices):
        WAITING = "WAITING", _("To be handed over")
        GIVEN = "GIVEN", _("Given")
        TAKEN_BACK = "TAKEN_BACK", _("Taken back")

    reward = models.ForeignKey(
        Reward, on_delete=models.PROTECT, related_name="grants", verbose_name=_("reward"), db_index=False
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="reward_grants",
        verbose_name=_("customer"),
    )
    source_key = models.CharField(_("cause"), max_length=120, unique=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.GIVEN)
    spent_points = models.PositiveIntegerField(_("points spent"), default=0)
    spent_entry = models.ForeignKey(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    publication = models.ForeignKey(
        "coupons.Publication", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    gift_card = models.ForeignKey(
        "coupons.GiftCard", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    partner_code = models.OneToOneField(
        PartnerCode, on_delete=models.PROTECT, null=True, blank=True, related_name="grant"
    )
    amount = models.BigIntegerField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    granted_at = models.DateTimeField(_("given at"))
    handed_over_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    handed_over_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("handed over by"),
    )
    taken_back_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("taken back by"),
    )
    taken_back_reason = models.CharField(_("reason for taking it back"), max_length=300, blank=True)
    points_back = models.PositiveIntegerField(_("points given back"), default=0)
    stocked_back = models.BooleanField(_("back in stock"), default=False)

    objects = RewardGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("reward given")
        verbose_name_plural = _("rewards given")
        ordering = ["-id"]
        permissions = [
            ("give_reward", "Can redeem and hand over rewards for a customer"),
            ("take_back_reward", "Can take a reward back"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(spent_points=0) ^ models.Q(spent_entry__isnull=False),
                name="points_spent_on_a_reward_stand_in_the_ledger",
            ),
            models.CheckConstraint(
                condition=models.Q(points_back__lte=models.F("spent_points")),
                name="no_more_points_back_than_a_reward_cost",
            ),
            models.CheckConstraint(
                condition=models.Q(status="TAKEN_BACK") ^ models.Q(taken_back_at__isnull=True),
                name="a_reward_taken_back_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["reward", "-granted_at"], name="grant_reward"),
            models.Index(
                fields=["granted_at"], condition=models.Q(status="WAITING"), name="grant_to_hand_over"
            ),
        ]

    def __str__(self) -> str:
        return str(self.reward)
