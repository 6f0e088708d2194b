from collections.abc import Collection

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.mailboxes import Mailbox


class Namespace(models.TextChoices):
    """What kind of key an identity is. A source's own customer ids live in SourceProfile."""

    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    LOYALTY_CARD = "loyalty_card", _("Loyalty card")
    TAX_CODE = "tax_code", _("Tax code")
    DEVICE = "device", _("Device")
    COOKIE = "cookie", _("Cookie")
    EMAIL_SHA256 = "email_sha256", _("E-mail hash")
    PUSH = "push", _("Push subscription")


class Strength(models.TextChoices):
    """What it means that a value is known already."""

    JOINS = "JOINS", _("Joins the customer who has it")
    JOINS_WITH_NAME = "JOINS_WITH_NAME", _("Joins only when the name agrees too")
    NEVER_JOINS = "NEVER_JOINS", _("Never joins by itself")


class IdentityNamespace(models.Model):
    """How far one kind of key is trusted to say who somebody is."""

    code = models.CharField(_("kind of key"), max_length=16, choices=Namespace, primary_key=True)
    rank = models.PositiveSmallIntegerField(
        _("order"), help_text=_("Of several keys that lead to different customers, the lower number decides.")
    )
    strength = models.CharField(_("strength"), max_length=16, choices=Strength)
    per_customer = models.PositiveSmallIntegerField(
        _("values per customer"),
        validators=[MinValueValidator(1)],
        help_text=_("How many one customer may have. With 1, another value means another person."),
    )
    customers_per_value = models.PositiveSmallIntegerField(
        _("customers per value"),
        validators=[MinValueValidator(1)],
        help_text=_(
            "How many customers may share one value, as a household shares a landline. A value of more"
            " customers than this identifies nobody."
        ),
    )

    class Meta:
        verbose_name = _("kind of key")
        verbose_name_plural = _("kinds of keys")
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.get_code_display()


class BlockedValue(models.Model):
    """A value that people type to leave no field empty: it identifies nobody.

    `value` is in normal form. For e-mail `noemail@` is this mailbox at any domain, `@relay.example` every
    address of a domain.
    """

    namespace = models.CharField(_("kind of key"), max_length=16, choices=Namespace)
    value = models.CharField(_("value"), max_length=254)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("blocked value")
        verbose_name_plural = _("blocked values")
        ordering = ["namespace", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "value"],
                name="a_value_is_blocked_once",
                violation_error_message=_("This value is blocked already."),
            ),
        ]

    def __str__(self) -> str:
        return self.value


class IdentityQuerySet(models.QuerySet["Identity"]):
    def in_mailboxes(self, mailboxes: Collection[str]) -> "IdentityQuerySet":
        """Return the addresses, however they are written, of these mailboxes (`mailbox_of`)."""
        return self.alias(mailbox=Mailbox("value")).filter(
            namespace=Namespace.EMAIL, mailbox__in=list(mailboxes)
        )


class Identity(models.Model):
    """One key under which a person is known, in its normalised form."""

    namespace = models.CharField(_("namespace"), max_length=16, choices=Namespace)
    value = models.CharField(_("value"), max_length=254)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="identities", verbose_name=_("customer")
    )
    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("source")
    )
    shared = models.BooleanField(
        _("shared"), default=False, help_text=_("Known to belong to several people, as a landline does.")
    )
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "value"],
                condition=models.Q(shared=False),
                name="one_customer_per_identity",
                violation_error_message=_("This identity already belongs to another customer."),
            ),
            models.UniqueConstraint(fields=["customer", "namespace", "value"], name="an_identity_once"),
        ]
        indexes = [
            models.Index(fields=["namespace", "value"], name="identity_value"),
            models.Index(Mailbox("value"), condition=models.Q(namespace="email"), name="identity_mailbox"),
        ]

    def __str__(self) -> str:
        return self.value
