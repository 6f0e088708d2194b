import hashlib
import time
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

KNOWN_SECONDS = 10
MOST_KNOWN = 1_000


class Scope(models.TextChoices):
    """What an API client may do; api.md lists the calls behind each."""

    CUSTOMERS_READ = "customers:read", _("Read customers")
    CUSTOMERS_WRITE = "customers:write", _("Write customers")
    CUSTOMERS_ERASE = "customers:erase", _("Erase customers")
    CUSTOMERS_EXPORT = "customers:export", _("Export everything known of a customer")
    CONSENTS_WRITE = "consents:write", _("Record consents")
    CATALOGUE_WRITE = "catalogue:write", _("Write products and stores")
    ORDERS_WRITE = "orders:write", _("Record orders and returns")
    EVENTS_WRITE = "events:write", _("Record events")
    SEGMENTS_READ = "segments:read", _("Read segments")
    SEGMENTS_WRITE = "segments:write", _("Write segments")
    ANALYTICS_READ = "analytics:read", _("Read analytics")
    ANALYTICS_RUN = "analytics:run", _("Run models")
    PROMOTIONS_WRITE = "promotions:write", _("Write promotions")
    COUPONS_PUBLISH = "coupons:publish", _("Publish coupons")
    COUPONS_REDEEM = "coupons:redeem", _("Redeem coupons")
    COUPONS_EXPLAIN = "coupons:explain", _("See why a coupon is refused")
    GIFT_CARDS_READ = "gift_cards:read", _("Read gift cards")
    GIFT_CARDS_WRITE = "gift_cards:write", _("Write gift cards")
    APOLOGIES_ISSUE = "apologies:issue", _("Issue apologies")
    APOLOGIES_APPROVE = "apologies:approve", _("Approve apologies in the name of staff")
    CAMPAIGNS_READ = "campaigns:read", _("Read campaigns")
    CAMPAIGNS_WRITE = "campaigns:write", _("Write campaigns")
    LOYALTY_READ = "loyalty:read", _("Read points and rewards")
    LOYALTY_WRITE = "loyalty:write", _("Write points and rewards")
    REFERRALS_WRITE = "referrals:write", _("Write referrals")
    PLACEMENTS_RENDER = "placements:render", _("Render placements")
    ALL = "all", _("Everything (for tests)")


class ApiClientManager(BaseAPIKeyManager):
    """Remembers for ten seconds, in this process, which client a key belongs to.

    Where a client is changed it is forgotten at once; other processes find out within those seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[bytes, tuple[float, ApiClient]] = {}

    def get_from_key(self, key: str) -> "ApiClient":
        """Return the client of this key, also a revoked one. Raises ApiClient.DoesNotExist."""
        digest = hashlib.sha256(key.encode()).digest()
        expires, client = self._known.get(digest, (0.0, None))
        if client is None or expires < time.monotonic():
            client = super().get_from_key(key)
            if len(self._known) >= MOST_KNOWN:
                self.forget()
            self._known[digest] = (time.monotonic() + KNOWN_SECONDS, client)
        return client

    def forget(self) -> None:
        """Read every client anew."""
        self._known.clear()


class ApiClient(AbstractAPIKey):
    """A partner system (shop, till, help desk, pipeline) with its own key and scopes."""

    scopes = ArrayField(models.CharField(max_length=32, choices=Scope.choices), verbose_name=_("scopes"))
    requests_per_minute = models.PositiveIntegerField(_("requests per minute"), default=60_000)
    trusted = models.BooleanField(
        _("trusted"), default=True, help_text=_("An untrusted client is blocked after too many wrong codes.")
    )
    partner_source = models.CharField(
        _("partner with source"),
        max_length=64,
        blank=True,
        help_text=_(
            "For a partner of the coalition, the code of its source: it then sees only customers whom that "
            "source knows and what it told itself. Empty for your own systems."
        ),
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)

    objects = ApiClientManager()

    class Meta(AbstractAPIKey.Meta):
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        type(self).objects.forget()

    def has_scope(self, scope: str) -> bool:
        """Return whether the client may do what `scope` names."""
        return scope in self.scopes or Scope.ALL in self.scopes
