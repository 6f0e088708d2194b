"""Prospects on their way to becoming customers: how they came, how far they are, and when they arrived."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from customers.errors import LeadNotMovable, NotAProspect
from customers.models import Customer, Event, Lead, LeadStage, Source
from customers.models.lead import MOVES
from customers.services.events import new_event, own_source, record_events
from customers.services.locks import lock_live_customers
from customers.services.references import Key, create_leads, ensure_customers

LOOKED_BACK = timedelta(days=7)
# Who did something of their own accord is engaged; what we sent them does not count.
ENGAGING = """
UPDATE customers_lead lead SET stage = 'ENGAGED', moved_at = %(at)s, reason = ''
FROM customers_customer customer
WHERE lead.stage = 'NEW' AND customer.id = lead.customer_id AND customer.status = 'PROSPECT'
  AND EXISTS (
      SELECT FROM customers_event event
      WHERE event.customer_id = lead.customer_id
        AND event.occurred_at > %(since)s AND event.occurred_at <= %(at)s
        AND (event.source_id <> %(own)s OR event.type IN ('message.opened', 'message.clicked')))
RETURNING lead.customer_id
"""


def name_lead_sources(sources: Mapping[int, Source]) -> None:
    """Note for leads without one which source brought them; keys are ids of customers."""
    for source in sorted(set(sources.values()), key=lambda one: one.pk):
        ids = [pk for pk, brought in sources.items() if brought == source]
        Lead.objects.filter(customer__in=ids, source__isnull=True).update(source=source)


def register_prospect(
    key: Key,
    *,
    source: Source,
    origin: str = "",
    stage: str | None = None,
    first_name: str = "",
    last_name: str = "",
    at: datetime,
) -> tuple[Lead, bool]:
    """Take somebody known by one key as a prospect; return their lead and whether they were unknown.

    Known already, a prospect keeps what is known of them; an origin and names fill what is empty, `stage`
    moves them. Told as `lead.created`.

    Raises NotAProspect (a customer, or nobody alone has this key), LeadNotMovable.
    """
    with transaction.atomic():
        ensured = ensure_customers([key], status=Customer.Status.PROSPECT, at=at)
        if key not in ensured.customers:
            raise NotAProspect
        customer = lock_live_customers([ensured.customers[key].pk])[ensured.customers[key].pk]
        if customer.status == Customer.Status.ANONYMOUS:
            customer.status = Customer.Status.PROSPECT
        if customer.status != Customer.Status.PROSPECT:
            raise NotAProspect
        customer.first_name = customer.first_name or first_name
        customer.last_name = customer.last_name or last_name
        customer.save(update_fields=["status", "first_name", "last_name", "updated_at"])
        create_leads([customer], at=at)
        lead = Lead.objects.select_for_update().get(customer=customer)
        lead.origin, lead.source = lead.origin or origin, lead.source or source
        lead.save(update_fields=["origin", "source"])
        record_events([_told("lead.created", lead, at=lead.became_at, key="created")])
        if stage and stage != lead.stage:
            lead = move_lead(lead, stage, at=at)
    return lead, key in ensured.created


def move_lead(lead: Lead, stage: str, *, reason: str = "", at: datetime) -> Lead:
    """Put a prospect into another stage by hand. Told as `lead.moved`; to the same stage it does nothing.

    Raises LeadNotMovable: only an order or a registration makes a customer, and a customer stays one. So it
    does when the prospect was merged or erased meanwhile.
    """
    with transaction.atomic():
        lock_live_customers([lead.customer_id])
        row = (
            Lead.objects.select_for_update(of=("self",)).select_related("customer").filter(pk=lead.pk).first()
        )
        if row is None:
            raise LeadNotMovable
        if row.stage == stage:
            return row
        if stage not in MOVES[row.stage] or row.customer.status != Customer.Status.PROSPECT:
            raise LeadNotMovable
        before, row.stage, row.reason, row.moved_at = row.stage, stage, reason.strip()[:300], at
        row.save(update_fields=["stage", "reason", "moved_at"])
        _tell_moves([row], before=before, at=at)
    return row


def convert_leads(customer_ids: Iterable[int], *, at: datetime) -> int:
    """Note of whoever just became a customer when; told as `lead.converted`. Returns how many they were."""
    with transaction.atomic():
        leads = list(
            Lead.objects.filter(customer__in=list(customer_ids))
            .exclude(stage=LeadStage.CONVERTED)
            .order_by("pk")
            .select_for_update()
        )
        Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(
            stage=LeadStage.CONVERTED, moved_at=at, converted_at=at, reason=""
        )
        record_events([_told("lead.converted", lead, at=at, key="converted") for lead in leads])
    return len(leads)


def settle_leads(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Who is a customer after a merge or an unmerge is no prospect any more, and the other way round.

    It is told to nobody.
    """
    leads = Lead.objects.filter(customer__in=list(customer_ids), customer__status=Customer.Status.ACTIVE)
    leads = leads.exclude(stage=LeadStage.CONVERTED).order_by("pk").select_for_update(of=("self",))
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(
        stage=LeadStage.CONVERTED, moved_at=at, converted_at=at, reason=""
    )
    parted = Lead.objects.filter(customer__in=list(customer_ids), customer__status=Customer.Status.PROSPECT)
    again = parted.filter(stage=LeadStage.CONVERTED).order_by("pk").select_for_update(of=("self",))
    Lead.objects.filter(pk__in=[lead.pk for lead in again]).update(
        stage=LeadStage.ENGAGED, moved_at=at, converted_at=None
    )


def engage_leads(*, at: datetime) -> int:
    """Move new prospects who did something in the last week to ENGAGED; return how many they were."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ENGAGING, {"at": at, "since": at - LOOKED_BACK, "own": own_source().pk})
            ids = [pk for (pk,) in cursor.fetchall()]
        _tell_moves(Lead.objects.filter(customer__in=ids).order_by("pk"), before=LeadStage.NEW, at=at)
    return len(ids)


def _tell_moves(leads: Iterable[Lead], *, before: str, at: datetime) -> None:
    record_events(
        [
            _told(
                "lead.moved",
                lead,
                at=at,
                key=f"{lead.stage}:{at.isoformat()}",
                more={"from": before, "to": lead.stage, "reason": lead.reason},
            )
            for lead in leads
        ]
    )


def _told(type: str, lead: Lead, *, at: datetime, key: str, more: dict[str, Any] | None = None) -> Event:
    return new_event(
        type,
        external_id=f"lead:{lead.pk}:{key}",
        customer_id=lead.customer_id,
        occurred_at=at,
        payload={"lead_source": lead.origin} | (more or {}),
    )
