"""A referral programme, the variants of its offer, and the words in which customers share it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from referrals.models.offer import Offer


class ReferralProgramme(Offer):
    """Who brings a friend gets something, and so does the friend, once the friend has bought.

    `minimum_amount` (minor units of the programme's currency) is what the friend's order has to reach;
    `items` names articles of which it has to hold one: {"skus", "categories", "brands"}. `after_days` waits
    for returns first. A referral whose signs of fraud weigh `review_score` or more waits for a person.
    """

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    active = models.BooleanField(_("active"), default=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True, editable=False)
    stop_reason = models.CharField(_("reason for stopping"), max_length=300, blank=True, editable=False)
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who may invite"),
        help_text=_("Empty: every customer."),
    )
    minimum_amount = models.BigIntegerField(_("smallest order"), default=0)
    items = models.JSONField(_("articles that count"), default=dict, blank=True)
    after_days = models.PositiveSmallIntegerField(
        _("days before the reward"), default=0, help_text=_("Time for a return; 0 rewards at once.")
    )
    take_back = models.BooleanField(
        _("take rewards back"), default=True, help_text=_("When the friend's order comes back afterwards.")
    )
    maximum_per_referrer = models.PositiveIntegerField(
        _("rewarded friends per customer"), null=True, blank=True, help_text=_("Empty: any number.")
    )
    maximum_per_month = models.PositiveIntegerField(
        _("rewarded friends per customer and month"), null=True, blank=True, help_text=_("Empty: any number.")
    )
    maximum_total = models.PositiveIntegerField(
        _("rewarded friends in all"), null=True, blank=True, help_text=_("Empty: any number.")
    )
    review_score = models.PositiveSmallIntegerField(
        _("weight from which a person decides"), default=40, validators=[MinValueValidator(1)]
    )
    velocity_per_day = models.PositiveSmallIntegerField(
        _("friends a day that are no sign of fraud"), default=50, validators=[MinValueValidator(1)]
    )
    fixed_cost_amount = models.BigIntegerField(
        _("fixed cost"), default=0, help_text=_("Of the whole programme, in minor units; part of its return.")
    )
    planned_ltv_amount = models.BigIntegerField(_("planned value of a friend"), null=True, blank=True)
    planned_reward_amount = models.BigIntegerField(_("planned cost of a friend"), null=True, blank=True)
    planned_k = models.DecimalField(_("planned k"), max_digits=8, decimal_places=4, null=True, blank=True)
    landing_url = models.CharField(
        _("page the link leads to"),
        max_length=300,
        blank=True,
        help_text=_("With {code} where the code goes. Empty: a page of Fidelio's own."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(Offer.Meta):
        abstract = False
        verbose_name = _("referral programme")
        verbose_name_plural = _("referral programmes")
        ordering = ["-id"]
        constraints = [
            *Offer.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(minimum_amount__gte=0, fixed_cost_amount__gte=0),
                name="a_referral_programme_without_negative_amounts",
                violation_error_message=_("Amounts are not negative."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReferralVariant(Offer):
    """Another offer, promised to a share of those who invite; the rest are promised the programme's own.

    Who gets which follows from the programme and the customer alone, and stays with the code once it is made.
    """

    programme = models.ForeignKey(
        ReferralProgramme, on_delete=models.PROTECT, related_name="variants", verbose_name=_("programme")
    )
    name = models.CharField(_("name"), max_length=40)
    share_percent = models.PositiveSmallIntegerField(
        _("share in percent"), validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(Offer.Meta):
        abstract = False
        verbose_name = _("variant of an offer")
        verbose_name_plural = _("variants of an offer")
        ordering = ["programme", "id"]
        constraints = [
            *Offer.Meta.constraints,
            models.UniqueConstraint(fields=["programme", "name"], name="one_variant_of_this_name"),
            models.CheckConstraint(
                condition=models.Q(share_percent__lte=100), name="a_variant_s_share_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RewardStep(models.Model):
    """What a customer gets on top once they have brought so many rewarded friends: "for the third: X"."""

    programme = models.ForeignKey(
        ReferralProgramme, on_delete=models.PROTECT, related_name="steps", verbose_name=_("programme")
    )
    friends = models.PositiveSmallIntegerField(_("friends"), validators=[MinValueValidator(1)])
    reward = models.ForeignKey(
        "loyalty.Reward", on_delete=models.PROTECT, related_name="+", verbose_name=_("reward")
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("step of a referral programme")
        verbose_name_plural = _("steps of a referral programme")
        ordering = ["programme", "friends"]
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "friends"],
                condition=models.Q(active=True),
                name="one_step_for_so_many_friends",
            ),
            models.CheckConstraint(condition=models.Q(friends__gt=0), name="a_step_takes_a_friend"),
        ]

    def __str__(self) -> str:
        return f"{self.friends}: {self.reward}"


class ShareChannel(models.TextChoices):
    """How somebody passes their code on."""

    LINK = "link", _("Link")
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    TELEGRAM = "telegram", _("Telegram")
    FACEBOOK = "facebook", _("Facebook")
    X = "x", _("X")
    QR = "qr", _("QR code")
    PUSH = "push", _("Push")
    POST = "post", _("Post")
    PHONE = "phone", _("Phone")


class ReferralCopy(models.Model):
    """The words a customer finds ready to share, per channel and language; {link}, {code} ... are filled in.

    Without a row the built-in words stand (`referrals.sharing`).
    """

    programme = models.ForeignKey(
        ReferralProgramme, on_delete=models.PROTECT, related_name="copies", verbose_name=_("programme")
    )
    channel = models.CharField(_("channel"), max_length=16, choices=ShareChannel)
    language = models.CharField(_("language"), max_length=8)
    subject = models.CharField(_("subject"), max_length=150, blank=True)
    text = models.TextField(_("text"), max_length=2000)

    class Meta:
        verbose_name = _("text to share")
        verbose_name_plural = _("texts to share")
        ordering = ["programme", "channel", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "channel", "language"], name="one_text_per_channel_and_language"
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="a_text_to_share_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.channel} {self.language}"
