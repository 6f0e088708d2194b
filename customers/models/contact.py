"""The people through whom a company is spoken to."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CompanyContact(models.Model):
    """A person whom a company names, and what they are there; a person may speak for several companies."""

    company = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="contacts", verbose_name=_("company")
    )
    person = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="companies", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=120, blank=True)
    named_at = models.DateTimeField(_("named at"))

    class Meta:
        verbose_name = _("contact of a company")
        verbose_name_plural = _("contacts of companies")
        ordering = ["named_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["company", "person"], name="a_person_is_a_contact_of_a_company_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(company=models.F("person")), name="nobody_is_their_own_contact"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.company}"
