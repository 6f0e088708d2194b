"""Signs of interest beside the purchases: visits, articles tried and put together."""

import hashlib
from datetime import datetime, timedelta

from customers.models import Customer, Event, Source
from customers.services import record_events
from loyalty_site.demo.journey.invention import chance
from loyalty_site.demo.journey.loading import SOURCE

ONE_IN = 3
DAYS = 60
KINDS = (
    ("visit.recorded", {"page": "/offerte", "title": "Offerte della settimana"}),
    ("visit.recorded", {"page": "/", "title": "Home"}),
    ("product.tried", {"comment": "Degustazione in negozio"}),
    ("product.configured", {"choices": {"cesto": "regalo"}}),
)


def write_interest(*, at: datetime) -> int:
    """Let every third customer show some interest in the last weeks; return how many signs were new."""
    source = Source.objects.get(code=SOURCE)
    everybody = Customer.objects.filter(status=Customer.Status.ACTIVE).order_by("pk")
    signs = []
    for number, customer in enumerate(everybody.values_list("pk", flat=True)):
        if number % ONE_IN:
            continue
        dice = chance("interest", number)
        for place in range(min(8, 1 + int(dice.expovariate(0.5)))):
            kind, payload = KINDS[min(3, int(dice.expovariate(1)))]
            key = f"interest:{number}:{place}"
            signs.append(
                Event(
                    type=kind,
                    customer_id=customer,
                    source=source,
                    external_id=key,
                    occurred_at=at - timedelta(minutes=dice.randint(60, DAYS * 24 * 60)),
                    payload=payload,
                    content_hash=hashlib.sha256(key.encode()).digest(),
                )
            )
    return len(record_events(signs, announce=False))
