"""The media library: pictures for mails, pages and placements."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PictureQuerySet(models.QuerySet["Picture"]):
    def offered(self) -> "PictureQuerySet":
        """Return pictures that new content may use."""
        return self.filter(put_aside_at__isnull=True)


class Picture(models.Model):
    """A picture that anybody who knows its address may see; `digest` is the SHA-256 of its bytes.

    Mails that left keep showing it, so that a picture is put aside, never deleted.
    """

    class Format(models.TextChoices):
        PNG = "PNG", "PNG"
        JPEG = "JPEG", "JPEG"
        GIF = "GIF", "GIF"

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    alternative = models.CharField(
        _("alternative text"),
        max_length=300,
        help_text=_("What somebody reads who does not see the picture."),
    )
    file = models.CharField(max_length=200, editable=False)
    format = models.CharField(_("format"), max_length=4, choices=Format, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    size_bytes = models.PositiveIntegerField(_("size"), editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(_("uploaded at"), editable=False)
    put_aside_at = models.DateTimeField(_("put aside at"), null=True, blank=True, editable=False)

    objects = PictureQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(alternative=""),
                name="a_picture_has_an_alternative_text",
                violation_error_message=_("Say what the picture shows."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """Return the address of the picture within the site; it never changes."""
        return reverse("picture", args=[self.digest, self.format.lower()])

    @property
    def url(self) -> str:
        """Return the address as a mail needs it."""
        return f"{settings.PUBLIC_URL}{self.path}"
