"""Members' cards: the numbers that were given out, the printed ones nobody has yet, and how a card looks."""

from base64 import b64encode

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

COLOUR = RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", _("A colour is written as #0f766e."))


class CardBatch(models.Model):
    """Cards that were printed together, to be handed out at the till."""

    name = models.CharField(_("name"), max_length=120)
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
    )
    count = models.PositiveIntegerField(_("cards"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("batch of cards")
        verbose_name_plural = _("batches of cards")
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return self.name


class Card(models.Model):
    """A card number we gave out. Who it belongs to is said by the identity of the same value as well.

    A printed card has no holder until somebody takes it. A blocked one identifies nobody any more.
    """

    class Status(models.TextChoices):
        BLANK = "BLANK", _("Not handed out")
        ACTIVE = "ACTIVE", _("In use")
        BLOCKED = "BLOCKED", _("Blocked")

    number = models.CharField(_("number"), max_length=32, unique=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ACTIVE)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cards",
        verbose_name=_("customer"),
    )
    batch = models.ForeignKey(
        CardBatch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cards",
        verbose_name=_("batch"),
    )
    made_at = models.DateTimeField(_("made at"))
    linked_at = models.DateTimeField(_("handed out at"), null=True, blank=True)
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True)
    reason = models.CharField(_("why it was blocked"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="BLANK", customer__isnull=True, linked_at__isnull=True)
                | (
                    ~models.Q(status="BLANK")
                    & (models.Q(customer__isnull=False) | models.Q(status="BLOCKED"))
                ),
                name="a_card_in_use_has_a_holder",
            ),
            models.CheckConstraint(
                condition=models.Q(status="BLOCKED") ^ models.Q(blocked_at__isnull=True),
                name="a_blocked_card_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CardDesign(models.Model):
    """How every member's card looks, on the page, printed and in wallets; one row, or the defaults."""

    name = models.CharField(
        _("name on the card"), max_length=40, blank=True, help_text=_("Empty: the programme's name.")
    )
    background = models.CharField(_("background"), max_length=7, default="#0f766e", validators=[COLOUR])
    foreground = models.CharField(_("text"), max_length=7, default="#ffffff", validators=[COLOUR])
    logo = models.BinaryField(_("logo"), null=True, blank=True, editable=False)
    terms = models.JSONField(_("on its back"), default=dict, blank=True)
    website = models.URLField(_("website"), blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("look of the cards")
        verbose_name_plural = _("look of the cards")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_look_of_the_cards")]

    def __str__(self) -> str:
        return self.name or settings.PROGRAMME_NAME

    @classmethod
    def current(cls) -> "CardDesign":
        """Return the look in use; the defaults where nobody chose one."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @property
    def logo_uri(self) -> str:
        """Return the logo as a picture in the page; empty without one."""
        return "data:image/png;base64," + b64encode(bytes(self.logo)).decode() if self.logo else ""

    @property
    def title(self) -> str:
        return self.name or settings.PROGRAMME_NAME
