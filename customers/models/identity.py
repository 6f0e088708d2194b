from django.db import models
from django.utils.translation import gettext_lazy as _


class Namespace(models.TextChoices):
    """What kind of key an identity is. A source's own customer ids live in SourceProfile."""

    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    LOYALTY_CARD = "loyalty_card", _("Loyalty card")
    TAX_CODE = "tax_code", _("Tax code")
    DEVICE = "device", _("Device")
    COOKIE = "cookie", _("Cookie")
    EMAIL_SHA256 = "email_sha256", _("E-mail hash")


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
        indexes = [models.Index(fields=["namespace", "value"], name="identity_value")]

    def __str__(self) -> str:
        return self.value
