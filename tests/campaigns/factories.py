"""Audiences, offers and campaigns, as the services would leave them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from campaigns.models import Campaign
from campaigns.services import create_campaign, start_campaign, tend_runs
from coupons.models import Promotion
from coupons.services import create_promotion
from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Identity,
    Namespace,
    Segment,
    SegmentMembership,
)
from tests.factories import ConsentFactory, CustomerFactory

LONG_AGO = datetime(2026, 1, 10, 9, tzinfo=UTC)
SUBJECT = "Ciao {{ customer.first_name }}"
BODY = "<p>Ciao {{ customer.first_name }}, il tuo codice è {{ coupon.code }}.</p>"
NEWS = "<p>Ciao {{ customer.first_name }}, una novità.</p>"


def segment_of(customers: Sequence[Customer], *, code: str = "everybody") -> Segment:
    """A segment by hand, with these members."""
    segment = Segment.objects.create(code=code, name=code.title(), kind=Segment.Kind.MANUAL)
    SegmentMembership.objects.bulk_create(
        SegmentMembership(segment=segment, customer=customer, entered_at=LONG_AGO) for customer in customers
    )
    return segment


def subscriber(email: str, **fields: Any) -> Customer:
    """One customer who allows marketing by e-mail."""
    customer = CustomerFactory(email=email, **fields)
    ConsentFactory(customer=customer)
    return customer


def subscribers(count: int) -> list[Customer]:
    """Many of them at once: person0@mail.example, person1@mail.example ..."""
    customers = Customer.objects.bulk_create(
        Customer(first_name=f"Persona{n}", last_name="Rossi", language="it") for n in range(count)
    )
    addresses = [f"person{n}@mail.example" for n in range(count)]
    pairs = list(zip(customers, addresses, strict=True))
    Identity.objects.bulk_create(
        Identity(customer=customer, namespace=Namespace.EMAIL, value=address) for customer, address in pairs
    )
    common = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED"}
    records = ConsentRecord.objects.bulk_create(
        ConsentRecord(
            customer=customer, address=address, proof={"form": "paper"}, occurred_at=LONG_AGO, **common
        )
        for customer, address in pairs
    )
    Consent.objects.bulk_create(
        Consent(
            customer=record.customer, address=record.address, record=record, changed_at=LONG_AGO, **common
        )
        for record in records
    )
    return customers


def offer(at: datetime, **fields: Any) -> Promotion:
    """An active promotion of ten percent, with a code of their own for everybody."""
    values = {"code": "ten", "name": "Ten percent", "effect": {"kind": "PERCENT", "percent": "10"}}
    return create_promotion(**(values | fields), activate=True, at=at)


def draft(segment: Segment, at: datetime, **fields: Any) -> Campaign:
    """A campaign not started yet; with a promotion its mail shows the code."""
    body = BODY if fields.get("promotion") else NEWS
    values = {"name": "Autumn", "subject": SUBJECT, "body": body}
    return create_campaign(fields.pop("code", "autumn"), segment=segment, at=at, **(values | fields))


def running(segment: Segment, at: datetime, **fields: Any) -> Campaign:
    """A campaign whose audience was taken: its messages wait to be sent."""
    campaign = start_campaign(draft(segment, at, **fields), at=at)
    tend_runs(at=at)
    campaign.refresh_from_db()
    return campaign
