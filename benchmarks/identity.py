"""Finding out whom records are about, 500 at a time, against a bare look-up of the same keys.

Half of the records are of people known by their card or e-mail address, half of nobody yet. The floor finds
the holders of the keys in one indexed statement. Resolution also locks the keys, weighs kinds of keys against
each other, compares names, and keeps apart what belongs to two people.
"""

from itertools import count
from typing import TYPE_CHECKING

from benchmarks.measurement import Measurement, median_seconds
from benchmarks.population import buyers, population

if TYPE_CHECKING:
    from customers.services.resolution import Draft

RECORDS = 500
KEYS = ["email", "loyalty_card"]
LIMIT = 0.00015  # Seconds for each record.
FLOOR = """
SELECT count(*) FROM unnest(%s::text[], %s::text[]) AS wanted (namespace, value)
JOIN customers_identity held ON held.namespace = wanted.namespace AND held.value = wanted.value
JOIN customers_customer customer ON customer.id = held.customer_id
"""


def measure() -> list[Measurement]:
    """Return the floor and the resolution of a bulk."""
    from django.db import connection, transaction

    from customers.services.namespaces import namespace_policies
    from customers.services.references import lock_customer_keys
    from customers.services.resolution import Resolution
    from operations.outcomes import WriteMode

    items, stage = _items(), {}
    keys = [(name, item[name]) for item in items for name in KEYS if name in item]

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute(FLOOR, [[name for name, _ in keys], [value for _, value in keys]])
            cursor.fetchall()

    def normalise() -> None:
        stage["drafts"] = [_draft(item) for item in items]

    def resolve() -> None:
        drafts = stage["drafts"]
        with transaction.atomic():
            lock_customer_keys({key for draft in drafts for key in (draft.profile_key, *draft.keys.values())})
            Resolution(drafts, namespace_policies(), WriteMode.UPSERT).settle()

    seconds = median_seconds({"bare": bare, "normalise": normalise, "resolve": resolve}, rounds=9)
    names = {
        "bare": f"floor: {len(keys)} keys looked up",
        "normalise": f"keys of {RECORDS} records put into normal form",
        "resolve": f"{RECORDS} records resolved",
    }
    return [
        Measurement(
            name,
            seconds[kind],
            seconds[kind] / seconds["bare"],
            note=f"{seconds[kind] / RECORDS * 1000:.3f} ms each; {population()}",
            limit=LIMIT * RECORDS if kind == "resolve" else None,
        )
        for kind, name in names.items()
    ]


def _draft(item: dict) -> "Draft":
    from customers.services.references import PROFILE, Key, identity_key
    from customers.services.resolution import Draft

    keys = {name: identity_key(name, item[name]) for name in KEYS if name in item}
    return Draft(item, Key(PROFILE, item["source"], item["source_id"]), keys)


def _items() -> list[dict]:
    from customers.models import Identity

    numbers = count()
    held = Identity.objects.filter(customer__in=buyers(2_000), namespace__in=KEYS)
    known = [
        {"source": "bench-identity", "source_id": str(next(numbers)), identity.namespace: identity.value,
         "first_name": identity.customer.first_name, "last_name": identity.customer.last_name}
        for identity in held.select_related("customer")[: RECORDS // 2]
    ]  # fmt: skip
    new = [
        {"source": "bench-identity", "source_id": str(next(numbers)),
         "email": f"nobody.{number}@mail.example", "first_name": "Anna", "last_name": "Rossi"}
        for number in range(RECORDS - len(known))
    ]  # fmt: skip
    return known + new
