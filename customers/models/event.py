"""What happened to a person, append-only; and the queue through which other apps hear of it."""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.consent import Purpose
from customers.models.source import Source


class EventQuerySet(models.QuerySet["Event"]):
    def timeline(self) -> "EventQuerySet":
        """Return events newest first, with what a timeline shows of them."""
        return self.select_related(
            "source", "sales_channel", "store", "business_unit", "product", "asset__product"
        ).order_by("-occurred_at", "-id")

    def of_kind(self, kind: str) -> "EventQuerySet":
        """Return events of a type (`order.recorded`) or a family (`order`); all without a kind."""
        if not kind:
            return self
        return self.filter(type=kind) if "." in kind else self.filter(type__startswith=f"{kind}.")

    def for_profiling(self) -> "EventQuerySet":
        """Leave out what sources told that may not be used for profiling."""
        # Known by now: nearly always there is none, and then no statement gets dearer.
        barred = list(Source.objects.without(Purpose.PROFILING).values_list("pk", flat=True))
        return self.exclude(source__in=barred) if barred else self

    def found_by(self, keys: Iterable["EventKey"]) -> "EventQuerySet":
        """Return the events of these keys, looking only into the months in which they happened."""
        keys = list(keys)
        if not keys:
            return self.none()
        instants = [key.occurred_at for key in keys]
        return self.filter(
            pk__in=[key.pk for key in keys], occurred_at__gte=min(instants), occurred_at__lte=max(instants)
        )


class Event(models.Model):
    """One thing that happened. Never changed; a trigger refuses UPDATE and DELETE (see the migration).

    `type` is past tense (`order.recorded`). `amount` is minor units of `currency`. `(source, external_id)` is
    the idempotency key of events told by sources; events of our own use the source `fidelio`.

    The table has a partition per month of `occurred_at`, made by SQL (`customers.services.partitions`): what
    is unique about an event stands in EventKey, and no foreign key of the database can point to an event.
    """

    type = models.CharField(_("type"), max_length=64)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, verbose_name=_("source"), db_index=False
    )
    external_id = models.CharField(_("id in the source"), max_length=200)
    # No key of the database: the whole log would be read whenever a profile goes.
    source_profile = models.ForeignKey(
        "customers.SourceProfile",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("customer"),
        db_index=False,
    )
    sales_channel = models.ForeignKey(
        "customers.SalesChannel", on_delete=models.PROTECT, null=True, blank=True, db_index=False
    )
    store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, null=True, blank=True, db_index=False
    )
    business_unit = models.ForeignKey(
        "customers.BusinessUnit",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("business unit"),
        db_index=False,
    )
    product = models.ForeignKey(
        "customers.Product", on_delete=models.PROTECT, null=True, blank=True, db_index=False
    )
    asset = models.ForeignKey(
        "customers.Asset",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("owned product"),
        db_index=False,
    )
    amount = models.BigIntegerField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    payload = models.JSONField(_("payload"), default=dict)
    content_hash = models.BinaryField(max_length=32, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["customer", "-occurred_at"], name="event_customer"),
            models.Index(fields=["type", "-occurred_at"], name="event_type"),
            models.Index(
                fields=["asset", "-occurred_at"],
                name="event_asset",
                condition=models.Q(asset__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.type


class EventKey(models.Model):
    """What is unique about an event, under the id of the event; a trigger writes it with every event."""

    source = models.ForeignKey(
        "customers.Source",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    external_id = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name = _("key of an event")
        verbose_name_plural = _("keys of events")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_event_per_external_id"),
        ]

    def __str__(self) -> str:
        return self.external_id


class PendingEvent(models.Model):
    """An event that its subscribers have not all handled yet; the row goes when they have."""

    event = models.OneToOneField(  # In the database the key points to EventKey.
        Event, on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    not_before = models.DateTimeField(db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("pending event")
        verbose_name_plural = _("pending events")

    def __str__(self) -> str:
        return str(self.event_id)


class EventConflict(models.Model):
    """A second, different payload under the key of an event (or order) already recorded."""

    source = models.ForeignKey("customers.Source", on_delete=models.PROTECT, verbose_name=_("source"))
    kind = models.CharField(_("kind"), max_length=16)
    external_id = models.CharField(_("id in the source"), max_length=200)
    payload = models.JSONField(_("payload"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)

    class Meta:
        verbose_name = _("conflict")
        verbose_name_plural = _("conflicts")

    def __str__(self) -> str:
        return self.external_id


class QuarantinedEvent(models.Model):
    """An event we could not understand, kept with the reason until somebody corrects, replays or discards it.

    `type` and `external_id` are what it says of itself, if anything.
    """

    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, null=True, verbose_name=_("source")
    )
    type = models.CharField(_("type"), max_length=64, blank=True)
    external_id = models.CharField(_("id in the source"), max_length=200, blank=True)
    payload = models.JSONField(_("payload"))
    reason = models.CharField(_("reason"), max_length=300, db_index=True)
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(_("replayed"), default=0)

    class Meta:
        verbose_name = _("quarantined event")
        verbose_name_plural = _("quarantine")

    def __str__(self) -> str:
        return self.reason
