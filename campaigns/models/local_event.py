"""What the merchant does where: an opening, a tasting, a sale in a few towns. Calendar campaigns name it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField


class LocalEventQuerySet(models.QuerySet["LocalEvent"]):
    def active(self) -> "LocalEventQuerySet":
        return self.filter(active=True)


class LocalEvent(models.Model):
    """A day of the merchant's own, and where it is: at stores, or in a city, region or country.

    With `radius_km` people that far around the stores or the city are meant; without it those of the same
    city, region or country.
    """

    name = models.CharField(_("name"), max_length=120)
    on = models.DateField(_("day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: one day."))
    description = models.TextField(_("description"), blank=True, help_text=_("What mails may say of it."))
    url = models.URLField(_("page"), blank=True)
    stores = models.ManyToManyField("customers.Store", blank=True, related_name="+", verbose_name=_("stores"))
    country = CountryField(_("country"), blank=True)
    region = models.CharField(_("region"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    radius_km = models.PositiveSmallIntegerField(
        _("radius, km"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("People so far around are invited. Empty: those of the same city, region or country."),
    )
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = LocalEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("local event")
        verbose_name_plural = _("local events")
        ordering = ["-on", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=models.F("on")),
                name="a_local_event_ends_after_it_begins",
                violation_error_message=_("The last day is not before the first."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
