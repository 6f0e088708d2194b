"""What the purchases do not tell: prospects, carts left behind, owned products, families and a company.

Invented like the people of the journey, and told by the same source, with which they leave again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from customers.models import Customer, Identity, Lead, LeadStage, Namespace, ProductPrice, Source
from customers.services import (
    form_households,
    move_lead,
    record_external_events,
    register_asset,
    register_prospect,
    tell_abandoned_carts,
    upsert_customers,
)
from customers.services.catalogue import upsert_products
from customers.services.contacts import name_contact
from customers.services.references import key_of
from loyalty_site.demo.journey.invention import GIVEN_NAMES, MAIL_DOMAIN, chance, invent_person
from loyalty_site.demo.journey.loading import SOURCE

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Above every household's number, so that no invention is anybody's of the journey.
FIRST_PROSPECT = 90_000
STAGES = {
    LeadStage.NEW: 26,
    LeadStage.ENGAGED: 18,
    LeadStage.QUALIFIED: 9,
    LeadStage.LOST: 7,
}
ORIGINS = ["Fiera di Bologna", "Newsletter", "Concorso in negozio", "Instagram"]
LOST_BECAUSE = ["Abita troppo lontano", "Non risponde"]
CARTS, OWNERS, FAMILIES = 24, 30, 24
ABANDONED_AFTER = 4 * HOUR
DURABLES = [
    {"sku": "MACCHINA-CAFFE", "name": "Macchina da caffè Alba", "unit_price_amount": 24_900},
    {"sku": "ROBOT-CUCINA", "name": "Robot da cucina Brio", "unit_price_amount": 39_900},
    {"sku": "FRIGO-210", "name": "Frigorifero Neve 210", "unit_price_amount": 52_900},
]
CONTACTS = ["Acquisti", "Amministrazione", "Direzione"]


@dataclass(frozen=True)
class Person:
    """A customer of the journey to whom something more happens."""

    customer: Customer
    email: str


@transaction.atomic
def write_relations(*, at: datetime) -> dict[str, int]:
    """Write all of it, once; return how many there are of what."""
    source = Source.objects.get(code=SOURCE)
    if not Lead.objects.filter(source=source).exists():
        people = _people()
        _write_prospects(source, at=at)
        _leave_carts(list(islice(people, CARTS)), at=at)
        _own_products(list(islice(people, OWNERS)), source, at=at)
        _join_families(list(islice(people, FAMILIES)), at=at)
        _write_company([person.customer for person in islice(people, len(CONTACTS))], at=at)
    return {"prospects": Lead.objects.filter(source=source).count()}


def _people() -> Iterator[Person]:
    """Yield customers of the journey who gave an address, the longest known first."""
    found = Identity.objects.filter(namespace=Namespace.EMAIL, customer__status=Customer.Status.ACTIVE)
    for identity in found.select_related("customer").order_by("customer")[:500]:
        yield Person(identity.customer, identity.value)


def _write_prospects(source: Source, *, at: datetime) -> None:
    stages = [stage for stage, count in STAGES.items() for _ in range(count)]
    for number, stage in enumerate(stages, FIRST_PROSPECT):
        dice = chance("prospect", number)
        person = invent_person(number)
        email = f"{person.first_name}.{person.last_name}.{number}@{MAIL_DOMAIN}".lower()
        began = at - dice.randint(10, 60) * DAY - dice.randint(0, 600) * timedelta(minutes=1)
        lead, _created = register_prospect(
            key_of({"email": email}),
            source=source,
            origin=dice.choice(ORIGINS),
            first_name=person.first_name,
            last_name=person.last_name,
            at=began,
        )
        if stage == LeadStage.NEW:
            continue
        visited = began + dice.randint(1, 4) * DAY
        page = {"url": "https://negozio.example/volantino", "pages": dice.randint(2, 9)}
        _tell(f"visit:{number}", "visit.recorded", visited, email, payload=page, at=at)
        reason = dice.choice(LOST_BECAUSE) if stage == LeadStage.LOST else ""
        move_lead(lead, LeadStage.ENGAGED, at=visited + HOUR)
        move_lead(lead, stage, reason=reason, at=visited + dice.randint(1, 5) * DAY)


def _leave_carts(people: list[Person], *, at: datetime) -> None:
    """Fill carts in the last two days, of which the oldest are long left behind."""
    prices = ProductPrice.objects.filter(last_amount__gt=0).select_related("product")
    articles = list({one.product_id: one for one in prices.order_by("-day", "product")[:60]}.values())
    if not articles:
        return
    for number, person in enumerate(people):
        dice = chance("cart", number)
        chosen = dice.sample(articles, k=min(len(articles), dice.randint(1, 4)))
        items = [
            {
                "sku": one.product.sku,
                "name": str(one.product),
                "quantity": dice.randint(1, 3),
                "price": one.last_amount,
            }
            for one in chosen
        ]
        _tell(
            f"cart:{number}",
            "cart.updated",
            at - dice.randint(1, 47) * HOUR,
            person.email,
            amount=sum(item["quantity"] * item["price"] for item in items),
            payload={"cart": f"C-{number:04d}", "items": items},
            at=at,
        )
    tell_abandoned_carts(after=ABANDONED_AFTER, at=at)


def _own_products(people: list[Person], source: Source, *, at: datetime) -> None:
    """Register appliances; some tell how often they are used, and every tenth changed hands."""
    products = [outcome.row for outcome in upsert_products([dict(one) for one in DURABLES])]
    for number, person in enumerate(people):
        dice = chance("asset", number)
        product, serial = dice.choice(products), f"{2024 + number % 3}-{number:06d}"
        bought = at - dice.randint(60, 700) * DAY
        described = {"product": product, "source": source, "at": at}
        register_asset(serial, owner=person.customer, owned_from=bought, **described)
        if number % 10 == 9:
            heir = people[number - 1].customer
            register_asset(serial, owner=heir, owned_from=at - dice.randint(5, 40) * DAY, **described)
        if number % 3 == 0:
            reading = {"serial": serial, "metric": "cicli", "value": dice.randint(20, 900)}
            _tell(
                f"iot:{number}", "iot.measured", at - dice.randint(1, 72) * HOUR, None, payload=reading, at=at
            )


def _join_families(people: list[Person], *, at: datetime) -> None:
    """Give them somebody of their name at their address, and let households form."""
    items = []
    for number, person in enumerate(people):
        known = person.customer
        others = [name for name in GIVEN_NAMES if name != known.first_name]
        first_name = chance("family", number).choice(others)
        items.append(
            {
                "source": SOURCE,
                "source_id": f"family-{number}",
                "first_name": first_name,
                "email": f"{first_name}.{known.last_name}.famiglia{number}@{MAIL_DOMAIN}".lower(),
                "attributes": {"demo": True},
            }
            | {
                field: str(getattr(known, field))
                for field in ("last_name", "language", "country", "region", "city", "postcode", "street")
            }
        )
    upsert_customers(items, at=at)
    form_households(at=at)


def _write_company(contacts: list[Customer], *, at: datetime) -> None:
    (outcome,) = upsert_customers(
        [
            {
                "source": SOURCE,
                "source_id": "company-1",
                "kind": Customer.Kind.COMPANY,
                "last_name": "Trattoria dell'Esempio S.r.l.",
                "email": "ordini@trattoria.example",
                "language": "it",
                "country": "IT",
                "city": "Bologna",
                "postcode": "40121",
                "street": "Via Inventata 1",
                "attributes": {"demo": True},
            }
        ],
        at=at,
    )
    for contact, role in zip(contacts, CONTACTS, strict=False):
        name_contact(outcome.row, contact, role=role, at=at)


def _tell(
    external_id: str,
    type: str,
    occurred_at: datetime,
    email: str | None,
    *,
    payload: dict,
    at: datetime,
    amount: int | None = None,
) -> None:
    item = {
        "source": SOURCE,
        "external_id": f"demo:{external_id}",
        "type": type,
        "occurred_at": occurred_at,
        "payload": payload,
    }
    if email:
        item["customer"] = {"email": email}
    if amount is not None:
        item |= {"amount": amount, "currency": "EUR"}
    record_external_events([item], at=at)
