from django.db import models
from django.utils.translation import gettext_lazy as _


class CampaignLink(models.Model):
    """An address in the content of a version; its links lead here by number, and from here nowhere else.

    `address` may hold Liquid in its path or query, never in its host. Written with the version, never changed
    (see the migration).
    """

    version = models.ForeignKey(
        "campaigns.CampaignVersion", on_delete=models.PROTECT, related_name="links", db_index=False
    )
    number = models.PositiveSmallIntegerField(_("number"))
    address = models.TextField(_("address"))

    class Meta:
        verbose_name = _("link of a campaign")
        verbose_name_plural = _("links of campaigns")
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="one_link_per_number"),
        ]

    def __str__(self) -> str:
        return self.address
