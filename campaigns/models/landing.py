"""Pages that people come to by themselves: an address, a confirmation, then a code."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.models.campaign import Campaign
from campaigns.models.placement import CODE, OPEN_CAMPAIGNS, campaign_is_open, within_period


class LandingPageQuerySet(models.QuerySet["LandingPage"]):
    def open(self, at: datetime) -> "LandingPageQuerySet":
        """Return the pages that give out codes at an instant, as long as there are any."""
        return self.filter(campaign_is_open(), within_period(at), status=LandingPage.Status.OPEN)


class LandingPage(models.Model):
    """A public page that gives a code of a promotion to who leaves an address and confirms it.

    `given` counts the codes and never passes `first_count`. Texts are JSON by language. With `countries`
    the person says where they live; with `newcomers_only` who has bought before gets none. `shows_stores`
    names so many of the nearest stores.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        OPEN = "OPEN", pgettext_lazy("state of a landing page", "Open")
        CLOSED = "CLOSED", pgettext_lazy("state of a landing page", "Closed")

    MOVES = {
        Status.DRAFT: {Status.OPEN},
        Status.OPEN: {Status.CLOSED},
        Status.CLOSED: {Status.OPEN},
    }

    code = models.SlugField(_("code"), max_length=64, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="landing_pages",
        verbose_name=_("campaign"),
    )
    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.PROTECT, related_name="+", verbose_name=_("promotion")
    )
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("introduction"), default=dict, blank=True)
    thanks = models.JSONField(_("thanks"), default=dict, blank=True)
    terms = models.JSONField(_("terms"), default=dict, blank=True)
    first_count = models.PositiveIntegerField(
        _("for the first"), null=True, blank=True, help_text=_("Empty: for everybody, while it is open.")
    )
    shows_count = models.BooleanField(_("say how many are left"), default=True)
    given = models.PositiveIntegerField(_("given"), default=0, editable=False)
    countries = ArrayField(
        models.CharField(max_length=2),
        verbose_name=_("countries"),
        default=list,
        blank=True,
        help_text=_("Empty: for people from anywhere."),
    )
    newcomers_only = models.BooleanField(_("only for who has never bought"), default=False)
    asks_name = models.BooleanField(_("ask for the first name"), default=False)
    asks_consent = models.BooleanField(_("ask whether offers may be sent"), default=True)
    shows_stores = models.PositiveSmallIntegerField(
        _("nearest stores to show"), default=0, help_text=_("0: none. The person types a postcode or a town.")
    )
    shares = models.BooleanField(_("offer buttons to share it"), default=False)
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = LandingPageQuerySet.as_manager()

    class Meta:
        verbose_name = _("landing page")
        verbose_name_plural = _("landing pages")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_count__isnull=True) | Q(given__lte=F("first_count")),
                name="a_page_gives_at_most_the_first",
                violation_error_message=_("More codes than this were given already."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="a_page_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(shows_stores__lte=10),
                name="a_page_shows_few_stores",
                violation_error_message=_("At most ten stores."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """Return the address that is printed, posted and made into a QR."""
        return f"{settings.PUBLIC_URL}/o/{self.code}"

    @property
    def left(self) -> int | None:
        """Return how many codes are left of the first so many; None where there is no such number."""
        return None if self.first_count is None else max(0, self.first_count - self.given)

    def is_open(self, at: datetime) -> bool:
        """Return whether the page gives out codes at an instant, as far as its own dates and state go."""
        campaign_open = self.campaign is None or self.campaign.status in OPEN_CAMPAIGNS
        begun = self.starts_at is None or self.starts_at <= at
        lasting = self.ends_at is None or at < self.ends_at
        return self.status == self.Status.OPEN and campaign_open and begun and lasting


class LandingClaimQuerySet(models.QuerySet["LandingClaim"]):
    def given(self) -> "LandingClaimQuerySet":
        return self.filter(state=LandingClaim.State.GIVEN)


class LandingClaim(models.Model):
    """One mailbox on one landing page: who asked, whether they confirmed, and the code they got.

    `mailbox_hash` is of the mailbox behind the address, so that `anna+1@` is `anna@`. `token` is the link in
    the mail. `refusal` is the key of the last reason why a confirmed one got nothing.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting for confirmation")
        GIVEN = "GIVEN", _("Code given")
        REFUSED = "REFUSED", pgettext_lazy("state of a claim", "Refused")

    page = models.ForeignKey(
        LandingPage, on_delete=models.PROTECT, related_name="claims", verbose_name=_("page")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    address = models.CharField(_("address"), max_length=254, blank=True)
    mailbox_hash = models.CharField(max_length=64, editable=False)
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.WAITING)
    refusal = models.CharField(_("why nothing was given"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=8)
    country = models.CharField(_("country"), max_length=2, blank=True)
    first_name = models.CharField(_("first name"), max_length=120, blank=True)
    wants_offers = models.BooleanField(_("wants offers"), default=False)
    utm = models.JSONField(_("where from"), default=dict, blank=True)
    share = models.ForeignKey(
        "campaigns.ShareLink",
        on_delete=models.SET_NULL,
        null=True,
        related_name="claims",
        verbose_name=_("brought by"),
    )
    mails = models.PositiveSmallIntegerField(_("mails sent"), default=0)
    mailed_at = models.DateTimeField(_("mailed at"), null=True)
    publication = models.ForeignKey(
        "coupons.Publication", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("coupon")
    )
    asked_at = models.DateTimeField(_("asked at"))
    given_at = models.DateTimeField(_("given at"), null=True)

    objects = LandingClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim on a landing page")
        verbose_name_plural = _("claims on landing pages")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["page", "mailbox_hash"], name="one_claim_per_mailbox"),
            models.CheckConstraint(
                condition=Q(state="GIVEN", publication__isnull=False, given_at__isnull=False)
                | ~Q(state="GIVEN"),
                name="a_claim_given_has_its_code",
            ),
        ]
        indexes = [models.Index(fields=["page", "state"], name="claim_of_page")]

    def __str__(self) -> str:
        return f"{self.page_id} · {self.get_state_display()}"

    @property
    def url(self) -> str:
        """Return the link that is mailed to the address: it confirms it, and shows the code afterwards."""
        return f"{settings.PUBLIC_URL}/e/{self.token}"


class LandingVisit(models.Model):
    """How often a landing page was opened on a day from one place; of the place only the host's name."""

    page = models.ForeignKey(LandingPage, on_delete=models.CASCADE, related_name="visits")
    visited_on = models.DateField(_("on"))
    host = models.CharField(_("from"), max_length=120, blank=True)
    source = models.CharField(_("UTM source"), max_length=64, blank=True)
    visits = models.PositiveIntegerField(_("visits"), default=1)
    first_at = models.DateTimeField(_("first at"))

    class Meta:
        verbose_name = _("visits of a landing page")
        verbose_name_plural = _("visits of landing pages")
        constraints = [
            models.UniqueConstraint(
                fields=["page", "visited_on", "host", "source"], name="one_row_of_visits_per_day"
            )
        ]
        indexes = [models.Index(fields=["page", "host", "first_at"], name="landingvisit_host")]

    def __str__(self) -> str:
        return f"{self.page_id} · {self.visited_on} · {self.host}"
