"""What recipients did with their messages, before and after it is known whether it was a person."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.tracking import Scanner


class EngagementQuerySet(models.QuerySet["Engagement"]):
    def unsettled(self) -> "EngagementQuerySet":
        return self.filter(settled=False)

    def by_people(self) -> "EngagementQuerySet":
        """Return what was judged to be a person's doing."""
        return self.filter(settled=True, scanner="")


class Engagement(models.Model):
    """A link that was followed, or a mail that was opened, once.

    It is settled some seconds later: by then it shows whether a scanner did it, and what (`scanner`). Nothing
    counts before. Of who followed it, only the message is known: no address, no name of a browser.
    """

    class Kind(models.TextChoices):
        OPENED = "OPENED", _("Opened")
        CLICKED = "CLICKED", _("Clicked")

    message = models.ForeignKey(
        "campaigns.Message",
        on_delete=models.PROTECT,
        related_name="engagements",
        verbose_name=_("message"),
        db_index=False,
    )
    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    link = models.PositiveSmallIntegerField(_("link"), null=True)
    at = models.DateTimeField(_("at"))
    scanner = models.CharField(_("scanner"), max_length=8, choices=Scanner, blank=True)
    settled = models.BooleanField(_("settled"), default=False)

    objects = EngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("opened or clicked")
        verbose_name_plural = _("opened and clicked")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="CLICKED", link__isnull=False)
                | models.Q(kind="OPENED", link__isnull=True),
                name="a_click_has_its_link",
            ),
        ]
        indexes = [
            models.Index(fields=["message", "at"], name="engagement_of_message"),
            models.Index(fields=["at"], condition=models.Q(settled=False), name="engagement_unsettled"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.at:%Y-%m-%d %H:%M}"
