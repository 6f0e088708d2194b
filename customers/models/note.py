"""What members of staff write down about a customer for each other."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_NOTE = 4000


class NoteTopic(models.Model):
    """What customers talk about: prices, a product, the service. Notes on it are counted."""

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=80)
    active = models.BooleanField(_("offered for new notes"), default=True)

    class Meta:
        verbose_name = _("topic of notes")
        verbose_name_plural = _("topics of notes")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomerNote(models.Model):
    """A note about a customer; only who wrote it changes it. Pinned ones stand first."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="notes", verbose_name=_("customer")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"), max_length=LONGEST_NOTE)
    topic = models.ForeignKey(
        NoteTopic,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="notes",
        verbose_name=_("topic"),
        db_index=False,
    )
    pinned = models.BooleanField(_("pinned"), default=False)
    written_at = models.DateTimeField(_("written at"))
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True)

    class Meta:
        verbose_name = _("note about a customer")
        verbose_name_plural = _("notes about customers")
        ordering = ["-pinned", "-written_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="a_note_says_something"),
        ]
        indexes = [
            models.Index(
                fields=["topic", "written_at"], condition=models.Q(topic__isnull=False), name="note_topic"
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]
