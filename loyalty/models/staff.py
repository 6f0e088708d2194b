"""The merchant's people in the stores, to whom enrolments and referrals are attributed."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Employee(models.Model):
    """Somebody who works in a store. Most have no access to the console; `user` is theirs if they do."""

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="employees",
        verbose_name=_("store"),
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="employee",
        verbose_name=_("console user"),
    )
    active = models.BooleanField(_("works here"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ["name", "code"]

    def __str__(self) -> str:
        return self.name
