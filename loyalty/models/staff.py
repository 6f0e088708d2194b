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


class Enrolment(models.Model):
    """That somebody became a member in a store, or through an employee. The same `source_key` counts once."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="enrolments", verbose_name=_("customer")
    )
    employee = models.ForeignKey(
        Employee,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="enrolments",
        verbose_name=_("employee"),
        db_index=False,
    )
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
        db_index=False,
    )
    source_key = models.CharField(_("cause"), max_length=120, unique=True)
    enrolled_at = models.DateTimeField(_("enrolled at"))

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ["-enrolled_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(employee__isnull=False) | models.Q(store__isnull=False),
                name="an_enrolment_is_somebodys",
                violation_error_message=_("Say which employee or which store."),
            ),
        ]
        indexes = [
            models.Index(fields=["enrolled_at"], name="enrolment_when"),
            models.Index(fields=["employee", "enrolled_at"], name="enrolment_employee"),
            models.Index(fields=["store", "enrolled_at"], name="enrolment_store"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} · {self.enrolled_at:%Y-%m-%d}"
