"""People who agreed to mails, written in SQL: as many as a benchmark wants, in seconds."""

from datetime import timedelta
from typing import Any


def fill(people: int) -> Any:
    """Write so many subscribers, in SQL, and a segment of all of them."""
    from django.db import connection
    from django.utils import timezone

    from customers.models import Consent, ConsentRecord, Customer, Identity, Segment, SegmentMembership

    sample = Customer.objects.create(first_name="Persona", last_name="Rossi", city="Parma", language="it")
    email = "person0@mail.example"
    identity = Identity.objects.create(customer=sample, namespace="email", value=email)
    given = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "address": email}
    at = timezone.now() - timedelta(days=30)
    record = ConsentRecord.objects.create(customer=sample, proof={"form": "paper"}, occurred_at=at, **given)
    consent = Consent.objects.create(customer=sample, record=record, changed_at=at, **given)
    segment = Segment.objects.create(code="everybody", name="Everybody", kind=Segment.Kind.MANUAL)
    numbers = f"generate_series(1, {people - 1}) AS n"
    address = "'person' || n || '@mail.example'"
    with connection.cursor() as cursor:
        _copy(cursor, sample, numbers, {"public_id": "gen_random_uuid()", "first_name": "'Persona' || n"})
        cursor.execute("SELECT min(id) FROM customers_customer WHERE id > %s", [sample.pk])
        first = cursor.fetchone()[0] - 1
        owner = {"customer_id": f"{first} + n"}
        _copy(cursor, identity, numbers, owner | {"value": address})
        _copy(cursor, record, numbers, owner | {"address": address})
        cursor.execute("SELECT min(id) FROM customers_consentrecord WHERE id > %s", [record.pk])
        records = cursor.fetchone()[0] - 1
        _copy(cursor, consent, numbers, owner | {"address": address, "record_id": f"{records} + n"})
        member = SegmentMembership.objects.create(segment=segment, customer=sample, entered_at=at)
        _copy(cursor, member, numbers, owner)
        cursor.execute("ANALYZE")
    return segment


def _copy(cursor: Any, row: Any, numbers: str, changed: dict[str, str]) -> None:
    """Write the row again for each number, some of its columns another."""
    fields = [f.column for f in row._meta.concrete_fields if not (f.primary_key or f.generated)]
    columns = ", ".join(f'"{name}"' for name in fields)
    values = ", ".join(changed.get(name, f'sample."{name}"') for name in fields)
    table = row._meta.db_table
    cursor.execute(
        f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM "{table}" AS sample, {numbers} '
        "WHERE sample.id = %s ORDER BY n",
        [row.pk],
    )
