from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.consent import Purpose


def every_purpose() -> list[str]:
    return list(Purpose.values)


class SourceQuerySet(models.QuerySet["Source"]):
    def without(self, purpose: str) -> "SourceQuerySet":
        """Return the sources whose words may not be used for this purpose."""
        return self.exclude(purposes__contains=[purpose])


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

    # What these tell of people never lets us write to them.
    STRANGERS = (Kind.COOP, Kind.THIRD_PARTY)

    class Basis(models.TextChoices):
        """Why we may keep what this source tells (GDPR, article 6)."""

        CONSENT = "CONSENT", _("Consent")
        CONTRACT = "CONTRACT", _("Contract")
        LEGAL_OBLIGATION = "LEGAL_OBLIGATION", _("Legal obligation")
        LEGITIMATE_INTEREST = "LEGITIMATE_INTEREST", _("Legitimate interest")

    trust = models.PositiveSmallIntegerField(
        _("trust"),
        default=50,
        validators=[MaxValueValidator(100)],
        help_text=_("0 to 100. Where sources contradict each other, the more trusted one is believed."),
    )
    lawful_basis = models.CharField(
        _("lawful basis"),
        max_length=24,
        choices=Basis,
        default=Basis.CONTRACT,
        help_text=_("Why what this source tells may be kept at all."),
    )
    purposes = ArrayField(
        models.CharField(max_length=16, choices=Purpose),
        verbose_name=_("allowed purposes"),
        default=every_purpose,
        blank=True,
        help_text=_("What this source tells may be used for."),
    )
    retention_days = models.PositiveIntegerField(
        _("kept for, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("How long after it was last heard of; empty: as long as the customer is kept."),
    )
    left_at = models.DateTimeField(
        _("left at"), null=True, blank=True, editable=False, help_text=_("Nothing of it is taken any more.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(trust__lte=100),
                name="trust_is_at_most_100",
                violation_error_message=_("Trust lies between 0 and 100."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def may_allow(self, purpose: str) -> bool:
        """Return whether this source can tell that somebody agreed to this; any can tell of a refusal."""
        return self.kind not in self.STRANGERS and purpose in self.purposes


class SourceProfileQuerySet(models.QuerySet["SourceProfile"]):
    def ids_by_key(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the ids of profile and customer under these (source code, id in the source)."""
        keys = set(keys)
        if not keys:
            return {}
        profiles = self.filter(
            source__code__in={code for code, _ in keys}, external_id__any_of={name for _, name in keys}
        ).values_list("source__code", "external_id", "pk", "customer_id")
        return {(code, name): (pk, customer) for code, name, pk, customer in profiles if (code, name) in keys}


class SourceProfile(models.Model):
    """One person as one source knows them: the owner of the facts, never rewritten by a merge."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, verbose_name=_("source"))
    external_id = models.CharField(_("id in the source"), max_length=128)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="profiles", verbose_name=_("customer")
    )
    data = models.JSONField(_("data"), default=dict, help_text=_("The fields as the source last sent them."))
    # When a field was last told, where that was before observed_at.
    observed = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), editable=False)
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
