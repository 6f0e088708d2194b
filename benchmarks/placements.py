"""What a slot shows to one person, 95th percentile, against the bare rows that decide it.

Six placements compete for the slot; the one shown has an audience, needs consent and gives a code of the
person's own. Asked for in this process through the API: all of Django, no network. The first look makes the
code, the later ones find it; the floor reads customer, consent, membership and code.
"""

import json

from benchmarks.measurement import Measurement, slowest_seconds
from benchmarks.population import buyers, population

CASES = 100
SLOT, LIMIT = "bench", 0.05
BODY = """<div style="padding:16px"><h2>{{ coupon.value }}</h2>
<p>{{ customer.first_name }}: {{ coupon.code }}</p>
{% if coupon.valid_until != "" %}<p>{{ coupon.valid_until }}</p>{% endif %}
<a href="https://shop.example/">x</a></div>"""
ROWS = [
    "SELECT * FROM customers_customer WHERE id = %s",
    "SELECT * FROM customers_consent WHERE customer_id = %s AND purpose = 'MARKETING'",
    "SELECT * FROM customers_segmentmembership WHERE customer_id = %s AND left_at IS NULL",
    "SELECT * FROM coupons_publication AS own JOIN coupons_coupon AS coupon ON coupon.id = own.coupon_id"
    " WHERE own.customer_id = %s",
]


def measure() -> list[Measurement]:
    """Return a first look, a look again and an empty one beside their floor."""
    from django.db import connection
    from django.test import Client

    people = buyers(CASES)
    key, silent = _set_up(people)
    visitor = Client(HTTP_HOST="127.0.0.1", headers={"Authorization": f"Api-Key {key}"})

    def look(public_id: str, *, empty: bool = False) -> None:
        body = json.dumps({"customer": {"id": public_id}})
        answer = visitor.post(f"/api/v1/placements/{SLOT}/render", body, content_type="application/json")
        if answer.status_code != 200 or bool(answer.json()["html"]) == empty:
            raise AssertionError(answer.content[:200])

    def bare(case: tuple[int, str]) -> None:
        with connection.cursor() as cursor:
            for statement in ROWS:
                cursor.execute(statement, [case[0]])
                cursor.fetchall()

    look(silent[0][1], empty=True)
    first = slowest_seconds({"bare": bare, "look": lambda case: look(case[1])}, people_ids(people))
    again = slowest_seconds({"bare": bare, "look": lambda case: look(case[1])}, people_ids(people))
    none = slowest_seconds({"bare": bare, "look": lambda case: look(case[1], empty=True)}, silent)
    floor = again["bare"]
    return [
        Measurement("floor: rows of a placement", floor, 1.0, note=population()),
        Measurement("placement, first look: a new code", first["look"], first["look"] / floor, limit=LIMIT),
        Measurement("placement, again: the same code", again["look"], again["look"] / floor, limit=LIMIT),
        Measurement("placement, nothing to show", none["look"], none["look"] / floor, limit=LIMIT),
    ]


def people_ids(people: list[int]) -> list[tuple[int, str]]:
    from customers.models import Customer

    rows = Customer.objects.filter(pk__in=people).values_list("pk", "public_id")
    return [(pk, str(public_id)) for pk, public_id in rows]


def _set_up(people: list[int]) -> tuple[str, list[tuple[int, str]]]:
    """Write placements, consents and an audience; return a client's key, and people who allow nothing."""
    from django.utils import timezone

    from campaigns.services.placements import (
        PlacementTerms,
        Wording,
        activate_placement,
        create_placement,
    )
    from coupons.services import create_promotion
    from customers.models import Customer, Segment, SegmentMembership
    from customers.services import record_consent
    from operations.models import ApiClient

    at, stamp = timezone.now(), f"{timezone.now().timestamp():.0f}"
    segment = Segment.objects.create(code=f"bench-{stamp}", name="bench", kind=Segment.Kind.MANUAL)
    SegmentMembership.objects.bulk_create(
        SegmentMembership(segment=segment, customer_id=pk, entered_at=at) for pk in people
    )
    for customer in Customer.objects.filter(pk__in=people):
        record_consent(
            customer, channel="push", purpose="MARKETING", state="GRANTED", proof={"bench": True}, at=at
        )
    effect = {"kind": "PERCENT", "percent": "10"}
    promotion = create_promotion(
        code=f"bench-{stamp}", name="Ten percent", effect=effect, activate=True, at=at
    )
    for number in range(6):
        terms = PlacementTerms(
            slot=SLOT,
            segment=segment,
            promotion=promotion if number == 5 else None,
            priority=90 if number == 5 else 10,
        )
        made = create_placement(
            f"bench-{stamp}-{number}",
            name="bench",
            terms=terms,
            contents=[Wording(BODY if number == 5 else "<p>x</p>")],
            at=at,
        )
        activate_placement(made, at=at)
    _client, key = ApiClient.objects.create_key(name=f"bench-{stamp}", scopes=["placements:render"])
    others = Customer.objects.exclude(pk__in=people).filter(status="ACTIVE").order_by("-pk")[:CASES]
    return key, [(one.pk, str(one.public_id)) for one in others]
