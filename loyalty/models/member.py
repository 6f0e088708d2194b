"""Members' links to their own pages, and who is about to become a member."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class MemberLink(models.Model):
    """How often a person's links were revoked: links made before the last time lead nowhere.

    Most people have no row. It stays with the record it was made for: a link names a record, and leads to
    whoever that was merged into.
    """

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("customer")
    )
    generation = models.PositiveIntegerField(_("generation"), default=0)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("revoked member links")
        verbose_name_plural = _("revoked member links")

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.generation}"


class JoinRequest(models.Model):
    """Somebody who typed their address to join, until they press the button in what was sent to it.

    Asked again from the same address it is the same request, with what was typed last.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    channel = models.CharField(
        _("channel"), max_length=16, choices=[("email", _("E-mail")), ("sms", _("SMS"))]
    )
    address = models.CharField(_("address"), max_length=254, blank=True)
    address_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=120, blank=True)
    last_name = models.CharField(_("last name"), max_length=120, blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8)
    wants_offers = models.BooleanField(_("wants offers"), default=False)
    store = models.ForeignKey(
        "customers.Store", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("store"),
    )  # fmt: skip
    employee = models.ForeignKey(
        "loyalty.Employee", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("employee"),
    )  # fmt: skip
    invited_with = models.CharField(_("invited with the code"), max_length=32, blank=True)
    mails = models.PositiveSmallIntegerField(_("messages sent"), default=0)
    mailed_at = models.DateTimeField(_("last sent at"), null=True, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    joined_at = models.DateTimeField(_("joined at"), null=True, blank=True)

    class Meta:
        verbose_name = _("request to join")
        verbose_name_plural = _("requests to join")

    def __str__(self) -> str:
        return f"{self.customer_id}"

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_URL}/join/{self.token}"
