import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat, Lower
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from customers.models.consent import Consent
from customers.models.identity import Identity
from customers.models.rollup import Rollup


class SearchText(models.Func):
    """Lower-cased text without accents; an immutable function made by the first migration."""

    function = "fidelio_search_text"
    output_field = models.TextField()


# Whoever was merged into a customer, directly or through others, in the order of their records.
MERGED_IDS = """ARRAY(
    WITH RECURSIVE gone AS (
        SELECT one.id, one.public_id FROM customers_customer AS one
        WHERE one.merged_into_id = customers_customer.id
        UNION ALL
        SELECT other.id, other.public_id FROM customers_customer AS other
        JOIN gone ON other.merged_into_id = gone.id
    ) SELECT public_id::text FROM gone ORDER BY id
)"""


class CustomerQuerySet(models.QuerySet["Customer"]):
    def live(self) -> "CustomerQuerySet":
        """Return who counts in rules, segments and reports: customers and prospects, unless restricted."""
        return self.present().filter(restricted_at__isnull=True)

    def present(self) -> "CustomerQuerySet":
        """Return the customers and prospects that staff and clients find, restricted ones too."""
        return self.filter(status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT])

    def reachable(self, channel: str, purpose: str = "MARKETING") -> "CustomerQuerySet":
        """Return who may be written to, with the contact point as `address`.

        Live, consent granted, contact point present and not suppressed; of several the one granted last.
        """
        grants = (
            Consent.objects.granted(channel, purpose)
            .unsuppressed()
            .filter(customer=models.OuterRef("pk"))
            .exclude(address="")
        )
        latest = grants.order_by("-changed_at", "-pk").values("address")[:1]
        return self.live().filter(models.Exists(grants)).annotate(address=models.Subquery(latest))

    def with_summary(self) -> "CustomerQuerySet":
        """Return customers with their keys, consents and totals (`customer.lifetime`, one rollup or none)."""
        lifetime = models.Prefetch(
            "rollups", Rollup.objects.filter(scope="ALL", scope_value=""), to_attr="lifetime"
        )
        return self.prefetch_related(
            models.Prefetch("identities", Identity.objects.order_by("pk")),
            models.Prefetch("consents", Consent.objects.order_by("pk")),
            lifetime,
        ).annotate(merged_ids=RawSQL(MERGED_IDS, [], output_field=ArrayField(models.CharField())))

    def with_totals(self) -> "CustomerQuerySet":
        """Annotate `orders_count`, `net_amount`, `last_order_at` of what counts; null without any."""
        return self.annotate(
            total=models.FilteredRelation(
                "rollups", condition=models.Q(rollups__scope="ALL", rollups__scope_value="")
            ),
            orders_count=models.F("total__orders"),
            net_amount=models.F("total__net_amount"),
            last_order_at=models.F("total__last_order_at"),
        )

    def search(self, text: str) -> "CustomerQuerySet":
        """Return customers whose name holds `text`, whatever its case and accents."""
        return self.filter(search_name__contains=SearchText(models.Value(text.strip())))


class Customer(models.Model):
    """One person (or company) across every touchpoint: the golden record."""

    class Status(models.TextChoices):
        ANONYMOUS = "ANONYMOUS", _("Anonymous")
        PROSPECT = "PROSPECT", _("Prospect")
        ACTIVE = "ACTIVE", _("Active")
        MERGED = "MERGED", _("Merged")
        ERASED = "ERASED", _("Erased")

    class Kind(models.TextChoices):
        PERSON = "PERSON", _("Person")
        COMPANY = "COMPANY", _("Company")

    class Profiling(models.TextChoices):
        """Whether values may be computed about the person: scores, predictions, interests."""

        ALLOWED = "ALLOWED", _("Allowed")
        LAPSED = "LAPSED", _("Ended after a long time without activity")
        OBJECTED = "OBJECTED", _("No consent to profiling")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.ACTIVE)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_from", editable=False
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.PERSON)
    first_name = models.CharField(_("first name"), max_length=120, blank=True)
    last_name = models.CharField(_("last name"), max_length=120, blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    country = CountryField(_("country"), blank=True)
    region = models.CharField(_("region"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    postcode = models.CharField(_("postcode"), max_length=16, blank=True)
    street = models.CharField(_("street"), max_length=200, blank=True)
    household = models.ForeignKey(
        "customers.Household",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="members",
        verbose_name=_("household"),
    )
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    restricted_at = models.DateTimeField(
        _("restricted since"), null=True, blank=True, editable=False, help_text=_("Kept, and nothing else.")
    )
    profiling = models.CharField(
        _("profiling"), max_length=16, choices=Profiling, default=Profiling.ALLOWED, editable=False,
        db_default=Profiling.ALLOWED,
    )  # fmt: skip
    search_name = models.GeneratedField(
        expression=SearchText(Concat("first_name", models.Value(" "), "last_name")),
        output_field=models.TextField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            GinIndex(OpClass("search_name", name="gin_trgm_ops"), name="customer_search_name"),
            models.Index(fields=["city"], name="customer_city"),
            models.Index(
                fields=["id"],
                condition=models.Q(restricted_at__isnull=False)
                | ~models.Q(profiling="ALLOWED")
                | models.Q(status="ERASED"),
                name="customer_not_profiled",
            ),
            models.Index(Lower("last_name"), Lower("first_name"), name="customer_name"),
            # Which time zones there are, without reading everybody.
            models.Index(fields=["time_zone"], condition=~models.Q(time_zone=""), name="customer_time_zone"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="MERGED", merged_into__isnull=False)
                | (~models.Q(status="MERGED") & models.Q(merged_into__isnull=True)),
                name="only_a_merged_customer_has_a_survivor",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or str(_("Customer %(id)s") % {"id": str(self.public_id)[:8]})

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def written_language(self) -> str:
        """Return the language to write to this person in: theirs, where we have it, else the country's."""
        known = [code for code, _name in settings.LANGUAGES]
        language = self.language.partition("-")[0].lower()
        home = settings.PROGRAMME_COUNTRY.lower()
        return language if language in known else home if home in known else settings.LANGUAGE_CODE

    @property
    def zone(self) -> str:
        """Return the time zone in which this person's days begin."""
        return self.time_zone or settings.PROGRAMME_TIME_ZONE
