"""What a person is shown where we send nothing: on the merchant's site, on an invoice, in a shipping mail."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models.campaign import Campaign
from customers.models import Channel, Consent, Customer, Purpose, SegmentMembership
from customers.models.consent import ConsentState

# A stop closes everything of its campaign at once; what has been sent whole stays open.
OPEN_CAMPAIGNS = [Campaign.Status.RUNNING, Campaign.Status.FINISHED]
LONGEST_URL = 2000
CODE = RegexValidator(
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z",
    _("Lower-case letters, digits and single hyphens, beginning with a letter."),
)


class Slot(models.TextChoices):
    """Places that shops usually have; a merchant may name others."""

    POPUP = "popup", _("Pop-up on the site")
    BANNER = "banner", _("Banner on the site")
    CART = "cart", _("Beside the cart")
    CHAT = "chat", _("Chat or app")
    INVOICE = "invoice", _("Invoice")
    SHIPPING = "shipping", _("Shipping mail")


def channels() -> list[tuple[str, str]]:
    return Channel.choices


# What stands in a mail is advertising by e-mail, whoever sends it.
MAILED = {Slot.INVOICE: Channel.EMAIL, Slot.SHIPPING: Channel.EMAIL}


def campaign_is_open(field: str = "campaign") -> Q:
    """Return the condition that a row belongs to no campaign, or to one that nobody paused or stopped."""
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__status__in": OPEN_CAMPAIGNS})


def within_period(at: datetime, *, prefix: str = "") -> Q:
    """Return the condition that an instant lies in a row's half-open period."""
    begun = Q(**{f"{prefix}starts_at__isnull": True}) | Q(**{f"{prefix}starts_at__lte": at})
    lasting = Q(**{f"{prefix}ends_at__isnull": True}) | Q(**{f"{prefix}ends_at__gt": at})
    return begun & lasting


class PlacementQuerySet(models.QuerySet["Placement"]):
    def showing(self, slot: str, at: datetime) -> "PlacementQuerySet":
        """Return what may stand in a slot at an instant, what goes first on top."""
        shown = self.filter(campaign_is_open(), within_period(at), slot=slot, status=Placement.Status.ACTIVE)
        return shown.order_by("-priority", "pk")

    def for_customer(self, customer: Customer) -> "PlacementQuerySet":
        """Return those whose audience this person is in, that they allow, and have not seen too often."""
        member = SegmentMembership.objects.filter(
            segment=OuterRef("segment"), customer=customer, left_at__isnull=True
        )
        said = Consent.objects.filter(customer=customer, purpose=Purpose.MARKETING)
        granted = said.filter(state=ConsentState.GRANTED)
        allowed = Q(channel="") & Exists(granted) | Exists(granted.filter(channel=OuterRef("channel")))
        decided = said.filter(channel=OuterRef("asks_consent")).exclude(state=ConsentState.EXPIRED)
        seen = (
            PlacementShowing.objects.filter(placement=OuterRef("pk"), customer=customer)
            .order_by()
            .values("placement")
            .annotate(total=Sum("showings"))
            .values("total")
        )
        return self.annotate(seen=models.Subquery(seen)).filter(
            Q(segment__isnull=True) | Exists(member),
            Q(purpose=Purpose.SERVICE) | allowed,
            Q(asks_consent="") | ~Exists(decided),
            Q(most_showings__isnull=True) | Q(seen__isnull=True) | Q(seen__lt=F("most_showings")),
        )

    def for_anybody(self) -> "PlacementQuerySet":
        """Return those that need to know nothing of who looks at them: no advertising, nothing personal."""
        return self.filter(
            purpose=Purpose.SERVICE, segment__isnull=True, promotion__isnull=True, asks_consent=""
        )


class Placement(models.Model):
    """One thing shown in a slot to whom it concerns; with a promotion, each person sees a code of their own.

    MARKETING is shown to who allows offers through `channel` (through any, where it is empty), SERVICE to
    everybody in the audience. `asks_consent` names the channel it asks to be allowed: it is shown to who has
    not decided yet. `links` only grows: a link in a page that was shown leads where it led then.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        ACTIVE = "ACTIVE", pgettext_lazy("state of a placement", "Shown")
        PAUSED = "PAUSED", _("Paused")
        STOPPED = "STOPPED", _("Stopped")

    MOVES = {
        Status.DRAFT: {Status.ACTIVE, Status.STOPPED},
        Status.ACTIVE: {Status.PAUSED, Status.STOPPED},
        Status.PAUSED: {Status.ACTIVE, Status.STOPPED},
        Status.STOPPED: set(),
    }

    code = models.SlugField(_("code"), max_length=64, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)
    slot = models.SlugField(_("slot"), max_length=32, db_index=False, validators=[CODE])
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose, default=Purpose.MARKETING)
    channel = models.CharField(
        _("consent needed for"),
        max_length=16,
        choices=channels,
        blank=True,
        help_text=_("Empty: whoever allows offers through any channel."),
    )
    asks_consent = models.CharField(_("asks for consent to"), max_length=16, choices=channels, blank=True)
    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="placements",
        verbose_name=_("campaign"),
    )
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
    )
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("promotion"),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=50, validators=[MaxValueValidator(100)], help_text=_("Larger goes first.")
    )
    most_showings = models.PositiveIntegerField(
        _("at most, times per person"), null=True, blank=True, help_text=_("Empty: as often as they come.")
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    links = ArrayField(models.CharField(max_length=LONGEST_URL), default=list, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = PlacementQuerySet.as_manager()

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["slot", "-priority"], condition=Q(status="ACTIVE"), name="placement_shown")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="a_placement_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(asks_consent="") | Q(purpose="SERVICE"),
                name="asking_for_consent_is_no_advertising",
                violation_error_message=_("Asking for consent is service, not advertising."),
            ),
            models.CheckConstraint(
                condition=Q(promotion__isnull=True) | Q(purpose="MARKETING"),
                name="an_offer_is_advertising",
                violation_error_message=_("An offer is advertising: it needs consent."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def slot_name(self) -> str:
        """Return the slot as people call it."""
        return str(dict(Slot.choices).get(self.slot, self.slot))

    def content_in(self, language: str) -> "PlacementContent | None":
        """Return the content in a language, else the one for every language, else any."""
        return best_content(self.contents.all(), language)


def best_content(contents: "Iterable[PlacementContent]", language: str) -> "PlacementContent | None":
    """Return the content that suits a language best; None where there is none."""
    ranks = {language: 0, "": 1}
    return min(contents, key=lambda one: (ranks.get(one.language, 2), one.pk or 0), default=None)


class PlacementContent(models.Model):
    """What a placement says in one language; `html` and `text` are the templates made of `body`."""

    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, related_name="contents")
    language = models.CharField(_("language"), max_length=8, blank=True)
    title = models.CharField(_("title"), max_length=200, blank=True)
    body = models.TextField(_("content"))
    html = models.TextField(_("HTML"), editable=False)
    text = models.TextField(_("plain text"), editable=False)

    class Meta:
        verbose_name = _("content of a placement")
        verbose_name_plural = _("contents of placements")
        constraints = [
            models.UniqueConstraint(fields=["placement", "language"], name="one_content_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.placement_id} {self.language}"


class PlacementShowing(models.Model):
    """How often one person saw a placement on one day, and clicked in it. `token` names it in links.

    A `former` one was somebody's who became this person that day: its links go on.
    """

    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="showings")
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    shown_on = models.DateField(_("on"))
    showings = models.PositiveIntegerField(_("shown"), default=1)
    clicks = models.PositiveIntegerField(_("clicks"), default=0)
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    publication = models.ForeignKey(
        "coupons.Publication", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("coupon")
    )
    first_at = models.DateTimeField(_("first shown at"))
    last_at = models.DateTimeField(_("last shown at"))
    former = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("showing of a placement")
        verbose_name_plural = _("showings of placements")
        constraints = [
            models.UniqueConstraint(
                fields=["placement", "customer", "shown_on"],
                condition=models.Q(former=False),
                nulls_distinct=False,
                name="one_showing_per_person_and_day",
            )
        ]
        indexes = [models.Index(fields=["placement", "shown_on"], name="showing_by_day")]

    def __str__(self) -> str:
        return f"{self.placement_id} · {self.shown_on}"
