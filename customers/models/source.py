from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """A system that tells us about people: a till, a web shop, a help desk, a partner."""

    class Kind(models.TextChoices):
        FIRST_PARTY = "FIRST_PARTY", _("First party")
        PARTNER = "PARTNER", _("Partner")
        COOP = "COOP", _("Co-op")
        THIRD_PARTY = "THIRD_PARTY", _("Third party")
        IOT = "IOT", _("Connected product")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.FIRST_PARTY)
    trust = models.PositiveSmallIntegerField(_("trust"), default=50, help_text=_("0 to 100; higher wins."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class SourceProfileQuerySet(models.QuerySet["SourceProfile"]):
    def by_key(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], "SourceProfile"]:
        """Return the profiles under these (source code, id in the source)."""
        keys = set(keys)
        if not keys:
            return {}
        profiles = self.filter(
            source__code__in={code for code, _ in keys}, external_id__in={name for _, name in keys}
        ).select_related("source", "customer__merged_into")
        found = {(profile.source.code, profile.external_id): profile for profile in profiles}
        return {key: profile for key, profile in found.items() if key in keys}


class SourceProfile(models.Model):
    """One person as one source knows them: the owner of the facts, never rewritten by a merge."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, verbose_name=_("source"))
    external_id = models.CharField(_("id in the source"), max_length=128)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="profiles", verbose_name=_("customer")
    )
    data = models.JSONField(_("data"), default=dict, help_text=_("The fields as the source last sent them."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    observed_at = models.DateTimeField(_("observed at"))

    objects = SourceProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("source profile")
        verbose_name_plural = _("source profiles")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_profile_per_source_id"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} · {self.source}"
