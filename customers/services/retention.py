"""Nobody is profiled or written to for ever: without activity for long enough, both end by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from customers.models import Channel, Consent, Customer, Purpose
from customers.models.consent import ConsentState
from customers.services.consents import StatedConsent, record_consents
from customers.services.processing import NOWHERE, contact_points

BATCH = 200
# What a person does; what we do to them (messages, segments, scores) is no activity of theirs.
IDLE = """
SELECT customer.id FROM customers_customer AS customer
WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND customer.id > %(after)s
  AND customer.created_at < %(since)s AND {holds}
  AND NOT EXISTS (
      SELECT FROM customers_order AS purchase
      WHERE purchase.customer_id = customer.id AND purchase.ordered_at >= %(since)s
  )
  AND NOT EXISTS (
      SELECT FROM customers_event AS event JOIN customers_source AS source ON source.id = event.source_id
      WHERE event.customer_id = customer.id AND event.occurred_at >= %(since)s
        AND (source.code <> 'fidelio'
             OR split_part(event.type, '.', 1) IN ('order', 'referral')
             OR event.type IN ('coupon.redeemed', 'reward.redeemed', 'message.clicked'))
  )
  AND NOT EXISTS (
      SELECT FROM customers_consentrecord AS record
      WHERE record.customer_id = customer.id AND record.occurred_at >= %(since)s AND record.state = 'GRANTED'
  )
ORDER BY customer.id
LIMIT %(limit)s
"""
PROFILED = "customer.profiling = 'ALLOWED'"
WRITTEN_TO = """EXISTS (
    SELECT FROM customers_consent AS consent
    WHERE consent.customer_id = customer.id AND consent.purpose = 'MARKETING' AND consent.state = 'GRANTED'
)"""


@dataclass(frozen=True)
class Retention:
    """For how many customers a retention ended what it is about."""

    profiling: int
    marketing: int


def apply_retention(
    *, at: datetime, profiling_months: int | None = None, marketing_months: int | None = None
) -> Retention:
    """End profiling and marketing of whom nothing was heard for so many months; None for never.

    Counted from the person's last activity: an order, an event that a source told, a consent given. Ending
    enters EXPIRED into the ledger; a new consent begins anew. The months are those of the programme's zone.
    """
    return Retention(
        profiling=_end(Purpose.PROFILING, PROFILED, profiling_months, at=at),
        marketing=_end(Purpose.MARKETING, WRITTEN_TO, marketing_months, at=at),
    )


def apply_programme_retention(*, at: datetime) -> Retention:
    """Apply what the programme has set (settings.RETENTION_PROFILING_MONTHS, RETENTION_MARKETING_MONTHS)."""
    return apply_retention(
        at=at,
        profiling_months=settings.RETENTION_PROFILING_MONTHS,
        marketing_months=settings.RETENTION_MARKETING_MONTHS,
    )


def _end(purpose: str, holds: str, months: int | None, *, at: datetime) -> int:
    if not months:
        return 0
    ended = 0
    for ids in _idle(holds, _months_before(at, months)):
        with transaction.atomic():
            customers = Customer.objects.filter(pk__in=ids).order_by("pk")
            statements = [each for customer in customers for each in _expired(customer, purpose)]
            record_consents(statements, at=at)
        ended += len(ids)
    return ended


def _months_before(at: datetime, months: int) -> datetime:
    """Return the instant so many months earlier on the clocks of the programme's zone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (%(at)s::timestamptz AT TIME ZONE %(zone)s - make_interval(months => %(months)s)) "
            "AT TIME ZONE %(zone)s",
            {"at": at, "zone": settings.PROGRAMME_TIME_ZONE, "months": months},
        )
        return cursor.fetchone()[0]


def _idle(holds: str, since: datetime) -> Iterator[list[int]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(IDLE.format(holds=holds), {"since": since, "after": after, "limit": BATCH})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return
        after = ids[-1]
        yield ids


def _expired(customer: Customer, purpose: str) -> list[StatedConsent]:
    if purpose == Purpose.MARKETING:
        granted = Consent.objects.filter(customer=customer, purpose=purpose, state=ConsentState.GRANTED)
        points = set(granted.values_list("channel", "address"))
    else:
        points = contact_points(customer) or NOWHERE
    return [
        StatedConsent(
            customer=customer,
            channel=Channel(channel),
            purpose=purpose,
            state=ConsentState.EXPIRED,
            address=address,
            text_version="retention",
            lawful_basis="retention",
        )
        for channel, address in sorted(points)
    ]
