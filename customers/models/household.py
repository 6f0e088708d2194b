from django.db import models
from django.utils.translation import gettext_lazy as _


class Household(models.Model):
    """People who live together, as far as we can tell: for caps and analytics, never to identify anybody.

    Its name is that of its members; nothing personal is kept here.
    """

    class Bond(models.TextChoices):
        """What the members share."""

        ADDRESS = "ADDRESS", _("Address and last name")
        PHONE = "PHONE", _("Telephone number")

    bond = models.CharField(_("bond"), max_length=16, choices=Bond)
    formed_at = models.DateTimeField(_("formed at"))

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")

    def __str__(self) -> str:
        return f"#{self.pk}"
