from django.db import models
from django.utils.translation import gettext_lazy as _


class Trait(models.Model):
    """A value about one person that an app computed or a person declared; readable in rules and templates."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="traits",
        verbose_name=_("customer"),
        db_index=False,
    )
    code = models.CharField(_("code"), max_length=64)
    value = models.JSONField(_("value"))
    computed_at = models.DateTimeField(_("computed at"))
    model_version = models.CharField(_("model version"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("trait")
        verbose_name_plural = _("traits")
        constraints = [models.UniqueConstraint(fields=["customer", "code"], name="one_value_per_trait")]
        indexes = [models.Index(fields=["code"], name="trait_code")]

    def __str__(self) -> str:
        return f"{self.code}: {self.value}"
