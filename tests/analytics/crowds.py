"""A crowd of customers who buy as BG/NBD says, the same ones every time."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings

from customers.models import Customer, Order
from customers.services.rollups import refresh_rollups
from tests.factories import NOON, SourceFactory


def crowd(size: int, *, until: date, days: int = 400, seed: int = 1) -> list[Customer]:
    """Return customers with their orders of the last `days` days before `until`, each at noon."""
    draw = np.random.default_rng(seed)
    source = SourceFactory()
    people = Customer.objects.bulk_create([Customer(last_name=f"Buyer {number}") for number in range(size)])
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    orders = []
    for person in people:
        rate, leaves = draw.gamma(0.8, 1 / 20), draw.beta(1.0, 6.0)
        size_of_order, day = draw.gamma(4, 1_250), draw.uniform(1, days)
        while day > 0:
            at = datetime.combine(until - timedelta(days=int(day) + 1), time(12), zone)
            amount = max(int(draw.gamma(6, size_of_order / 6)), 100)
            orders.append(_order(source, person, len(orders), at, amount))
            if draw.random() < leaves:
                break
            day -= draw.exponential(1 / rate)
    Order.objects.bulk_create(orders)
    refresh_rollups([person.pk for person in people])
    return people


def heap(*days_ago: int, amount: int, people: int) -> list[Customer]:
    """Return so many customers with an order of about `amount` each of so many days before NOON."""
    source = SourceFactory()
    members = Customer.objects.bulk_create([Customer(last_name=f"Heap {number}") for number in range(people)])
    Order.objects.bulk_create(
        _order(
            source,
            person,
            f"{person.pk}-{days}",
            NOON - timedelta(days=days + number % 4),
            amount + number * amount // 100,
        )
        for number, person in enumerate(members)
        for days in days_ago
    )
    refresh_rollups([person.pk for person in members])
    return members


def _order(source, person: Customer, number: int | str, at: datetime, amount: int) -> Order:
    return Order(
        source=source, external_id=f"crowd-{number}", customer=person, ordered_at=at, total_amount=amount,
        currency="EUR", content_hash=b"", created_at=NOON,
    )  # fmt: skip
