"""Links that are passed on: each names who shared it, and through which network it came back."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.placement import LONGEST_URL


class ShareNetwork(models.TextChoices):
    """Where a link is passed on; the value is what UTM calls the source."""

    LINK = "link", _("Link")
    WHATSAPP = "whatsapp", "WhatsApp"
    FACEBOOK = "facebook", "Facebook"
    INSTAGRAM = "instagram", "Instagram"
    X = "x", "X"
    TELEGRAM = "telegram", "Telegram"
    EMAIL = "email", _("E-mail")


class ShareLink(models.Model):
    """A short link to a landing page, or to a stored address of the merchant's, passed on by one person.

    `customer` is who shares it; a link without one is the merchant's own, for a post or a partner, with a
    `name`. It leads where it is written to lead, and nowhere else.
    """

    token = models.SlugField(_("token"), max_length=32, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, blank=True)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("shared by"),
    )
    page = models.ForeignKey(
        "campaigns.LandingPage",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="share_links",
        verbose_name=_("landing page"),
    )
    url = models.URLField(_("address"), max_length=LONGEST_URL, blank=True)
    source = models.SlugField(_("UTM source"), max_length=64, blank=True)
    medium = models.SlugField(_("UTM medium"), max_length=64, default="share", blank=True)
    campaign_name = models.SlugField(_("UTM campaign"), max_length=64, blank=True)
    # Of two that a merge brought together only one is still handed out; both lead where they led.
    main = models.BooleanField(default=True, db_default=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "customer"],
                condition=Q(customer__isnull=False, page__isnull=False, main=True),
                name="one_share_link_per_person",
            ),
            models.CheckConstraint(
                condition=Q(page__isnull=False, url="") | Q(page__isnull=True) & ~Q(url=""),
                name="a_share_link_leads_to_one_place",
                violation_error_message=_("Choose a landing page or write an address, not both."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.token

    @property
    def short_url(self) -> str:
        return f"{settings.PUBLIC_URL}/go/{self.token}"


class ShareClick(models.Model):
    """How often a share link was followed on a day, by network."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="clicks")
    clicked_on = models.DateField(_("on"))
    network = models.CharField(_("network"), max_length=16, choices=ShareNetwork)
    clicks = models.PositiveIntegerField(_("clicks"), default=1)

    class Meta:
        verbose_name = _("clicks on a share link")
        verbose_name_plural = _("clicks on share links")
        constraints = [
            models.UniqueConstraint(
                fields=["link", "clicked_on", "network"], name="one_row_of_clicks_per_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.link_id} · {self.clicked_on}"
